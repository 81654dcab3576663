"""Ports of this machine that nobody uses, for what tests start as processes."""

import random
import socket
from contextlib import ExitStack

from postcards_cli.local.ports import trouble_with_port


def free_ports(count: int) -> list[int]:
    """Different ports of loopback."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]


def free_port() -> int:
    """A port of loopback."""
    return free_ports(1)[0]


def free_port_base() -> int:
    """The first of eight in a row, for the four services of the command; below those that the system gives out."""
    for _ in range(200):
        base = random.randrange(20_000, 32_000, 8)  # noqa: S311 - ports are no secret
        if not any(trouble_with_port(port) for port in range(base, base + 8)):
            return base
    raise AssertionError("no eight free ports in a row")
