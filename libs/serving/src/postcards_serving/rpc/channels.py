"""Client channels to the services."""

import json

import grpc.aio

DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024


def open_channel(
    target: str, *, max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES, max_attempts: int = 4
) -> grpc.aio.Channel:
    """A channel that finds, balances and retries.

    Every address behind the name takes its turn (round robin); calls that meet UNAVAILABLE before their first answer
    are tried again with growing pauses. Close it with `await channel.close()`.

    Args:
        target: "host:port" or a gRPC URI such as "dns:///image:50051".
        max_message_bytes: largest message taken or sent.
        max_attempts: how often a call is tried in all, 1 to 5; 1 means no retries.
    """
    uri = target if "://" in target or target.startswith(("unix:", "ipv4:", "ipv6:")) else f"dns:///{target}"
    return grpc.aio.insecure_channel(uri, options=_options(max_message_bytes, max_attempts))


def _options(max_message_bytes: int, max_attempts: int) -> list[tuple[str, str | int]]:
    return [
        ("grpc.service_config", json.dumps(_service_config(max_attempts))),
        ("grpc.enable_retries", 1),
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


def _service_config(max_attempts: int) -> dict[str, object]:
    method: dict[str, object] = {"name": [{}]}
    if max_attempts > 1:
        method["retryPolicy"] = {
            "maxAttempts": max_attempts,
            "initialBackoff": "0.2s",
            "maxBackoff": "5s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [method]}
