"""Names and labels as dashboards for Go servers expect them."""

import pytest
from grpc_health.v1 import health_pb2
from prometheus_client import REGISTRY

from postcards_serving import metrics
from postcards_serving.errors import Code

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
