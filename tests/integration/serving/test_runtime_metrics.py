"""What a server process tells a scrape."""

import asyncio
import shutil

import pytest

from server_process import AT_ONCE, SERVICE_NAME, scraped, server, widths


async def test_every_metric_is_there_from_the_start_with_zero(tmp_path):
    async with server(tmp_path) as probe:
        text = await asyncio.to_thread(scraped, (await probe.serving())["metrics_port"])
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    labels = f'grpc_method="GenerateImage",grpc_service="{SERVICE_NAME}",grpc_type="server_stream"'
    for name in ("grpc_server_started_total", "grpc_server_msg_received_total", "grpc_server_msg_sent_total"):
        assert samples[f"{name}{{{labels}}}"] == "0.0"
    handled = [name for name in samples if name.startswith("grpc_server_handled_total") and SERVICE_NAME in name]
    assert len(handled) == 17
    assert {samples[name] for name in handled} == {"0.0"}
    for name in (
        "postcards_queue_depth",
        "postcards_queue_oldest_wait_seconds",
        "postcards_queue_predicted_wait_seconds",
        "postcards_in_flight_rows",
    ):
        assert samples[name] == "0.0"
    assert samples["postcards_serving"] == "1.0"
    assert float(samples["postcards_in_flight_rows_limit"]) >= 1
    assert 'postcards_step_duration_seconds_count{engine="fake",stage="draw"}' in samples
    assert 'postcards_part_duration_seconds_count{engine="fake",outcome="failed"}' in samples


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus")
async def test_promtool_finds_nothing_to_complain_about(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        await widths(channel, AT_ONCE)
        text = await asyncio.to_thread(scraped, (await probe.serving())["metrics_port"])
    checking = await asyncio.create_subprocess_exec(
        "promtool",
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    complaints, _ = await checking.communicate(text.encode())
    assert (checking.returncode, complaints.decode()) == (0, "")
