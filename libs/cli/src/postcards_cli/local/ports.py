"""The ports of the four services on one machine, and whether they are free."""

import errno
import os
import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 50050
DEFAULT_METRICS_PORT = 9460
NAMES = ("composer", "image", "audio", "language")


@dataclass(frozen=True)
class Endpoint:
    """Where one service listens."""

    name: str
    """Short name of the service, e.g. "image"."""
    port: int
    """Port of its gRPC server."""
    metrics_port: int
    """Port of its metrics."""

    @property
    def address(self) -> str:
        """Address of its gRPC server on this machine."""
        return f"{LOOPBACK}:{self.port}"


def endpoints(port_base: int | None = None) -> tuple[Endpoint, ...]:
    """The endpoints of the four services, the composer first.

    Without `port_base` they are 50050 to 50053, with metrics on 9460 to 9463. With it they are `port_base` to
    `port_base` + 3, with metrics on the four ports after them.
    """
    first = DEFAULT_PORT if port_base is None else port_base
    metrics = DEFAULT_METRICS_PORT if port_base is None else port_base + len(NAMES)
    return tuple(Endpoint(name, first + i, metrics + i) for i, name in enumerate(NAMES))


def trouble_with_port(port: int) -> str | None:
    """Why `port` cannot be listened on at the loopback address; None when it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            # As servers do: connections that are only waiting to be forgotten are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return "is already in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        except OverflowError:
            return "is no port (0 to 65535)"
    return None
