"""What happens around a call, for all four kinds, over real servers and channels."""

import asyncio
import contextlib
import io
import json
import logging
import re
import threading

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from prometheus_client import REGISTRY

from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Work
from postcards_serving.errors import InvalidField, NotFound, Overloaded
from postcards_serving.rpc.interceptors import REQUEST_ID_KEY
from postcards_serving.rpc.statuses import DETAILS_KEY, from_rpc_error
from postcards_serving.telemetry.logging import REQUEST_ID, JsonFormatter
from postcards_serving.testing import eventually, running_server

KINDS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
TYPES = dict(zip(KINDS, ("unary", "server_stream", "client_stream", "bidi_stream"), strict=True))


class Kinds:
    """One method of each kind; the text says what to do."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.seen_ids: list[str] = []
        self.ended: list[str] = []

    async def answer(self, text: str, context) -> StringValue:
        self.seen_ids.append(REQUEST_ID.get())
        match text:
            case "invalid":
                raise InvalidField("words[1].gloss", "must be short")
            case "missing":
                raise NotFound("no such postcard", reason="POSTCARD_NOT_FOUND", metadata={"id": "x"})
            case "overloaded":
                raise Overloaded(2.5)
            case "crash":
                raise ZeroDivisionError("the password is swordfish")
            case "abort":
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, "as asked")
            case "wait":
                try:
                    await self.released.wait()
                except asyncio.CancelledError:
                    self.ended.append("cancelled")
                    raise
        return StringValue(value=text)

    async def unary_unary(self, request, context):
        return await self.answer(request.value, context)

    async def unary_stream(self, request, context):
        yield await self.answer("first", context)
        yield await self.answer(request.value, context)

    async def stream_unary(self, requests, context):
        texts = [request.value async for request in requests]
        return await self.answer(texts[-1], context)

    async def stream_stream(self, requests, context):
        async for request in requests:
            yield await self.answer(request.value, context)

    def register(self, server) -> None:
        coding = {"request_deserializer": StringValue.FromString, "response_serializer": StringValue.SerializeToString}
        handlers = {
            "UnaryUnary": grpc.unary_unary_rpc_method_handler(self.unary_unary, **coding),
            "UnaryStream": grpc.unary_stream_rpc_method_handler(self.unary_stream, **coding),
            "StreamUnary": grpc.stream_unary_rpc_method_handler(self.stream_unary, **coding),
            "StreamStream": grpc.stream_stream_rpc_method_handler(self.stream_stream, **coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("testing.Kinds", handlers),))


@pytest.fixture
async def kinds():
    servicer = Kinds()
    async with running_server(servicer.register) as channel:
        servicer.channel = channel
        yield servicer


def call(kinds: Kinds, kind: str, text: str, *, raw: bytes | None = None, **options):
    """Starts a call of a kind; `outcome` waits for it."""
    serialize = (lambda data: data) if raw is not None else StringValue.SerializeToString
    request = raw if raw is not None else StringValue(value=text)
    make = {
        "UnaryUnary": kinds.channel.unary_unary,
        "UnaryStream": kinds.channel.unary_stream,
        "StreamUnary": kinds.channel.stream_unary,
        "StreamStream": kinds.channel.stream_stream,
    }[kind]
    method = make(f"/testing.Kinds/{kind}", serialize, StringValue.FromString)
    return method(iter([request]) if kind.startswith("Stream") else request, **options)


async def outcome(started) -> list[str]:
    if hasattr(started, "__aiter__"):
        return [response.value async for response in started]
    return [(await started).value]


async def failure(started) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await outcome(started)
    return caught.value


def sample(name: str, kind: str, **labels: str) -> float:
    known = {"grpc_type": TYPES[kind], "grpc_service": "testing.Kinds", "grpc_method": kind}
    return REGISTRY.get_sample_value(name, known | labels) or 0.0


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    async def test_answers(self, kinds, kind):
        expected = ["first", "hello"] if kind == "UnaryStream" else ["hello"]
        assert await outcome(call(kinds, kind, "hello")) == expected

    async def test_a_domain_error_is_a_status_with_its_reason(self, kinds, kind):
        error = from_rpc_error(fault := await failure(call(kinds, kind, "missing")))
        assert fault.code() is grpc.StatusCode.NOT_FOUND
        assert (error.reason, error.message, error.metadata) == ("POSTCARD_NOT_FOUND", "no such postcard", {"id": "x"})

    async def test_an_overload_says_when_to_come_back(self, kinds, kind):
        fault = await failure(call(kinds, kind, "overloaded"))
        assert fault.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert from_rpc_error(fault).retry_after == 2.5

    async def test_a_crash_tells_a_reference_and_nothing_else(self, kinds, kind, caplog):
        fault = await failure(call(kinds, kind, "crash"))
        assert fault.code() is grpc.StatusCode.INTERNAL
        assert "swordfish" not in str(fault)
        reference = from_rpc_error(fault).metadata["reference"]
        assert reference in fault.details()
        (record,) = [entry for entry in caplog.records if entry.message == "unexpected error"]
        assert record.fields["reference"] == reference
        assert isinstance(record.exc_info[1], ZeroDivisionError)

    async def test_an_abort_of_the_servicer_stays_what_it_was(self, kinds, kind):
        fault = await failure(call(kinds, kind, "abort"))
        assert (fault.code(), fault.details()) == (grpc.StatusCode.OUT_OF_RANGE, "as asked")

    async def test_garbage_is_an_invalid_request(self, kinds, kind):
        fault = await failure(call(kinds, kind, "", raw=b"\x0a\xff\xff\xff\xff"))
        assert fault.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert from_rpc_error(fault).reason == "MALFORMED_REQUEST"
        assert await outcome(call(kinds, kind, "still here")) is not None

    async def test_the_request_id_goes_around(self, kinds, kind):
        started = call(kinds, kind, "hello", metadata=((REQUEST_ID_KEY, "r-1.a_B"),))
        await outcome(started)
        assert dict(await started.trailing_metadata())[REQUEST_ID_KEY] == "r-1.a_B"
        assert set(kinds.seen_ids) == {"r-1.a_B"}

    async def test_an_error_brings_the_request_id_too(self, kinds, kind):
        fault = await failure(call(kinds, kind, "missing", metadata=((REQUEST_ID_KEY, "r-2"),)))
        assert dict(fault.trailing_metadata())[REQUEST_ID_KEY] == "r-2"

    @pytest.mark.parametrize("offered", ["", "a b", "x" * 129, "semi;colon"])
    async def test_an_unsafe_request_id_is_replaced(self, kinds, kind, offered):
        started = call(kinds, kind, "hello", metadata=((REQUEST_ID_KEY, offered),))
        await outcome(started)
        given = dict(await started.trailing_metadata())[REQUEST_ID_KEY]
        assert re.fullmatch("[0-9a-f]{32}", given)

    async def test_a_dropped_call_is_cancelled(self, kinds, kind):
        before = sample("grpc_server_handled_total", kind, grpc_code="Canceled")
        started = call(kinds, kind, "wait")
        waiting = asyncio.ensure_future(outcome(started))
        await eventually(lambda: len(kinds.seen_ids) >= (2 if kind == "UnaryStream" else 1))
        started.cancel()
        await asyncio.wait({waiting})
        await eventually(lambda: kinds.ended == ["cancelled"])
        await eventually(lambda: sample("grpc_server_handled_total", kind, grpc_code="Canceled") == before + 1)

    async def test_a_deadline_ends_the_call(self, kinds, kind):
        fault = await failure(call(kinds, kind, "wait", timeout=0.1))
        assert fault.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await eventually(lambda: kinds.ended == ["cancelled"])

    async def test_calls_are_counted_and_timed(self, kinds, kind):
        names = ("grpc_server_started_total", "grpc_server_handling_seconds_count", "grpc_server_msg_received_total")
        before = {name: sample(name, kind) for name in names}
        sent = sample("grpc_server_msg_sent_total", kind)
        ok = sample("grpc_server_handled_total", kind, grpc_code="OK")
        missing = sample("grpc_server_handled_total", kind, grpc_code="NotFound")
        await outcome(call(kinds, kind, "hello"))
        await failure(call(kinds, kind, "missing"))
        await eventually(lambda: sample("grpc_server_handled_total", kind, grpc_code="NotFound") == missing + 1)
        assert {name: sample(name, kind) - before[name] for name in names} == dict.fromkeys(names, 2)
        assert sample("grpc_server_handled_total", kind, grpc_code="OK") == ok + 1
        assert sample("grpc_server_msg_sent_total", kind) - sent == (3 if kind == "UnaryStream" else 1)


async def test_the_details_are_the_ones_of_google_rpc(kinds):
    fault = await failure(call(kinds, "UnaryUnary", "invalid"))
    assert fault.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = Status.FromString(dict(fault.trailing_metadata())[DETAILS_KEY])
    kinds_of_details = {detail.TypeName(): detail for detail in status.details}
    request, info = BadRequest(), ErrorInfo()
    kinds_of_details["google.rpc.BadRequest"].Unpack(request)
    kinds_of_details["google.rpc.ErrorInfo"].Unpack(info)
    assert request.field_violations[0].field == "words[1].gloss"
    assert info.domain == "postcards"
    assert RetryInfo.DESCRIPTOR.full_name not in kinds_of_details


async def test_an_unknown_method_is_unimplemented(kinds):
    method = kinds.channel.unary_unary("/testing.Kinds/Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_every_call_leaves_one_line_in_the_log(kinds):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("probe"))
    log = logging.getLogger("postcards_serving.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        await outcome(call(kinds, "UnaryStream", "hello", metadata=((REQUEST_ID_KEY, "r-9"),)))
        await eventually(stream.getvalue)
        await health_pb2_grpc.HealthStub(kinds.channel).Check(health_pb2.HealthCheckRequest())
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert (line["method"], line["code"], line["request_id"]) == ("testing.Kinds/UnaryStream", "OK", "r-9")
    assert line["messages_sent"] == 2


class Drawer(image_pb2_grpc.ImageServiceServicer):
    """An image service whose engine works until it is released."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.admission = Admission(1)
        self.executor = Executor(1, self.admission)

    def draw(self, work: Work) -> int:
        while not self.release.wait(0.005):
            work.check()
        return 64

    async def GenerateImage(self, request, context):  # noqa: N802
        del request
        async with contextlib.aclosing(self.executor.run(self.draw, timeout=context.time_remaining())) as events:
            async for event in events:
                if isinstance(event, Finished):
                    yield image_pb2.GenerateImageResponse(result=image_pb2.ImageResult(width=event.result))


