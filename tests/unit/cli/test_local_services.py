"""The supervisor of the child processes, with small programs in place of the services."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from free_ports import free_port
from postcards_cli.local import services as services_module
from postcards_cli.local.ports import Endpoint, endpoints, trouble_with_port
from postcards_cli.local.services import Plan, Services, StartFailed, check, environment, last_error
from postcards_serving.testing import eventually


@pytest.fixture
def plan(tmp_path) -> Plan:
    return Plan((Endpoint("stub", free_port(), free_port()),), "file:///nowhere", tmp_path / "out")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a module `postcards_stub` with this source in the children's way."""

    def write(source: str) -> None:
        folder = tmp_path / "modules"
        folder.mkdir()
        (folder / "postcards_stub.py").write_text(textwrap.dedent(source))
        monkeypatch.setenv("PYTHONPATH", str(folder))

    return write


def alive(pid: int) -> bool:
    """Whether a process runs. An orphan that has ended may stay a zombie where the first process reaps no one."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text() if sys.platform == "linux" else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    return not status or status.rpartition(")")[2].split()[0] != "Z"


def test_the_usual_ports():
    assert [(e.name, e.port, e.metrics_port) for e in endpoints()] == [
        ("composer", 50050, 9460),
        ("image", 50051, 9461),
        ("audio", 50052, 9462),
        ("language", 50053, 9463),
    ]


def test_ports_from_a_base_do_not_collide():
    numbers = [port for e in endpoints(20000) for port in (e.port, e.metrics_port)]
    assert sorted(numbers) == list(range(20000, 20008))


def test_a_listening_port_is_busy_and_a_closed_one_free():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert "already in use" in trouble_with_port(port)
        # A connection that the server closes first leaves the port waiting, which is no obstacle.
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
    assert trouble_with_port(port) is None


def test_a_busy_metrics_port_is_told_of_in_one_line(plan):
    with socket.socket() as server:
        server.bind(("127.0.0.1", plan.endpoints[0].metrics_port))
        server.listen()
        with pytest.raises(StartFailed, match=rf"^port {plan.endpoints[0].metrics_port} \(stub service\).*--port-base"):
            check(plan)
    assert not plan.folder.exists(), "nothing was written before the ports were looked at"


def test_a_folder_that_cannot_be_written(plan, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StartFailed, match=r"cannot write to .*out: .*--out"):
        check(plan)


def test_a_full_disk(plan, monkeypatch):
    monkeypatch.setattr(services_module, "LEAST_FREE_BYTES", 2**80)
    with pytest.raises(StartFailed, match="is full"):
        check(plan)


def test_settings_of_a_plan_hold_where_the_surroundings_say_nothing(plan, monkeypatch):
    told = replace(plan, settings={"POSTCARDS_IMAGE_ENGINE": "ddpm", "POSTCARDS_AUDIO_ENGINE": "stable-audio"})
    variables = environment(told, told.endpoints[0], {"POSTCARDS_AUDIO_ENGINE": "vocal-tract"})
    assert (variables["POSTCARDS_IMAGE_ENGINE"], variables["POSTCARDS_AUDIO_ENGINE"]) == ("ddpm", "vocal-tract")
    monkeypatch.delenv("POSTCARDS_IMAGE_ENGINE", raising=False)
    monkeypatch.setenv("POSTCARDS_AUDIO_ENGINE", "vocal-tract")
    engines = Services(told).engines()
    assert (engines["image"], engines["audio"]) == ("ddpm", "vocal-tract")


def test_what_is_fixed_holds_whatever_the_surroundings_say(plan):
    told = replace(plan, fixed={"POSTCARDS_RECOVERY_INTERVAL_SECONDS": "0"})
    variables = environment(told, told.endpoints[0], {"POSTCARDS_RECOVERY_INTERVAL_SECONDS": "3"})
    assert variables["POSTCARDS_RECOVERY_INTERVAL_SECONDS"] == "0"


def test_the_environment_names_ports_addresses_and_store(tmp_path):
    plan = Plan(endpoints(20000), "file:///store", tmp_path)
    variables = environment(plan, plan.endpoints[1], {"HOME": "/home/me", "POSTCARDS_PORT": "1"})
    assert variables["HOME"] == "/home/me"
    assert variables["POSTCARDS_PORT"] == "20001"
    assert variables["POSTCARDS_METRICS_PORT"] == "20005"
    assert variables["POSTCARDS_BIND_ADDRESS"] == "127.0.0.1"
    assert variables["POSTCARDS_STORE_URL"] == "file:///store"
    assert variables["POSTCARDS_AUDIO_ADDRESS"] == "127.0.0.1:20002"


def test_nobody_waits_for_gigabytes_or_a_model_that_does_not_come(tmp_path):
    plan = Plan(endpoints(20000), "file:///store", tmp_path, settings={"POSTCARDS_AUDIO_ENGINE": "stable-audio"})
    _, image, audio, _ = plan.endpoints
    assert environment(plan, image, {"POSTCARDS_ON_LOAD_FAILURE": "wait"})["POSTCARDS_ON_LOAD_FAILURE"] == "exit"
    assert environment(plan, audio, {})["HF_HUB_OFFLINE"] == "1"
    assert environment(plan, audio, {"HF_HUB_OFFLINE": "0"})["HF_HUB_OFFLINE"] == "0"
    assert "HF_HUB_OFFLINE" not in environment(plan, image, {"POSTCARDS_IMAGE_ENGINE": "ddpm"})


def test_weights_have_longer_to_load():
    embedded = {"image": "creature", "audio": "vocal-tract", "language": "openai"}
    assert services_module.start_limit(embedded) == services_module.START_LIMIT
    assert services_module.start_limit(embedded | {"image": "stable-diffusion"}) == services_module.LOAD_LIMIT


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", "it wrote nothing to"),
        ("Traceback (most recent call last):\n  File x\nValueError: no such engine\n", "ValueError: no such engine"),
        ('{"level": "error", "message": "engine broke"}\n{"level": "info", "message": "bye"}\n', "engine broke"),
        ('{"level": "info", "msg": "hello"}\n', "hello"),
        ("[1, 2]\n", "[1, 2]"),
        ("\x00\xff{", "{"),
        ('{"level": null, "message": null}\n', '"level"'),
        (
            '{"level": "error", "message": "unhandled"}\nTraceback\npostcards-image: cannot start: no file x',
            "cannot start: no file x",
        ),
    ],
)
def test_the_last_error_line(tmp_path, log, line):
    path = tmp_path / "x.log"
    path.write_bytes(log.encode("latin-1"))
    text = last_error(path)
    assert line in text
    assert "\n" not in text
    assert str(path) in text


async def test_a_service_that_dies_is_told_of_with_its_last_words(plan, program):
    program("raise SystemExit('the engine has no strings')")
    services = Services(plan)
    services.start()
    try:
        with pytest.raises(StartFailed, match="stub service stopped with exit code 1: the engine has no strings"):
            await services.wait_until_serving(lambda _: None)
    finally:
        await services.stop()


async def test_a_service_that_is_never_ready_is_given_up(plan, program, monkeypatch):
    monkeypatch.setattr(services_module, "START_LIMIT", 0.2)
    program("import time; time.sleep(600)")
    services = Services(plan)
    services.start()
    try:
        with pytest.raises(StartFailed, match=r"not ready after .*: stub"):
            await services.wait_until_serving(lambda _: None)
    finally:
        await services.stop()
    assert not services.running


async def test_a_service_is_ready_when_its_health_says_so(plan, program):
    program(
        """
        import os, grpc
        from concurrent.futures import ThreadPoolExecutor
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc
        server = grpc.server(ThreadPoolExecutor(4))
        servicer = health.HealthServicer()
        servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        server.add_insecure_port(f"127.0.0.1:{os.environ['POSTCARDS_PORT']}")
        server.start()
        servicer.set("", health_pb2.HealthCheckResponse.SERVING)
        server.wait_for_termination()
        """
    )
    services = Services(plan)
    services.start()
    ready = []
    try:
        await services.wait_until_serving(ready.append)
        assert services.running
    finally:
        await services.stop()
    assert ready == ["stub"]
    assert not services.running


async def test_a_deaf_service_is_stopped_by_force(plan, program, monkeypatch):
    monkeypatch.setattr(services_module, "STOP_LIMIT", 0.2)
    program("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)")
    services = Services(plan)
    services.start()
    await eventually(lambda: "deaf" in plan.log("stub").read_text())
    await services.stop()
    assert not services.running


PARENT = """
import signal, time
# Where these tests run under nohup, nothing that they start would heed it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from postcards_cli.local.ports import Endpoint
from postcards_cli.local.services import Plan, Services
services = Services(Plan((Endpoint("stub", {}, {}),), "file:///nowhere", Path({!r})))
services.start()
time.sleep(600)
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
async def test_no_child_outlives_its_parent(plan, program, death):
    program("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    source = PARENT.format(plan.endpoints[0].port, plan.endpoints[0].metrics_port, str(plan.folder))
    parent = subprocess.Popen([sys.executable, "-c", source])
    try:
        log = plan.log("stub")
        child = int(await eventually(lambda: log.is_file() and log.read_text().strip()))
        assert alive(child)
    finally:
        parent.send_signal(death)
        parent.wait()
    await eventually(lambda: not alive(child))


async def test_a_child_that_ignores_the_end_of_its_parent_is_ended_all_the_same(program):
    program(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    source = "from postcards_cli.local import parent_watch; parent_watch.GRACE = 0.1; parent_watch.main()"
    child = subprocess.Popen(
        [sys.executable, "-c", source, "postcards_stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert await asyncio.to_thread(child.stdout.readline) == b"deaf\n"
    child.stdin.close()
    assert await asyncio.to_thread(child.wait) == 1
    child.stdout.close()
