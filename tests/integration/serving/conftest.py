"""A small hub on loopback that speaks the part of the Hugging Face hub's HTTP interface which downloads use."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the hub holds, and what it was asked."""

    endpoint: str = ""
    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Files by model and path."""
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and error code by model."""
    broken: set[str] = field(default_factory=set)
    """Paths of files that cannot be sent at present."""
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    tokens: set[str] = field(default_factory=set)
    """What came as authorisation."""

    def fetched(self) -> list[str]:
        """Paths of the files that were sent."""
        return [
            asked.split(f"/resolve/{COMMIT}/")[1]
            for asked in self.asked
            if asked.startswith("GET") and "/resolve/" in asked
        ]


def _entry(path: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}  # noqa: S324
    if _is_large(path):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


def _is_large(path: str) -> bool:
    return not path.endswith((".json", ".txt"))


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            hub.tokens.add(self.headers.get("Authorization", ""))
            api = path.startswith("/api/models/")
            model = "/".join(path.removeprefix("/api/models").split("/")[1:3])
            if model in hub.errors:
                return self._refuse(*hub.errors[model])
            if model not in hub.models:
                return self._refuse(HTTPStatus.NOT_FOUND, "RepoNotFound")
            revision = next((part for part in ("revision", "tree", "resolve") if f"/{part}/" in path), None)
            named = path.split(f"/{revision}/")[1].split("/")[0] if revision else "main"
            if named not in ("main", COMMIT):
                return self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound")
            files = hub.models[model]
            if api and revision == "tree":
                return self._send(json.dumps([_entry(*item) for item in files.items()]).encode(), body=body)
            if api:
                siblings = [{"rfilename": name} for name in files]
                about = {
                    "id": model,
                    "modelId": model,
                    "sha": COMMIT,
                    "siblings": siblings,
                    "tags": [],
                    "private": False,
                }
                return self._send(json.dumps(about).encode(), body=body)
            file = path.split(f"/resolve/{named}/")[1]
            if file not in files:
                return self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound")
            if file in hub.broken and body:
                return self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "")
            data = files[file]
            digest = (hashlib.sha256 if _is_large(file) else hashlib.sha1)(data).hexdigest()
            return self._send(data, body=body, ETag=f'"{digest}"', **{"X-Repo-Commit": COMMIT})

        def _send(self, data: bytes, *, body: bool, **headers: str) -> None:
            self.send_response(HTTPStatus.OK)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
                self.send_header("X-Error-Message", f"{code}: a long story")
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


@pytest.fixture
def hub_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of the hub's client."""
    for name in (
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HF_TOKEN",
        "HF_TOKEN_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    return tmp_path / "hub-home"


@pytest.fixture
def hub(hub_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that the client asks."""
    pytest.importorskip("huggingface_hub", reason="make setup-models brings it")
    assert not hub_home.exists()
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    # What the client keeps between requests of one process must not outlive the hub.
    tree_cache = pytest.importorskip("huggingface_hub._tree_cache")
    tree_cache._IN_MEMORY_TREE_CACHE.clear()
    yield hub
    server.shutdown()
    server.server_close()
