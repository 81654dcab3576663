"""Asks the server on this machine whether it serves: `python -m postcards_serving.healthcheck`.

For containers, whose engine runs this beside the server every few seconds. Exit code 0 for SERVING, otherwise 1 with a
line that says why.
"""

import sys
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from postcards_serving.servers import join_address
from postcards_serving.settings import ServiceSettings, SettingsError, read_settings

PATIENCE_SECONDS = 3.0
"""How long the server may take to answer: below the timeout that the images give the whole check."""

EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}  # noqa: S104
"""Addresses to listen on that cannot be called, with the one to call instead."""


def own_address(settings: ServiceSettings) -> str:
    """host:port of the server that has these settings, as seen from its own machine."""
    return join_address(EVERY_INTERFACE.get(settings.bind_address, settings.bind_address), settings.port)


def ask(address: str, patience_seconds: float = PATIENCE_SECONDS) -> str:
    """What the server as a whole says of its health: "SERVING", "NOT_SERVING", or why it says nothing."""
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        stub = cast(Any, health_pb2_grpc).HealthStub(channel)
        try:
            reply = stub.Check(cast(Any, health_pb2).HealthCheckRequest(), timeout=patience_seconds)
        except grpc.RpcError as fault:
            call = cast(grpc.Call, fault)
            return f"{call.code().name}: {call.details()}"
    return cast(Any, health_pb2).HealthCheckResponse.ServingStatus.Name(reply.status)


def main() -> int:
    """Asks once; the exit code."""
    try:
        address = own_address(read_settings(ServiceSettings))
    except SettingsError as fault:
        print(fault)
        return 1
    answer = ask(address)
    print(f"{address}: {answer}")
    return 0 if answer == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main())
