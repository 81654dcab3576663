"""Fetching over a bad line: broken off and taken up, damaged, busy, and by two at once."""

import asyncio
import threading

import pytest

from fetched_weights import LOADED, SD, UNET, Log, a_model, fetched
from postcards_serving.testing import eventually
from postcards_weights.hub_api import FetchFailed
from postcards_weights.state import state_in_cache


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(sd, cache):
    sd.faults.cut[UNET] = [1000, 500]
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert (folder / UNET).read_bytes() == sd.models[SD][UNET]
    assert [asked for asked in sd.ranges if asked.startswith(UNET)] == [f"{UNET}@{at}" for at in (0, 1000, 1500)]
    assert sd.sent[UNET] == len(sd.models[SD][UNET])
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)


async def test_after_it_gave_up_the_next_run_goes_on(sd, cache):
    sd.faults.cut[UNET] = [700, 0, 0, 0]
    with pytest.raises(FetchFailed, match="cannot be reached: the connection") as caught:
        await fetched(sd, cache, a_model())
    assert caught.value.reason == "HUB_UNREACHABLE"
    state = state_in_cache(cache, a_model())
    assert not state.complete
    # Others that were on their way are kept as well, as far as they came.
    assert state.unfinished_bytes >= 700
    await fetched(sd, cache, a_model())
    assert state_in_cache(cache, a_model()).complete
    assert f"{UNET}@700" in sd.ranges
    assert sd.sent[UNET] == len(sd.models[SD][UNET])


async def test_a_server_that_knows_no_ranges_sends_all_of_it_again(sd, cache):
    sd.faults.cut[UNET], sd.faults.no_ranges = [1000], True
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert (folder / UNET).read_bytes() == sd.models[SD][UNET]
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)


@pytest.mark.parametrize("path", [UNET, "vae/config.json"])
async def test_what_arrives_damaged_is_fetched_once_more(sd, cache, path):
    sd.faults.damaged[path] = 1
    folder = await fetched(sd, cache, a_model())
    assert (folder / path).read_bytes() == sd.models[SD][path]
    (folder / path).unlink()
    next(blob for blob in (folder.parents[1] / "blobs").iterdir() if blob.read_bytes() == sd.models[SD][path]).unlink()
    sd.faults.damaged[path] = 2
    with pytest.raises(FetchFailed, match="damaged, twice"):
        await fetched(sd, cache, a_model())
    assert not (folder / path).exists()


async def test_a_busy_hub_is_asked_again(sd, cache):
    sd.faults.busy["unet/config.json"] = 2
    await fetched(sd, cache, a_model())
    sd.faults.busy["vae/config.json"] = 9
    (cache.snapshot(SD, "main") / "vae/config.json").unlink()
    for blob in cache.home(SD).glob("blobs/*"):
        if blob.read_bytes() == sd.models[SD]["vae/config.json"]:
            blob.unlink()
    with pytest.raises(FetchFailed, match="it answers with status 503"):
        await fetched(sd, cache, a_model())


async def test_two_processes_do_not_write_the_same_file(sd, cache):
    sd.faults.held[UNET] = threading.Event()
    log = Log()
    first = asyncio.ensure_future(fetched(sd, cache, a_model(), log=log))
    # Only this one file is left to both: the first must not meet the second over another.
    await eventually(lambda: set(log.files) == LOADED - {UNET})
    await eventually(lambda: cache.unfinished_bytes(SD) == len(sd.models[SD][UNET]) // 2)
    with pytest.raises(FetchFailed, match="another process is fetching"):
        await fetched(sd, cache, a_model())
    sd.faults.held.pop(UNET).set()
    assert (await first / UNET).read_bytes() == sd.models[SD][UNET]
