"""Asks the server on this machine whether it serves: `python -m postcards_serving.server.health_probe`.

For containers, whose engine runs this beside the server every few seconds. Exit code 0 for SERVING, otherwise 1; prints
one line that says what was answered.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PATIENCE_SECONDS = 3.0
"""How long the server may take to answer: less than the images give to the whole check."""

_DEFAULT_PORT = "50051"
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}  # noqa: S104
"""Addresses to listen on that cannot be called, with the one to call instead."""


def own_address(environment: Mapping[str, str]) -> str:
    """host:port of the server that runs with these variables, as seen from its own machine."""
    # Not read as settings: importing what validates them would cost more than all the rest of a check.
    port = environment.get("POSTCARDS_PORT") or _DEFAULT_PORT
    bound = environment.get("POSTCARDS_BIND_ADDRESS") or "127.0.0.1"
    host = _EVERY_INTERFACE.get(bound, bound)
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def ask(address: str, patience_seconds: float = PATIENCE_SECONDS) -> str:
    """What the server as a whole says of its health: "SERVING", "NOT_SERVING", or why it says nothing."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = cast(Any, health_pb2_grpc).HealthStub(channel)
        try:
            reply = stub.Check(cast(Any, health_pb2).HealthCheckRequest(), timeout=patience_seconds)
        except grpc.RpcError as fault:
            call = cast(grpc.Call, fault)
            return f"{call.code().name}: {call.details()}"
    return cast(Any, health_pb2).HealthCheckResponse.ServingStatus.Name(reply.status)


def main() -> int:
    """Asks once; the exit code."""
    address = own_address(os.environ)
    answer = ask(address)
    print(f"{address}: {answer}")
    return 0 if answer == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main())
