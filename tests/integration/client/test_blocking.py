"""The blocking client, in a thread beside the composer's event loop."""

import asyncio

import pytest
from postcards.composer.v1 import composer_pb2 as pb

from postcards_client import BlockingPostcardsClient, Changed, InvalidRequest, NotFound


async def test_the_whole_life_of_a_postcard(composer, tmp_path):
    def live() -> list[str]:
        with BlockingPostcardsClient(composer.address) as client:
            made = client.make(seed=7)
            assert made.state == pb.POSTCARD_STATE_ACTIVE
            assert client.get(made.id) == client.wait(made.id) == made
            events = list(client.watch(made.id))
            assert [type(event) for event in events] == [Changed]
            assert client.list().postcards == ()
            assert client.list(page_size=5).postcards == (made,)
            files = client.download(made, str(tmp_path / "here"))
            assert all(path.is_file() for path in files.values())
            client.delete(made.id)
            with pytest.raises(NotFound):
                client.get(made.id)
            other = client.create()
            assert client.cancel(other.id).state == pb.POSTCARD_STATE_CANCELLED
            assert client.repair(other.id).state == pb.POSTCARD_STATE_CREATING
            return sorted(files)

    assert await asyncio.to_thread(live) == ["card.html", "preview.webp"]


async def test_a_watch_may_be_left(composer):
    def leave() -> int:
        with BlockingPostcardsClient(composer.address) as client:
            for event in client.watch(client.create().id):
                return event.sequence
        return 0

    assert await asyncio.to_thread(leave) == 1


def test_closing_twice_is_fine():
    client = BlockingPostcardsClient("127.0.0.1:1")
    client.close()
    client.close()


def test_a_wrong_value_is_refused_by_name():
    with BlockingPostcardsClient("127.0.0.1:1") as client:
        for call in (lambda: client.make(seed=-1), lambda: next(client.watch("x", after_sequence=-1))):
            with pytest.raises(InvalidRequest) as caught:
                call()
            assert caught.value.violations[0].field in ("seed", "after_sequence")


def test_a_closed_client_says_so():
    client = BlockingPostcardsClient("127.0.0.1:1")
    client.close()
    with pytest.raises(RuntimeError, match="the client is closed"):
        client.get("x")
