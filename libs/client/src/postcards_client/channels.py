"""Channels to servers: plain text, or TLS where the address says so."""

from collections.abc import Sequence

import grpc

_TLS = "https://"
_HTTPS_PORT = 443


def open_channel(
    address: str, *, credentials: grpc.ChannelCredentials | None = None, options: Sequence[tuple[str, int | str]] = ()
) -> grpc.aio.Channel:
    """A channel to the server at `address`, which connects on first use.

    Args:
        address: host:port or a gRPC URI, for plain text; `https://host`, with `:port` where that is not 443, for TLS
            against the certificates that gRPC trusts (`GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` names others).
        credentials: TLS with these, whatever the address says.
        options: of the channel.
    """
    secure = address.startswith(_TLS)
    target = _with_port(address.removeprefix(_TLS).rstrip("/")) if secure else address
    if credentials is None and not secure:
        return grpc.aio.insecure_channel(target, options=options)
    return grpc.aio.secure_channel(target, credentials or grpc.ssl_channel_credentials(), options=options)


def _with_port(host: str) -> str:
    _, colon, port = host.rpartition(":")
    return host if colon and port.isdigit() else f"{host}:{_HTTPS_PORT}"
