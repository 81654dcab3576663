"""The client's part of a trace: it goes on with that of the program around it, and knows when it has none."""

import asyncio
import itertools
import subprocess
import sys

import grpc.aio
import pytest

from postcards_cli import tracing
from postcards_client.tracing import calling
from postcards_serving.telemetry.tracing import resolve

pytest.importorskip("opentelemetry.sdk.trace", reason="no OpenTelemetry here: pip install 'postcards-cli[tracing]'")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

METHOD = "postcards.composer.v1.PostcardService/GetPostcard"


def test_a_call_goes_on_with_the_trace_of_the_program():
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("a program")
    with tracer.start_as_current_span("its work") as span, calling(METHOD) as outgoing:
        trace_id = f"{span.get_span_context().trace_id:032x}"
        assert dict(outgoing.metadata)["traceparent"].split("-")[1] == trace_id
        assert trace.get_current_span() is span


def test_without_a_trace_a_call_sends_nothing_along():
    with calling(METHOD) as outgoing:
        assert outgoing.metadata is None


def test_what_a_call_raises_is_raised():
    status = grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), grpc.aio.Metadata())
    with pytest.raises(grpc.aio.AioRpcError), calling(METHOD):
        raise status
    with pytest.raises(GeneratorExit), calling(METHOD):
        raise GeneratorExit


VARIABLES = {
    "POSTCARDS_TRACES_ENDPOINT": ("", "http://ours:4318", "ours", "http://ours/v1/traces"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("", "http://base/x/"),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("", "http://own/path"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("", "grpc", "http/protobuf"),
    "OTEL_SDK_DISABLED": ("", "true"),
}


def test_the_client_sends_where_the_services_send(monkeypatch):
    for values in itertools.product(*VARIABLES.values()):
        environment = dict(zip(VARIABLES, values, strict=True))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url, _ = resolve(environment["POSTCARDS_TRACES_ENDPOINT"], environment)
        assert tracing.endpoint() == url, environment


def test_the_command_line_imports_nothing_of_it_by_default():
    code = (
        "import sys, asyncio\n"
        "from postcards_client import client\n"
        "from postcards_cli.tracing import CommandTrace\n"
        "from postcards_client.tracing import calling\n"
        "async def command(): return [None for _ in [0] if calling('x').__enter__().metadata is None]\n"
        "asyncio.run(CommandTrace('create').follow(command))\n"
        "print(*sys.modules)"
    )
    environment = {"PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "opentelemetry" not in done.stdout
    assert "postcards_client.tracing" in done.stdout


def test_one_line_says_that_the_package_is_missing(monkeypatch, capsys):
    monkeypatch.setenv("POSTCARDS_TRACES_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    async def command() -> int:
        return 7

    followed = tracing.CommandTrace("create")
    assert asyncio.run(followed.follow(command)) == 7
    followed.close()
    assert capsys.readouterr().err.count("pip install 'postcards-cli[tracing]'") == 1
