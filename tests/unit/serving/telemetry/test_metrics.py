"""Names and labels as dashboards for Go servers expect them."""

import urllib.request
from importlib.metadata import version

import pytest
from grpc_health.v1 import health_pb2
from prometheus_client import REGISTRY

from postcards_serving.errors import Code
from postcards_serving.rpc.interceptors import CallInterceptor
from postcards_serving.server import grpc_server
from postcards_serving.settings import ServiceSettings
from postcards_serving.telemetry import metrics

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]


def test_codes_are_spelt_as_in_go():
    labels = {metrics.code_label(code) for code in (None, *Code)}
    assert labels == {
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    }


@pytest.mark.parametrize(("method", "kind"), [("Check", "unary"), ("Watch", "server_stream")])
def test_zeros_of_a_service_appear_before_the_first_call(method, kind):
    metrics.export_zeros_of_services([HEALTH])
    labels = {"grpc_type": kind, "grpc_service": "grpc.health.v1.Health", "grpc_method": method}
    for name in ("grpc_server_started_total", "grpc_server_msg_received_total", "grpc_server_handling_seconds_count"):
        assert REGISTRY.get_sample_value(name, labels) is not None
    for code in ("OK", "Canceled", "ResourceExhausted"):
        assert REGISTRY.get_sample_value("grpc_server_handled_total", labels | {"grpc_code": code}) is not None


def test_kinds_of_rpc():
    kinds = {(a, b): metrics.rpc_type(a, b) for a in (False, True) for b in (False, True)}
    assert kinds == {
        (False, False): "unary",
        (False, True): "server_stream",
        (True, False): "client_stream",
        (True, True): "bidi_stream",
    }


async def test_whether_a_server_serves_is_exported():
    server = grpc_server.build(ServiceSettings(port=0, metrics_port=0), CallInterceptor())
    standard = await grpc_server.add_standard_services(server, [HEALTH])
    assert REGISTRY.get_sample_value("postcards_serving") == 0
    await standard.serving()
    assert REGISTRY.get_sample_value("postcards_serving") == 1
    assert REGISTRY.get_sample_value("postcards_start_duration_seconds") > 0
    await standard.not_serving()
    assert REGISTRY.get_sample_value("postcards_serving") == 0
    await standard.serving()
    assert REGISTRY.get_sample_value("postcards_serving") == 0


def test_the_version_is_exported():
    server = metrics.serve_metrics("127.0.0.1", 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10) as response:
            text = response.read().decode()
    finally:
        server.shutdown()
        server.server_close()
    assert f'postcards_build_info{{version="{version("postcards-serving")}"}} 1.0' in text
