"""Channels to services of several replicas: which of them is asked."""

import json

import grpc.aio

DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def open_channel(target: str, *, max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES) -> grpc.aio.Channel:
    """A channel that finds and balances: every address behind the name takes its turn (round robin).

    It tries no call again: that is for who made it, who knows what a second try costs. Close it with
    `await channel.close()`.

    Args:
        target: "host:port" or a gRPC URI such as "dns:///image:50051".
        max_message_bytes: largest message taken or sent.
    """
    uri = target if "://" in target or target.startswith(("unix:", "ipv4:", "ipv6:")) else f"dns:///{target}"
    return grpc.aio.insecure_channel(uri, options=_options(max_message_bytes))


def _options(max_message_bytes: int) -> list[tuple[str, str | int]]:
    return [
        ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Proxies of the environment never stand between our own services.
        ("grpc.enable_http_proxy", 0),
    ]
