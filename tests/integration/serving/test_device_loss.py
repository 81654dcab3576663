"""A device that is lost in the middle of the work: the process says so, lets its calls end, and ends."""

import asyncio
import json
import signal
from pathlib import Path

import grpc
import grpc.aio
import pytest
from postcards.image.v1 import image_pb2, image_pb2_grpc

import lossy_server
from lossy_server import CHORE, LAST, ORDINARY, STEP, THREAD
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.server.process import EXIT_DEVICE_LOST
from postcards_serving.testing import eventually
from server_process import NOT_SERVING, SERVING, Server, health, scraped, server

SCRIPT = Path(lossy_server.__file__)


async def asked(channel: grpc.aio.Channel, seed: int, steps: int = 1) -> list[int]:
    call = image_pb2_grpc.ImageServiceStub(channel).GenerateImage(
        image_pb2.GenerateImageRequest(seed=seed, steps=steps)
    )
    return [response.result.width async for response in call if response.HasField("result")]


def said_it_was_lost(probe: Server) -> list[dict]:
    logged = [json.loads(line) for line in probe.lines if line.startswith("{")]
    return [line for line in logged if line["message"].startswith("the device is lost to this process")]


@pytest.mark.parametrize("seed", [STEP, CHORE, THREAD], ids=["step", "chore", "thread"])
async def test_a_lost_device_ends_the_process_with_one_line_and_a_code_of_its_own(tmp_path, seed):
    async with server(tmp_path, script=SCRIPT) as probe, await probe.channel() as channel:
        assert await asked(channel, 0) == [0]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asked(channel, seed)
        told = from_rpc_error(caught.value)
        assert (told.code.value, told.reason, told.retry_after) == ("UNAVAILABLE", "DEVICE_LOST", 10.0)
        assert "CUDA" not in told.message
        assert await probe.exit_code() == EXIT_DEVICE_LOST
        [line] = said_it_was_lost(probe)
        assert line["message"].endswith(": CUDA error: an illegal memory access was encountered")
        assert probe.logged("stopped")


async def test_everybody_aboard_is_told_to_come_again(tmp_path):
    async with server(tmp_path, script=SCRIPT) as probe, await probe.channel() as channel:
        others = [asyncio.ensure_future(asked(channel, 0, steps=10**9)) for _ in range(2)]
        port = (await probe.serving())["metrics_port"]

        async def both_aboard() -> bool:
            return 'postcards_batch_rows_in_flight{engine="painter"} 2.0' in await asyncio.to_thread(scraped, port)

        await eventually(both_aboard, interval=0.1)
        results = await asyncio.gather(*others, asked(channel, STEP), return_exceptions=True)
        assert [from_rpc_error(result).reason for result in results] == ["DEVICE_LOST"] * 3
        assert await probe.exit_code() == EXIT_DEVICE_LOST
        assert not any("in halves" in line for line in probe.lines)


@pytest.mark.parametrize("seed", [STEP, THREAD], ids=["step", "thread"])
async def test_the_engine_behind_makes_the_part_before_the_process_ends_all_the_same(tmp_path, seed):
    async with server(tmp_path, script=SCRIPT, FALLBACK="1") as probe, await probe.channel() as channel:
        assert await asked(channel, 0) == [0]
        call = asyncio.ensure_future(asked(channel, seed))

        async def turned_away() -> bool:
            return await health(channel) == NOT_SERVING

        await eventually(turned_away)
        assert not call.done()
        probe.release()
        assert await call == [LAST]
        assert await probe.exit_code() == EXIT_DEVICE_LOST
        assert len(said_it_was_lost(probe)) == 1


@pytest.mark.parametrize("moment", ["LOAD", "WARM_UP"])
@pytest.mark.parametrize("policy", ["exit", "wait"])
async def test_a_device_that_is_lost_while_loading_is_not_tried_again_by_this_process(tmp_path, moment, policy):
    environment = {moment: "1", "POSTCARDS_ON_LOAD_FAILURE": policy}
    async with server(tmp_path, script=SCRIPT, **environment) as probe:
        assert await probe.exit_code() == EXIT_DEVICE_LOST
        assert len(said_it_was_lost(probe)) == 1
        assert not any("never retrieved" in line for line in probe.lines)


async def test_an_ordinary_fault_fails_its_request_and_nothing_else(tmp_path):
    async with server(tmp_path, script=SCRIPT) as probe, await probe.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asked(channel, ORDINARY)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert await health(channel) == SERVING
        assert await asked(channel, 0) == [0]
        assert said_it_was_lost(probe) == []
        probe.process.send_signal(signal.SIGTERM)
        assert await probe.exit_code() == 0
