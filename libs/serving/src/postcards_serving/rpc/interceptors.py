# ruff: noqa: ANN401  (requests and responses are of any type here)
"""What happens around every call: request id, errors to statuses, metrics, access log. For all four kinds of RPC."""

import asyncio
import contextlib
import inspect
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

import grpc
import grpc.aio

from postcards_serving.errors import Code, InvalidField, ServiceError
from postcards_serving.rpc.statuses import domain_code, grpc_code, to_status, trailers
from postcards_serving.telemetry import metrics, tracing
from postcards_serving.telemetry.logging import REQUEST_ID, fields
from postcards_serving.telemetry.spans import NOTHING, Span

REQUEST_ID_KEY = "x-request-id"
"""Metadata that names a request, both ways."""
USER_AGENT_KEY = "user-agent"
"""Metadata that names the client's program; the server's own first call, neither counted nor logged, names a token."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET_SERVICES = ("grpc.health.", "grpc.reflection.")
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_FAULTS_OF_SERVERS = {
    Code.UNKNOWN,
    Code.DEADLINE_EXCEEDED,
    Code.UNIMPLEMENTED,
    Code.INTERNAL,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
}
"""Codes that make a server's span a failed one, by OpenTelemetry's conventions."""

_log = logging.getLogger("postcards_serving.access")

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class RunningCalls:
    """Calls that are being answered. Lives on one event loop."""

    def __init__(self) -> None:
        """Begins with no call running."""
        self._count = 0
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """A call has begun."""
        self._count += 1

    def end(self) -> None:
        """A call has ended."""
        self._count -= 1
        self._changed.set()

    async def all_ended(self, timeout: float) -> bool:
        """Waits until none is left, at most `timeout` seconds. Whether that came true."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._count:
                    self._changed.clear()
                    await self._changed.wait()
        return self._count == 0


class CallInterceptor(grpc.aio.ServerInterceptor):
    """The one interceptor of every server. Behaviours are coroutines or async generators, never synchronous."""

    def __init__(self, warm_up_token: str = "") -> None:
        """Calls that bring `warm_up_token` are neither counted nor logged."""
        self._warm_up_token = warm_up_token
        self.running = RunningCalls()
        self.watching = RunningCalls()
        """Calls of health and reflection."""

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Wraps the handler of one call; a method that nobody serves has none."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        metadata = {str(key): value for key, value in handler_call_details.invocation_metadata}
        service, _, method = handler_call_details.method.removeprefix("/").rpartition("/")
        kind = metrics.rpc_type(handler.request_streaming, handler.response_streaming)
        call = _Call(
            kind,
            service,
            method,
            request_id=_offered_id(metadata.get(REQUEST_ID_KEY)),
            counted=not is_warm_up(handler_call_details, self._warm_up_token),
            running=self.watching if service.startswith(_QUIET_SERVICES) else self.running,
            metadata=metadata,
        )
        return _wrapped(handler, call)


def is_warm_up(details: grpc.HandlerCallDetails, token: str) -> bool:
    """Whether the call is the server's own first one, made over `servers.own_channel` with this token."""
    agents = (str(value) for key, value in details.invocation_metadata if key == USER_AGENT_KEY)
    return bool(token) and any(agent.startswith(token) for agent in agents)


def _wrapped(handler: Handler, call: "_Call") -> Handler:
    deserializer = _forgiving(handler.request_deserializer)
    serializer = handler.response_serializer
    if handler.response_streaming:
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        around = _around_stream if _is_generator(behaviour) else _around_writer
    else:
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        make = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        around = _around_unary
    return cast(Any, make)(around(behaviour, call), deserializer, serializer)


def _around_unary(behaviour: Any, call: "_Call") -> Any:
    async def unary(request: Any, context: Context) -> Any:
        async with call.opened(request, context) as received:
            response = await behaviour(received, context)
            call.count_sent()
            return response

    return unary


def _around_stream(behaviour: Any, call: "_Call") -> Any:
    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        async with call.opened(request, context) as received, contextlib.aclosing(behaviour(received, context)) as sent:
            async for response in sent:
                call.count_sent()
                yield response

    return stream


def _around_writer(behaviour: Any, call: "_Call") -> Any:
    """For behaviours that call `context.write`: they cannot be asked what they sent."""

    async def writer(request: Any, context: Context) -> None:
        async with call.opened(request, context) as received:
            await behaviour(received, context)

    return writer


