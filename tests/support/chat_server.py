"""A small HTTP server that speaks chat completions, and does on command whatever a real one may do."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from postcards_language.realisation.lexicon import lexicon_of
from postcards_species.species import derive_species

Answer = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: "ScriptedServer"

    def do_GET(self) -> None:
        self.server.script.looked.append(dict(self.headers))
        self.server.script.models(self, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        script = self.server.script
        script.asked.append(body)
        script.headers.append({name.lower(): value for name, value in self.headers.items()})
        (script.answers.popleft() if len(script.answers) > 1 else script.answers[0])(self, body)

    def whole(self, status: int, body: Any, **headers: str) -> None:
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, choice: dict[str, Any] | None, **more: Any) -> None:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "model-2026-11-01",
            "system_fingerprint": "fp_1",
            "choices": [] if choice is None else [{"index": 0, **choice}],
            **more,
        }
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class ScriptedServer(ThreadingHTTPServer):
    daemon_threads = True
    script: "Script"

    def handle_error(self, *_: Any) -> None:
        """A client that has gone is no error here."""


class Script:
    """What the server answers: each answer once, the last one ever after."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.models: Answer = lambda handler, _: handler.whole(
            200, {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "us"}]}
        )
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.looked: list[dict[str, str]] = []
        self.released = threading.Event()
        self.url = ""

    def then(self, *answers: Answer) -> "Script":
        self.answers += answers
        return self


def say(text: Any, *, finish: str | None = "stop", usage: tuple[int, int] | None = (100, 50), size: int = 24) -> Answer:
    """An answer in small pieces; what is no text is said as JSON."""
    said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.event({"delta": {"role": "assistant", "content": ""}, "finish_reason": None})
        for i in range(0, len(said), size):
            handler.event({"delta": {"content": said[i : i + size]}, "finish_reason": None})
        if finish:
            handler.event({"delta": {}, "finish_reason": finish})
        if usage and body.get("stream_options"):
            counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            handler.event(None, usage=counted)
        handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def refuse(words: str) -> Answer:
    """A refusal in its own field, as models with structured output give it."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.event({"delta": {"role": "assistant", "refusal": words}, "finish_reason": None})
        handler.event({"delta": {}, "finish_reason": "stop"})
        handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def fail(status: int, code: str | None = None, message: str = "no", param: str | None = None, **headers: str) -> Answer:
    error = {
        "error": {"message": message, "type": "invalid_request_error", "param": param or None, "code": code or None}
    }
    return lambda handler, _: handler.whole(status, error, **headers)


def break_off(text: str) -> Answer:
    """A part of an answer, and then the connection is lost."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        handler.event({"delta": {"content": text}, "finish_reason": None})
        handler.close_connection = True

    return answer


def stall(script: Script, text: str = "") -> Answer:
    """A part of an answer, and then nothing until the test is over."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.event({"delta": {"content": text}, "finish_reason": None})
        script.released.wait(60)

    return answer


class Stalling:
    """Never ends its answer, or never begins it, and sees when its client goes."""

    def __init__(self, text: str | None) -> None:
        """Says `text` first; None: not even that it has heard."""
        self._text = text
        self.heard = threading.Event()
        self.left_alone = threading.Event()

    def __call__(self, handler: Handler, _: dict[str, Any]) -> None:
        if self._text is not None:
            handler.begin_stream()
            handler.event({"delta": {"content": self._text}, "finish_reason": None})
        self.heard.set()
        handler.connection.settimeout(60)
        try:
            gone = handler.connection.recv(1) == b""
        except OSError as fault:
            gone = not isinstance(fault, TimeoutError)
        handler.close_connection = True
        if gone:
            self.left_alone.set()


def unless(condition: Callable[[dict[str, Any]], bool], no: Answer, otherwise: Answer) -> Answer:
    """`no` for requests that meet a condition, `otherwise` for others."""
    return lambda handler, body: (no if condition(body) else otherwise)(handler, body)


@contextmanager
def serving() -> Iterator[Script]:
    """The script of a server that lives as long as the context."""
    server = ScriptedServer(("127.0.0.1", 0), Handler)
    server.script = Script()
    server.script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.script
    finally:
        server.script.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def text_of(key: str) -> str:
    """What species 7 calls a thing."""
    return "".join(morpheme.text for morpheme in lexicon_of(derive_species(7).phonology)[key])


def proposal(*keys: str, gloss: str = "The hunter comes.", **fields: Any) -> dict[str, Any]:
    """A phrase as a good model proposes it."""
    words = [{"text": text_of(key), "gloss": key} for key in keys or ("hunter", "come")]
    said = {"animal_text": " ".join(word["text"] for word in words), "english_gloss": gloss, "words": words}
    return said | {"intent": "warning", "mood": "fearful"} | fields


def phrases(*proposals: dict[str, Any]) -> dict[str, Any]:
    """The reply that holds them."""
    return {"phrases": list(proposals or (proposal(),))}
