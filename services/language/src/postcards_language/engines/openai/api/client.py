"""One call of a chat completions API, streamed, with the official client."""

import asyncio
import json
import logging
import queue
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from postcards_language.engines.openai.api.endpoint import OFFICIAL_URL, Endpoint
from postcards_language.engines.openai.api.event_loop import EventLoop
from postcards_language.engines.openai.api.failures import ApiFailure, failure_of, faults_of_api
from postcards_language.usage import Usage
from postcards_serving.errors import Stopping, Unavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

Message = Mapping[str, str]
"""`role` and `content`."""

FILTERED = "content_filter"
"""Why a model stopped whose server has a filter."""

_REPORTS = tuple(
    f"X-Stainless-{what}" for what in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Async")
)
"""What the client would tell of the machine with every call."""
_END = object()
_NUDGE = object()
"""Carries nothing: whoever waits is to look whether it still should."""
_PROBE_SECONDS = 5.0
_MOST_TEXT = 200_000
"""Characters after which a reply counts as never ending."""


@dataclass(frozen=True)
class Reply:
    """The answer of a chat completions API to one call, as far as it came."""

    text: str
    """What the model said."""
    refusal: str = ""
    """What it said where it would not."""
    finish: str = ""
    """Why it stopped, e.g. "stop", "length", "content_filter"; empty where the server did not say."""
    model: str = ""
    """The model that answered, as the server names it."""
    fingerprint: str = ""
    """What the server says about the configuration that answered."""
    usage: Usage | None = None
    """Tokens, where the server counted them."""
    broken: ApiFailure | None = None
    """Why the stream ended before the server said that it was over; None where it did not."""


@dataclass(frozen=True)
class StreamCallbacks:
    """How a call is followed while it is answered."""

    on_text: Callable[[str], None]
    """Takes all text so far, whenever there is more."""
    check: Callable[[], None]
    """Called with every sign of life, when the time is over, and when woken; raises to give the call up."""
    remaining: Callable[[], float]
    """Seconds until the call must be over."""
    waking: Callable[[Callable[[], None]], AbstractContextManager[None]]
    """Within, what it is given is called when the caller leaves; see `Work.waking`."""


class Api:
    """Chat completions of one endpoint. Safe to use from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Opens no connection yet."""
        self._endpoint = endpoint
        self._client = _open_client(endpoint)
        self._loop = EventLoop(self._client.close)

    def ask(self, messages: Sequence[Message], arguments: Mapping[str, object], callbacks: StreamCallbacks) -> Reply:
        """The reply to `messages`. However it ends, the server is not left to go on: its connection is closed at once.

        Raises:
            ApiFailure: there is none. One that broke off is a reply, with `broken`.
            Stopping: this is closed, or was meanwhile.
            Exception: whatever `callbacks.check` raises.
        """
        wire = _Wire()
        reading = self._loop.submit(self._read(messages, arguments, callbacks.remaining(), wire))
        reading.add_done_callback(wire.end)
        try:
            with callbacks.waking(wire.nudge):
                return _collect(wire, callbacks)
        finally:
            reading.cancel()

    def models(self) -> frozenset[str]:
        """Ids of the models that the server offers. Costs nothing.

        Raises:
            ApiFailure: it does not say.
            Stopping: this is closed, or was meanwhile.
        """
        try:
            return self._loop.submit(self._models()).result()
        except CancelledError:
            raise Stopping from None

    def close(self) -> None:
        """Gives up the calls under way and closes their connections."""
        self._loop.close()

    async def _read(
        self, messages: Sequence[Message], arguments: Mapping[str, object], remaining: float, wire: "_Wire"
    ) -> None:
        """Puts all that comes in on the wire; when it is cancelled, the connection is closed, whatever it waits for."""
        try:
            async with await self._begin(messages, arguments, remaining) as stream:
                async for chunk in _chunks(stream):
                    wire.put(chunk)
        except Exception as fault:
            wire.put(fault)

    async def _models(self) -> frozenset[str]:
        try:
            # The client's own timeout is for each read: a list that dribbles in would never end.
            async with asyncio.timeout(_PROBE_SECONDS):
                listed = await self._client.models.list(timeout=_PROBE_SECONDS, extra_headers=self._headers())
        except (*faults_of_api(), TimeoutError) as fault:
            raise failure_of(fault) from None
        return frozenset(str(model.id) for model in listed.data or ())

    async def _begin(
        self, messages: Sequence[Message], arguments: Mapping[str, object], remaining: float
    ) -> "AsyncStream[ChatCompletionChunk]":
        import httpx2

        endpoint = self._endpoint
        silence = max(0.001, min(endpoint.silence_seconds, remaining))
        timeout = httpx2.Timeout(silence, connect=min(endpoint.connect_seconds, silence))
        create = cast(Any, self._client.chat.completions.create)
        told = {"messages": list(messages), "extra_headers": self._headers(), **arguments}
        return await create(model=endpoint.model, stream=True, timeout=timeout, **told)

    def _headers(self) -> dict[str, Any]:
        """Headers of a call: no word about this machine, and to a server that wants no key, none."""
        import openai

        untold = _REPORTS if self._endpoint.api_key else (*_REPORTS, "Authorization")
        return dict.fromkeys(untold, openai.omit)


