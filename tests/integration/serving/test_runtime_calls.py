"""Calls to a server process that go on where something around them ends."""

import asyncio

import grpc.aio
import pytest

from server_process import AT_ONCE, CRASHING, UNTIL_RELEASED, server, started, widths


async def test_a_call_outlives_the_age_of_its_connection(tmp_path):
    async with server(tmp_path, POSTCARDS_MAX_CONNECTION_AGE_SECONDS="1") as probe, await probe.channel() as channel:
        call = await started(channel, UNTIL_RELEASED)
        state = channel.get_state()
        await asyncio.wait_for(channel.wait_for_state_change(state), 30)
        assert not call.done()
        probe.release()
        assert await call == [1]
        assert await widths(channel, AT_ONCE) == [0]


async def test_a_crashing_engine_harms_one_call_only(tmp_path):
    async with server(tmp_path) as probe, await probe.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await widths(channel, CRASHING)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "swordfish" not in str(caught.value)
        assert await widths(channel, AT_ONCE) == [0]
