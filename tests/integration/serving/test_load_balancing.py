"""Client channels against real servers: retries, balancing, limits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from postcards_serving.errors import Unavailable
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import listening_server


class Greeter:
    """Answers with its name, after failing as often as it is told."""

    def __init__(self, name: str, failures: int = 0) -> None:
        self.name = name
        self.failures = failures
        self.calls = 0

    async def greet(self, request, context):
        del context
        self.calls += 1
        if self.calls <= self.failures:
            raise Unavailable("not yet")
        return StringValue(value=self.name + request.value)

    async def greet_often(self, request, context):
        yield await self.greet(request, context)
        raise Unavailable("gone in the middle")

    def register(self, server) -> None:
        coding = {"request_deserializer": StringValue.FromString, "response_serializer": StringValue.SerializeToString}
        handlers = {
            "Greet": grpc.unary_unary_rpc_method_handler(self.greet, **coding),
            "GreetOften": grpc.unary_stream_rpc_method_handler(self.greet_often, **coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("testing.Greeter", handlers),))


async def greet(channel: grpc.aio.Channel, text: str = "") -> str:
    method = channel.unary_unary("/testing.Greeter/Greet", StringValue.SerializeToString, StringValue.FromString)
    return (await method(StringValue(value=text), timeout=30)).value


@contextlib.asynccontextmanager
async def greeting(greeter: Greeter, **options) -> AsyncIterator[grpc.aio.Channel]:
    async with listening_server(greeter.register) as address, open_channel(address, **options) as channel:
        yield channel


async def test_a_call_that_fails_is_not_tried_again():
    greeter = Greeter("a", failures=1)
    async with greeting(greeter) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await greet(channel)
    assert from_rpc_error(caught.value).message == "not yet"
    assert greeter.calls == 1


async def test_a_stream_that_has_begun_is_never_begun_again():
    greeter = Greeter("a")
    async with greeting(greeter) as channel:
        method = channel.unary_stream(
            "/testing.Greeter/GreetOften", StringValue.SerializeToString, StringValue.FromString
        )
        answers = aiter(method(StringValue()))
        assert (await anext(answers)).value == "a"
        with pytest.raises(grpc.aio.AioRpcError, match="gone in the middle"):
            await anext(answers)
    assert greeter.calls == 1


async def test_every_address_takes_its_turn():
    first, second = Greeter("first"), Greeter("second")
    async with (
        listening_server(first.register) as one,
        listening_server(second.register) as other,
        open_channel(f"ipv4:{one},{other}") as channel,
    ):
        answers = set()
        while len(answers) < 2:
            answers.add(await asyncio.wait_for(greet(channel), 30))
        before = (first.calls, second.calls)
        for _ in range(10):
            await greet(channel)
    assert (first.calls - before[0], second.calls - before[1]) == (5, 5)


async def test_a_message_over_the_limit_is_refused():
    async with greeting(Greeter("a"), max_message_bytes=100_000) as channel:
        assert len(await greet(channel, "x" * 90_000)) == 90_001
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await greet(channel, "x" * 100_001)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
