"""Files fetched over HTTP from a store that has its moods."""

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from postcards.composer.v1 import composer_pb2 as pb

from postcards_client import downloads
from postcards_client.downloads import DownloadFailed, download, read_kept

DATA = bytes(range(256)) * 4096
SECRET = "X-Amz-Signature=0123456789abcdef"  # noqa: S105 - it opens nothing
Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(len(DATA)))
    handler.end_headers()
    handler.wfile.write(DATA)


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {"content-length": "0", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Half of the bytes that were announced."""
    handler.send_response(200)
    handler.send_header("content-length", str(len(DATA)))
    handler.end_headers()
    handler.wfile.write(DATA[: len(DATA) // 2])


@dataclass
class Store:
    """An HTTP server that answers from a script; then always whole."""

    address: str = ""
    script: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def file(self, sha256: str = "", size: int = len(DATA)) -> pb.File:
        url = f"http://{self.address}/image.png?{SECRET}"
        return pb.File(name="image.png", url=url, size_bytes=size, sha256=sha256 or hashlib.sha256(DATA).hexdigest())

    def postcard(self, **changes) -> pb.Postcard:
        return pb.Postcard(id="a" * 26, files=[self.file(**changes)])


@pytest.fixture
def store(monkeypatch) -> Iterator[Store]:
    monkeypatch.setattr(downloads, "FIRST_PAUSE", 0.001)
    held = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append(self.path)
            (held.script.pop(0) if held.script else whole)(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_file_comes_whole(store, tmp_path):
    paths = await download(store.postcard(), tmp_path)
    assert paths["image.png"].read_bytes() == DATA
    await download(store.postcard(), tmp_path)
    assert len(store.asked) == 1, "what is there is not asked for again"


async def test_a_folder_may_be_named_by_text(store, tmp_path):
    assert (await download(store.postcard(), str(tmp_path)))["image.png"].read_bytes() == DATA


async def test_a_proxy_of_the_surroundings_is_not_asked_for_this_machine(store, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert (await download(store.postcard(), tmp_path))["image.png"].read_bytes() == DATA


@pytest.mark.parametrize("trouble", [cut, status(503), status(429), status(500)])
async def test_a_store_that_has_trouble_is_asked_again(store, tmp_path, trouble):
    store.script = [trouble, trouble]
    assert (await download(store.postcard(), tmp_path))["image.png"].read_bytes() == DATA
    assert len(store.asked) == 3


async def test_a_redirection_is_followed(store, tmp_path):
    store.script = [status(307, location="/elsewhere")]
    assert (await download(store.postcard(), tmp_path))["image.png"].read_bytes() == DATA
    assert store.asked[-1] == "/elsewhere"


async def failure(store, tmp_path, **changes) -> str:
    with pytest.raises(DownloadFailed) as caught:
        await download(store.postcard(**changes), tmp_path)
    assert list((tmp_path / ("a" * 26)).iterdir()) == [], "nothing half is left"
    assert SECRET not in caught.value.message
    assert "image.png" in caught.value.message
    return caught.value.message


async def test_patience_ends(store, tmp_path):
    store.script = [cut] * downloads.TRIES
    assert "no whole answer" in await failure(store, tmp_path)
    assert len(store.asked) == downloads.TRIES


async def test_an_expired_url_is_said_without_its_secret(store, tmp_path):
    store.script = [status(403)]
    assert "expired" in await failure(store, tmp_path)
    assert len(store.asked) == 1, "asking again would not help"


async def test_other_bytes_are_damage(store, tmp_path):
    assert "damaged" in await failure(store, tmp_path, sha256="0" * 64)


async def test_more_bytes_than_announced_are_not_taken(store, tmp_path):
    assert "longer than the 1000 bytes" in await failure(store, tmp_path, size=1000)
    assert len(store.asked) == 1


async def test_what_is_longer_than_any_file_is_not_held_in_memory(store, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", len(DATA) - 1)
    with pytest.raises(DownloadFailed, match="longer"):
        await read_kept(store.file(size=0))


async def test_bytes_without_an_announced_length_come_in_pieces(store, tmp_path):
    def in_pieces(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(DATA), 100_000):
            piece = DATA[start : start + 100_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    store.script = [in_pieces]
    assert (await download(store.postcard(), tmp_path))["image.png"].read_bytes() == DATA


async def test_a_disk_that_cannot_be_written_is_not_the_stores_fault(store, tmp_path, monkeypatch):
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(downloads, "_copy_pieces", no_room)
    with pytest.raises(OSError, match="no space left"):
        await download(store.postcard(), tmp_path)
    assert len(store.asked) == 1


async def test_a_redirection_to_a_file_of_this_machine_is_not_followed(store, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    store.script = [status(302, location=secret.as_uri())]
    assert "RedirectError" in await failure(store, tmp_path)


async def test_a_proxy_is_asked_for_other_machines(store, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://{store.address}")
    file = store.file()
    file.url = "http://store.invalid/image.png"
    postcard = pb.Postcard(id="a" * 26, files=[file])
    assert (await download(postcard, tmp_path))["image.png"].read_bytes() == DATA
    assert store.asked == ["http://store.invalid/image.png"]


async def test_nobody_at_the_address(store, tmp_path):
    store.address = "127.0.0.1:1"
    assert "no whole answer from 127.0.0.1:1 (ConnectionRefusedError)" in await failure(store, tmp_path)


async def test_endless_redirections_end(store, tmp_path):
    store.script = [status(302, location="/x")] * 50
    assert "RedirectError" in await failure(store, tmp_path)


async def test_reading_what_is_kept_judges_nothing(store, tmp_path):
    assert await read_kept(store.file(sha256="0" * 64)) == DATA
    store.script = [status(404)]
    assert await read_kept(store.file()) is None
    assert await read_kept(pb.File(name="x", url=(tmp_path / "gone").as_uri())) is None
    with pytest.raises(DownloadFailed):
        await read_kept(pb.File(name="x", url="s3://bucket/x"))
