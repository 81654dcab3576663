"""`postcards load` on the four real services, which go away in the middle of it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from free_ports import free_port_base
from postcards_cli.local.ports import endpoints
from postcards_serving.testing import eventually

LIMIT = 120


def start(*arguments: str, folder) -> subprocess.Popen[str]:
    settings = {key: value for key, value in os.environ.items() if not key.startswith("POSTCARDS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "postcards_cli", *arguments],
        cwd=folder,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.long
async def test_services_that_stop_leave_a_report_and_an_exit_code(tmp_path):
    base = free_port_base()
    metrics = f"http://127.0.0.1:{endpoints(base)[0].metrics_port}/metrics"
    services = start("up", "--port-base", str(base), "--out", "here", "--json", folder=tmp_path)
    try:
        assert json.loads(services.stdout.readline())["state"] == "SERVING"
        load = start(
            "load", "--port-base", str(base), "-c", "2", "--count", "40", "--width", "64", "--height", "64",
            "--seconds", "0.5", "--json", "--quiet", folder=tmp_path,
        )  # fmt: skip

        def some_are_made() -> bool:
            with urllib.request.urlopen(metrics) as answer:
                lines = answer.read().decode().splitlines()
            made = [line for line in lines if line.lower().startswith('postcards_created_total{state="active"}')]
            return sum(float(line.split()[-1]) for line in made) >= 2

        await eventually(some_are_made, timeout=LIMIT)
        services.send_signal(signal.SIGTERM)
        out, err = load.communicate(timeout=LIMIT)
    finally:
        services.terminate()
        services.communicate(timeout=LIMIT)
    assert load.returncode == 1, err
    view = json.loads(out)
    total = view["total"]
    assert total["requests"] == 40
    assert total["succeeded"] >= 1
    assert total["failed"] >= 1
    assert total["first_progress"]["count"] >= 1
    assert total["latency"]["p50"] > 0
    assert view["postcards"]["made"] >= total["succeeded"]
    kept = (
        {path.name for path in (tmp_path / "here" / "postcards").iterdir()} if view["postcards"]["deleted"] else set()
    )
    assert len(kept) <= view["postcards"]["made"] - view["postcards"]["deleted"] + view["postcards"]["unknown"]