def _open_client(endpoint: Endpoint) -> "AsyncOpenAI":
    import openai

    # It tells every request, with its URL, as news.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return openai.AsyncOpenAI(
        # The client wants one, even where none is sent.
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url or OFFICIAL_URL,
        max_retries=0,
    )


async def _chunks(stream: "AsyncStream[ChatCompletionChunk]") -> AsyncIterator[object]:
    """The pieces of an answer; one piece where the server does not stream, which is paid for all the same."""
    if stream.response.headers.get("content-type", "").startswith("application/json"):
        from openai.types.chat import ChatCompletion

        body = json.loads(await stream.response.aread())
        if not isinstance(body, dict):
            raise ValueError("no chat completion")
        whole = ChatCompletion.construct(**cast(dict[str, Any], body))
        choice = _first_choice(whole)
        said = SimpleNamespace(delta=getattr(choice, "message", None), finish_reason=_said(choice, "finish_reason"))
        yield SimpleNamespace(choices=[said], usage=getattr(whole, "usage", None), model=_said(whole, "model"))
    else:
        async for chunk in stream:
            yield chunk


class _Wire:
    """Carries what comes in from the loop that reads to the thread that waits."""

    def __init__(self) -> None:
        self._pieces: queue.SimpleQueue[object] = queue.SimpleQueue()

    def put(self, piece: object) -> None:
        """Called by the reader: a chunk, or the exception that ended the reading."""
        self._pieces.put(piece)

    def end(self, reading: "Future[None]") -> None:
        """Called when the reading is over, however that came; it is cancelled when the loop under it is closed."""
        self._pieces.put(Stopping() if reading.cancelled() else _END)

    def nudge(self) -> None:
        """Has whoever waits look whether it still should."""
        self._pieces.put(_NUDGE)

    def take(self, callbacks: StreamCallbacks) -> object:
        """The next piece, for as long as it is wanted."""
        while True:
            callbacks.check()
            try:
                piece = self._pieces.get(timeout=callbacks.remaining())
            except queue.Empty:
                continue
            if piece is not _NUDGE:
                return piece


def _collect(wire: _Wire, callbacks: StreamCallbacks) -> Reply:
    text, refusal, begun = "", "", False
    told = {"finish": "", "model": "", "fingerprint": ""}
    usage: Usage | None = None
    broken: ApiFailure | None = None
    while (chunk := wire.take(callbacks)) is not _END:
        if isinstance(chunk, Exception):
            if told["finish"]:
                break
            if not isinstance(chunk, faults_of_api()):
                raise chunk
            broken = failure_of(chunk)
            break
        begun = True
        told["model"] = _said(chunk, "model") or told["model"]
        told["fingerprint"] = _said(chunk, "system_fingerprint") or told["fingerprint"]
        usage = _usage(getattr(chunk, "usage", None)) or usage
        choice = _first_choice(chunk)
        told["finish"] = _said(choice, "finish_reason") or told["finish"]
        delta = getattr(choice, "delta", None)
        refusal += _said(delta, "refusal")
        if more := _said(delta, "content"):
            text += more
            callbacks.on_text(text)
        if len(text) > _MOST_TEXT:
            broken = _ended("the language model API did not come to an end")
            break
    if broken is not None and not begun:
        raise broken
    if broken is None and not told["finish"]:
        broken = _ended("the language model API ended its answer early")
    # What breaks after the model has finished takes nothing from the answer.
    return Reply(text, refusal, usage=usage, broken=None if told["finish"] else broken, **told)


def _ended(sentence: str) -> ApiFailure:
    error = Unavailable(sentence, reason="API_FAILED", retry_after=None)
    return ApiFailure(error, "broken", transient=True, server_fault=True)


def _first_choice(holder: object) -> object:
    """The first choice of a chunk or a completion; None where it has none, as the one that counts tokens."""
    choices = getattr(holder, "choices", None)
    return cast(list[object], choices)[0] if isinstance(choices, list) and choices else None


def _said(holder: object, name: str) -> str:
    value = getattr(holder, name, None)
    return value if isinstance(value, str) else ""


def _usage(counted: object) -> Usage | None:
    prompt, completion = (getattr(counted, f"{kind}_tokens", None) for kind in ("prompt", "completion"))
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(max(0, prompt), max(0, completion))