SERVICE = image_pb2.DESCRIPTOR.services_by_name["ImageService"]


@pytest.fixture
async def drawer():
    servicer = Drawer()
    register = [lambda server: image_pb2_grpc.add_ImageServiceServicer_to_server(servicer, server)]
    async with running_server(*register, services=[SERVICE]) as channel:
        servicer.channel = channel
        servicer.stub = image_pb2_grpc.ImageServiceStub(channel)
        yield servicer
        servicer.release.set()


async def drawn(started) -> list[image_pb2.GenerateImageResponse]:
    return [response async for response in started]


async def test_a_client_that_hangs_up_frees_the_engine(drawer):
    started = drawer.stub.GenerateImage(image_pb2.GenerateImageRequest())
    waiting = asyncio.ensure_future(drawn(started))
    await eventually(lambda: drawer.admission.in_flight == 1)
    started.cancel()
    await asyncio.wait({waiting})
    await eventually(lambda: drawer.admission.in_flight == 0)


async def test_a_deadline_frees_the_engine(drawer):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await drawn(drawer.stub.GenerateImage(image_pb2.GenerateImageRequest(), timeout=0.1))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await eventually(lambda: drawer.admission.in_flight == 0)


async def test_too_many_requests_are_told_when_to_come_back(drawer):
    def start():
        return asyncio.ensure_future(drawn(drawer.stub.GenerateImage(image_pb2.GenerateImageRequest())))

    accepted = [start()]
    await eventually(lambda: drawer.admission.in_flight == 1)
    accepted.append(start())
    await eventually(lambda: drawer.admission.depth == 1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await start()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert from_rpc_error(caught.value).retry_after > 0
    drawer.release.set()
    results = await asyncio.gather(*accepted)
    assert [responses[-1].result.width for responses in results] == [64, 64]


async def test_health_answers_while_every_engine_thread_is_busy(drawer):
    running = asyncio.ensure_future(drawn(drawer.stub.GenerateImage(image_pb2.GenerateImageRequest())))
    await eventually(lambda: drawer.admission.in_flight == 1)
    health = health_pb2_grpc.HealthStub(drawer.channel)
    for name in ("", "postcards.image.v1.ImageService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    drawer.release.set()
    await running


async def test_the_request_id_of_a_request_is_taken_when_metadata_has_none(drawer):
    drawer.release.set()
    started = drawer.stub.GenerateImage(image_pb2.GenerateImageRequest(request_id="from-the-request"))
    await drawn(started)
    assert dict(await started.trailing_metadata())[REQUEST_ID_KEY] == "from-the-request"


async def test_health_of_a_stranger_is_not_found(drawer):
    health = health_pb2_grpc.HealthStub(drawer.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health.Check(health_pb2.HealthCheckRequest(service="postcards.dragon.v1.Dragon"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_what_is_served(drawer):
    stub = reflection_pb2_grpc.ServerReflectionStub(drawer.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {"postcards.image.v1.ImageService", "grpc.health.v1.Health"} <= names


async def test_a_message_over_the_limit_is_refused_and_the_server_lives(drawer):
    drawer.release.set()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await drawn(drawer.stub.GenerateImage(image_pb2.GenerateImageRequest(prompt="x" * 5_000_000)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await drawn(drawer.stub.GenerateImage(image_pb2.GenerateImageRequest()))