@dataclass
class _Call:
    """One call, from its handler's choice to its end."""

    kind: str
    service: str
    method: str
    request_id: str
    counted: bool
    running: RunningCalls
    metadata: Mapping[str, str | bytes]
    """What the caller sent with it."""
    code: Code | None = None
    sent: int = 0
    span: Span = NOTHING

    @contextlib.asynccontextmanager
    async def opened(self, request: Any, context: Context) -> AsyncGenerator[Any]:
        """Around the behaviour; yields the request, or the counted stream of requests."""
        begun = time.monotonic()
        streaming = hasattr(request, "__aiter__")
        self.request_id = self.request_id or ("" if streaming else _offered_id(getattr(request, "request_id", "")))
        self.request_id = self.request_id or uuid.uuid4().hex
        REQUEST_ID.set(self.request_id)
        context.set_trailing_metadata(((REQUEST_ID_KEY, self.request_id),))
        self._count(metrics.RPC_STARTED)
        self.running.begin()
        if tracing.enabled() and self.counted and not self._is_quiet:
            self.span = self._begin_span()
        try:
            if streaming:
                yield self._each(request)
            else:
                yield self._received(request)
            self.code = _code_of(context)
        except GeneratorExit:
            self.code = Code.CANCELLED
            raise
        except asyncio.CancelledError:
            self.code = _why_cancelled(context)
            raise
        except grpc.aio.AbortError:
            self.code = _code_of(context)
            raise
        except ServiceError as error:
            await self._abort(context, error)
        except Exception as fault:
            await self._abort(context, self._unexpected(fault))
        finally:
            self._close(time.monotonic() - begun)

    def count_sent(self) -> None:
        """Counts one message sent."""
        self.sent += 1
        self._count(metrics.RPC_SENT)

    async def _each(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._received(request)

    def _received(self, request: Any) -> Any:
        if isinstance(request, _Malformed):
            raise InvalidField(
                "", "the request is not a valid protobuf message of this method", reason="MALFORMED_REQUEST"
            )
        self._count(metrics.RPC_RECEIVED)
        return request

    async def _abort(self, context: Context, error: ServiceError) -> NoReturn:
        self.code = error.code
        status = to_status(error)
        await context.abort(
            grpc_code(error.code), status.message, ((REQUEST_ID_KEY, self.request_id), *trailers(status))
        )
        raise AssertionError("abort always raises")

    def _unexpected(self, fault: Exception) -> ServiceError:
        reference = uuid.uuid4().hex[:12]
        _log.error("unexpected error", exc_info=fault, extra=fields(reference=reference, method=self._path))
        return ServiceError(
            Code.INTERNAL,
            "INTERNAL",
            f"something went wrong inside the server; its log says more under reference {reference}",
            metadata={"reference": reference},
        )

    def _count(self, counter: Any) -> None:
        if self.counted:
            counter.labels(self.kind, self.service, self.method).inc()

    @property
    def _is_quiet(self) -> bool:
        return self.service.startswith(_QUIET_SERVICES)

    def _close(self, seconds: float) -> None:
        self.running.end()
        if not self.counted:
            return
        label = metrics.code_label(self.code)
        metrics.RPC_HANDLED.labels(self.kind, self.service, self.method, label).inc()
        metrics.RPC_SECONDS.labels(self.kind, self.service, self.method).observe(seconds)
        self._end_span()
        level = logging.DEBUG if self._is_quiet else logging.INFO
        _log.log(
            level,
            "call",
            extra=fields(method=self._path, code=self.code or "OK", seconds=round(seconds, 4), messages_sent=self.sent),
        )

    def _begin_span(self) -> Span:
        carrier = {key: value for key, value in self.metadata.items() if isinstance(value, str)}
        return tracing.serve(self._path, {"rpc.system.name": "grpc", "rpc.method": self._path}, carrier)

    def _end_span(self) -> None:
        if self.span is NOTHING:
            return
        code = "OK" if self.code is None else self.code.value
        self.span.set({"rpc.response.status_code": code, "postcards.request_id": self.request_id})
        if self.code in _FAULTS_OF_SERVERS:
            self.span.fail(code)
        self.span.end()

    @property
    def _path(self) -> str:
        return f"{self.service}/{self.method}"


class _Malformed:
    """Stands for bytes that are no message."""


def _forgiving(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Lets malformed bytes through as `_Malformed`, so that they are answered like any invalid request."""
    if deserializer is None:
        return None
    parse = deserializer

    def deserialize(data: bytes) -> Any:
        try:
            return parse(data)
        except Exception:
            return _Malformed()

    return deserialize


def _offered_id(offered: str | bytes | None) -> str:
    return offered if isinstance(offered, str) and _REQUEST_ID.fullmatch(offered) else ""


def _is_generator(behaviour: Any) -> bool:
    return inspect.isasyncgenfunction(behaviour)


def _code_of(context: Context) -> Code | None:
    code = cast(grpc.StatusCode | int | None, context.code())
    if code is None:
        return None
    return domain_code(_CODES[code] if isinstance(code, int) else code)


def _why_cancelled(context: Context) -> Code:
    remaining = cast(float | None, context.time_remaining())
    return Code.DEADLINE_EXCEEDED if remaining is not None and remaining <= 0 else Code.CANCELLED
