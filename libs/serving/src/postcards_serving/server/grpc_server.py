"""Building blocks of a gRPC server: options, the standard services, binding, a channel to oneself."""

import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer  # pyright: ignore[reportMissingTypeStubs]
from grpc_reflection.v1alpha import reflection, reflection_pb2

from postcards_serving.rpc.interceptors import CallInterceptor
from postcards_serving.settings import ServiceSettings
from postcards_serving.telemetry import metrics

_HEALTH = cast(ServiceDescriptor, health_pb2.DESCRIPTOR.services_by_name["Health"])
_REFLECTION = cast(ServiceDescriptor, reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"])

LIVENESS = "liveness"
"""Health service that is SERVING as long as the process answers at all.

A server that waits for its model, or ends its last calls, is NOT_SERVING but alive: who restarts it makes it worse.
"""


class BindError(OSError):
    """The port cannot be listened on."""


class Standard:
    """The health of a server: as a whole (service ""), of each of its services, and whether it lives at all."""

    def __init__(self, servicer: HealthServicer, services: Sequence[ServiceDescriptor]) -> None:
        """Speaks through `servicer` for `services`."""
        self._servicer = servicer
        self._names = ("", *(service.full_name for service in services))
        self._ending = False
        self._begun = time.monotonic()

    async def serving(self) -> None:
        """Reports every service as SERVING."""
        await self._set_all(health_pb2.HealthCheckResponse.SERVING)
        metrics.START_SECONDS.set(time.monotonic() - self._begun)

    async def starting(self) -> None:
        """Nothing is ready yet."""
        await self._set_all(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def alive(self) -> None:
        """The process answers; nothing but its end changes this."""
        await self._servicer.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """The server is about to end; nothing changes this again."""
        await self._set_all(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._ending = True

    async def _set_all(self, status: Any) -> None:  # noqa: ANN401
        if self._ending:
            return
        for name in self._names:
            await self._servicer.set(name, status)
        metrics.SERVING.set(int(status == health_pb2.HealthCheckResponse.SERVING))


def build(
    settings: ServiceSettings, interceptor: CallInterceptor, handlers: Sequence[grpc.GenericRpcHandler] = ()
) -> grpc.aio.Server:
    """A server with the options that `settings` ask for; not bound, not started."""
    return grpc.aio.server(handlers=cast(Any, handlers), interceptors=[interceptor], options=_options(settings))


async def add_standard_services(server: grpc.aio.Server, services: Sequence[ServiceDescriptor]) -> Standard:
    """Adds health (NOT_SERVING for now) and reflection."""
    servicer = HealthServicer()
    cast(Any, health_pb2_grpc).add_HealthServicer_to_server(servicer, server)
    names = [service.full_name for service in (*services, _HEALTH, _REFLECTION)]
    reflection.enable_server_reflection(names, server)
    metrics.export_zeros_of_services((_HEALTH, _REFLECTION))
    standard = Standard(servicer, services)
    await standard.alive()
    await standard.starting()
    return standard


def bind(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    """Binds the port that `settings` name; the port that was bound.

    Raises:
        BindError: the port is taken or the address is not ours.
    """
    address = join_address(settings.bind_address, settings.port)
    _probe(settings.bind_address, settings.port, address)
    try:
        return server.add_insecure_port(address)
    except RuntimeError as fault:
        raise BindError(f"cannot listen on {address}: {fault}") from None


def join_address(host: str, port: int) -> str:
    """ "host:port", with the brackets that IPv6 needs."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _probe(host: str, port: int, address: str) -> None:
    """Binds and lets go: gRPC itself does not say why it cannot bind, and logs lines of its own about it."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as fault:
        raise BindError(f"cannot listen on {address}: {fault.strerror or fault}") from None


@asynccontextmanager
async def own_channel(bind_address: str, port: int, warm_up_token: str) -> AsyncGenerator[grpc.aio.Channel]:
    """A channel to the server itself, whose calls bring the warm-up token."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(bind_address, bind_address)  # noqa: S104
    options = [
        ("grpc.primary_user_agent", warm_up_token),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    async with grpc.aio.insecure_channel(join_address(host, port), options=options) as channel:
        yield channel


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        # Two servers that share a port would each get half of the calls: a busy port is an error.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.max_connection_age_ms", int(settings.max_connection_age_seconds * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.max_connection_grace_seconds * 1000)),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ]
