"""A server that speaks the interface of the Hugging Face hub, with models of the test; a second one has the files."""

import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "1234567890" * 4
LARGE = 1000
"""Files from this size on are kept apart, as the hub does it."""


def blob_of(content: bytes) -> tuple[str, str]:
    """Git's hash of a file, and the name under which it is kept."""
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return git, hashlib.sha256(content).hexdigest() if len(content) >= LARGE else git


@dataclass
class Faults:
    """What goes wrong, and how often; by path within the model."""

    cut: dict[str, list[int]] = field(default_factory=dict)
    """After how many bytes the next answers break off."""
    damaged: Counter = field(default_factory=Counter)
    """How many answers hold wrong bytes."""
    busy: Counter = field(default_factory=Counter)
    """How many answers are status 503."""
    no_ranges: bool = False
    """Whether the answer is always the whole file."""
    held: dict[str, threading.Event] = field(default_factory=dict)
    """What the answer waits for after half of the file."""


class FakeHub:
    """The two servers."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.let_in: set[str] = set()
        self.commits = {"main", COMMIT}
        """What is known as a revision."""
        self.faults = Faults()
        self.errors: dict[str, tuple[int, str]] = {}
        """Status and error code of every answer that is about a model."""
        self.asked: list[str] = []
        """Method and path of every request."""
        self.sent: Counter = Counter()
        """How many bytes of which file went out."""
        self.tokens: dict[str, set[str | None]] = {"hub": set(), "store": set()}
        self.ranges: list[str] = []
        self._hub = ThreadingHTTPServer(("127.0.0.1", 0), self._handler("hub"))
        self._store = ThreadingHTTPServer(("127.0.0.1", 0), self._handler("store"))
        for server in (self._hub, self._store):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._hub.server_port}"

    @property
    def store_url(self) -> str:
        # Another host than the hub, as in life: a token must not go there.
        return f"http://localhost:{self._store.server_port}"

    def close(self) -> None:
        for server in (self._hub, self._store):
            server.shutdown()
            server.server_close()

    def _handler(self, name: str) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.tokens[name].add(self.headers.get("Authorization"))
                path = unquote(urlsplit(self.path).path)
                hub.asked.append(f"{self.command} {path}")
                if name == "store":
                    model, file = path.removeprefix("/").split("!", 1)
                    self._file(model, file)
                elif found := re.fullmatch(r"/api/models/(.+?)/(revision|tree)/([^/]+)", path):
                    self._described(*found.groups())
                elif found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
                    self._resolved(*found.groups())
                else:
                    self._fail(404)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                del arguments

            def _known(self, model: str, revision: str) -> bool:
                if model in hub.errors:
                    self._fail(*hub.errors[model])
                elif model not in hub.models:
                    self._fail(404 if self.headers.get("Authorization") else 401, "RepoNotFound")
                elif revision not in hub.commits:
                    self._fail(404, "RevisionNotFound")
                else:
                    return True
                return False

            def _described(self, model: str, kind: str, revision: str) -> None:
                if not self._known(model, revision):
                    return
                files = hub.models[model]
                if kind == "tree":
                    entries = [{"type": "file", "path": path, **about(files[path], "oid")} for path in files]
                    self._send(json.dumps(entries).encode())
                    return
                siblings = [{"rfilename": path, **about(files[path], "blobId")} for path in files]
                self._send(
                    json.dumps(
                        {"id": model, "sha": COMMIT if revision == "main" else revision, "siblings": siblings}
                    ).encode()
                )

            def _resolved(self, model: str, revision: str, path: str) -> None:
                if not self._known(model, revision):
                    return
                if model in hub.gated and (token := self.headers.get("Authorization")) not in hub.let_in:
                    self._fail(403 if token else 401, "GatedRepo")
                    return
                if path not in hub.models[model]:
                    self._fail(404, "EntryNotFound")
                    return
                content = hub.models[model][path]
                _, blob = blob_of(content)
                if len(content) < LARGE:
                    self._file(model, path)
                    return
                self.send_response(302)
                self.send_header("Location", f"{hub.store_url}/{model}!{path}")
                self.send_header("X-Linked-Etag", f'"{blob}"')
                self.send_header("X-Linked-Size", str(len(content)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _file(self, model: str, path: str) -> None:
                faults, content = hub.faults, hub.models[model][path]
                if self.command == "GET" and faults.busy[path] > 0:
                    faults.busy[path] -= 1
                    self._fail(503)
                    return
                wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                first = int(wanted[1]) if wanted and not faults.no_ranges else 0
                if wanted:
                    hub.ranges.append(f"{path}@{wanted[1]}")
                if first >= len(content):
                    self._fail(416)
                    return
                body = content[first:]
                if self.command == "GET" and faults.damaged[path] > 0:
                    faults.damaged[path] -= 1
                    body = bytes(255 - byte for byte in body)
                self.send_response(206 if first else 200)
                self.send_header("ETag", f'"{blob_of(content)[1]}"')
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", str(len(body)))
                if first:
                    self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
                self.end_headers()
                if self.command == "HEAD":
                    return
                if faults.cut.get(path):
                    body = body[: faults.cut[path].pop(0)]
                    self.close_connection = True
                half = len(body) // 2
                for piece in (body[:half], body[half:]):
                    # Counted first: whoever has the last byte may look at the count at once.
                    hub.sent[path] += len(piece)
                    self.wfile.write(piece)
                    self.wfile.flush()
                    if piece is not body[half:] and path in faults.held:
                        faults.held[path].wait(60)

            def _send(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _fail(self, status: int, code: str = "") -> None:
                self.send_response(status)
                if code:
                    self.send_header("X-Error-Code", code)
                    self.send_header("X-Error-Message", f"{code}: a long story")
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Handler


def about(content: bytes, git_name: str) -> dict:
    git, blob = blob_of(content)
    lfs = (
        {"lfs": {"sha256": blob, "oid": blob, "size": len(content), "pointerSize": 130}}
        if len(content) >= LARGE
        else {}
    )
    return {"size": len(content), git_name: git, **lfs}
