"""Asks a server whether it serves, by the standard gRPC health protocol."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2

from postcards_client.channels import open_channel

_METHOD = "/grpc.health.v1.Health/"
_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100))


async def until_serving(address: str) -> None:
    """Returns as soon as the server at `address` says SERVING; waits for the server too."""
    async with open_channel(address, options=_OPTIONS) as channel:
        watch = channel.unary_stream(
            f"{_METHOD}Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while True:
            try:
                async for answer in watch(health_pb2.HealthCheckRequest(), wait_for_ready=True):
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)


async def status(address: str, *, within: float) -> str:
    """What the server at `address` says of itself: "SERVING", "NOT_SERVING", or why there is no answer."""
    async with open_channel(address, options=_OPTIONS) as channel:
        check = channel.unary_unary(
            f"{_METHOD}Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=within)
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


async def refusal(address: str, method: str, *, within: float) -> tuple[str, str]:
    """Why the server at `address` does not serve: a reason for programs and one in words; empty when it does serve.

    Asks with bytes that are no message, so that nothing is begun if it serves by now.

    Args:
        address: host:port.
        method: one of its methods, e.g. "postcards.image.v1.ImageService/GenerateImage".
        within: seconds for the answer.
    """
    from postcards_client.errors import error_from_status

    async with open_channel(address, options=_OPTIONS) as channel:
        try:
            await channel.unary_stream(f"/{method}")(b"\xff", timeout=within).read()
        except grpc.aio.AioRpcError as error:
            told = error_from_status(error, address)
            return ("", "") if error.code() is grpc.StatusCode.INVALID_ARGUMENT else (told.reason, told.message)
    return "", ""
