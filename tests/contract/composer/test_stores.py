"""What every object store must do, on each of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.request import urlopen

import pytest

from postcards_composer.store import InvalidKey, NotFound, ObjectStore, PreconditionFailed

TEXT = "text/plain"


def test_what_is_put_is_got(store: ObjectStore):
    data = os.urandom(1_500_000)

    etag = store.put("postcards/a/image.png", data, "image/png")

    stored = store.get("postcards/a/image.png")
    assert stored.data == data
    assert stored.etag == etag


def test_an_empty_object_is_an_object(store: ObjectStore):
    store.put("index/1-a", b"", "application/octet-stream")

    assert store.get("index/1-a").data == b""
    assert store.list("index/") == ["index/1-a"]


def test_a_put_replaces(store: ObjectStore):
    first = store.put("a", b"one", TEXT)
    second = store.put("a", b"two", TEXT)

    assert store.get("a").data == b"two"
    assert first != second


def test_stat_tells_size_and_version(store: ObjectStore):
    etag = store.put("a/b", b"12345", TEXT)

    info = store.stat("a/b")

    assert (info.key, info.size_bytes, info.etag) == ("a/b", 5, etag)


@pytest.mark.parametrize("operation", ["get", "stat"])
def test_what_is_not_there_is_not_found(store: ObjectStore, operation: str):
    with pytest.raises(NotFound, match="none"):
        getattr(store, operation)("a/none")


def test_a_prefix_is_not_an_object(store: ObjectStore):
    store.put("a/b", b"1", TEXT)

    with pytest.raises(NotFound):
        store.get("a")


def test_if_absent_writes_once(store: ObjectStore):
    store.put("a", b"first", TEXT, if_absent=True)

    with pytest.raises(PreconditionFailed):
        store.put("a", b"second", TEXT, if_absent=True)
    assert store.get("a").data == b"first"


def test_if_absent_writes_again_after_a_delete(store: ObjectStore):
    store.put("a", b"first", TEXT, if_absent=True)
    store.delete("a")

    store.put("a", b"second", TEXT, if_absent=True)

    assert store.get("a").data == b"second"


def test_if_match_writes_over_the_version_it_names(store: ObjectStore):
    etag = store.put("a", b"one", TEXT)

    newer = store.put("a", b"two", TEXT, if_match=etag)

    assert store.get("a") == type(store.get("a"))(b"two", newer)


def test_if_match_refuses_another_version(store: ObjectStore):
    old = store.put("a", b"one", TEXT)
    store.put("a", b"two", TEXT)

    with pytest.raises(PreconditionFailed):
        store.put("a", b"three", TEXT, if_match=old)
    assert store.get("a").data == b"two"


def test_if_match_refuses_what_is_gone(store: ObjectStore):
    etag = store.put("a", b"one", TEXT)
    store.delete("a")

    with pytest.raises(PreconditionFailed):
        store.put("a", b"two", TEXT, if_match=etag)
    assert store.list("a") == []


def test_the_etag_that_get_and_stat_tell_serves_for_if_match(store: ObjectStore):
    store.put("a", b"one", TEXT)
    store.put("a", b"two", TEXT, if_match=store.get("a").etag)

    store.put("a", b"three", TEXT, if_match=store.stat("a").etag)

    assert store.get("a").data == b"three"


def test_two_conditions_are_a_mistake(store: ObjectStore):
    with pytest.raises(ValueError, match="if_absent or if_match"):
        store.put("a", b"", TEXT, if_absent=True, if_match="x")


@pytest.mark.parametrize("exists", [False, True], ids=["create", "change"])
def test_of_sixteen_writers_one_wins(store: ObjectStore, exists: bool):
    condition = {"if_match": store.put("race", b"before", TEXT)} if exists else {"if_absent": True}
    barrier = Barrier(16)

    def write(number: int) -> int | None:
        barrier.wait()
        try:
            store.put("race", f"writer {number}".encode(), TEXT, **condition)
        except PreconditionFailed:
            return None
        return number

    with ThreadPoolExecutor(16) as threads:
        winners = [number for number in threads.map(write, range(16)) if number is not None]

    assert len(winners) == 1
    assert store.get("race").data == f"writer {winners[0]}".encode()


def test_counting_by_if_match_loses_nothing(store: ObjectStore):
    store.put("counter", b"0", TEXT)

    def count(_: int) -> None:
        while True:
            seen = store.get("counter")
            try:
                store.put("counter", str(int(seen.data) + 1).encode(), TEXT, if_match=seen.etag)
            except PreconditionFailed:
                continue
            return

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(20)))

    assert store.get("counter").data == b"20"


def test_a_list_is_in_order_and_below_the_prefix(store: ObjectStore):
    for key in ("index/2-b", "index/1-c", "index/1-a", "indexes/0", "pending/x", "index/3/deep"):
        store.put(key, b"1", TEXT)

    assert store.list("index/") == ["index/1-a", "index/1-c", "index/2-b", "index/3/deep"]
    assert store.list("index/1") == ["index/1-a", "index/1-c"]
    assert store.list("nothing/") == []
    assert len(store.list("")) == 6


def test_a_list_comes_in_pages(store: ObjectStore):
    keys = [f"index/{number:03d}" for number in range(25)]
    for key in keys:
        store.put(key, b"", TEXT)

    pages: list[list[str]] = [store.list("index/", limit=10)]
    while len(pages[-1]) == 10:
        pages.append(store.list("index/", start_after=pages[-1][-1], limit=10))

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [key for page in pages for key in page] == keys


def test_a_list_may_start_after_a_key_that_is_not_there(store: ObjectStore):
    store.put("index/b", b"1", TEXT)
    store.put("index/d", b"1", TEXT)

    assert store.list("index/", start_after="index/c") == ["index/d"]


def test_a_delete_deletes_and_may_be_repeated(store: ObjectStore):
    store.put("a/b", b"1", TEXT)

    store.delete("a/b")
    store.delete("a/b")

    with pytest.raises(NotFound):
        store.get("a/b")
    assert store.list("a/") == []


def test_the_url_leads_to_the_bytes(store: ObjectStore):
    store.put("postcards/a/card.html", b"<p>here", "text/html")

    with urlopen(store.url("postcards/a/card.html")) as response:  # noqa: S310
        assert response.read() == b"<p>here"


def test_a_location_names_the_place(store: ObjectStore):
    assert store.location("postcards/a/").endswith("/postcards/a")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "a/./b",
        ".a",
        "a/.b",
        "a\\b",
        "a b",
        "ä",
        "a\0",
        "a\n",
        "x" * 513,
    ],
)
@pytest.mark.parametrize("operation", ["put", "get", "stat", "delete", "url"])
def test_an_unsafe_key_is_refused(store: ObjectStore, operation: str, key: str):
    arguments = (key, b"1", TEXT) if operation == "put" else (key,)

    with pytest.raises(InvalidKey):
        getattr(store, operation)(*arguments)


@pytest.mark.parametrize("prefix", ["..", "../", "/", "a/../", "a//", "."])
def test_an_unsafe_prefix_is_refused(store: ObjectStore, prefix: str):
    with pytest.raises(InvalidKey):
        store.list(prefix)
