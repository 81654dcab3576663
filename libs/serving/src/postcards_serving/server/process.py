"""The life of a server process, the same for every service.

Signals first; bind, NOT_SERVING; load the engine; warm up with a real tiny request; SERVING. Where that fails the
process ends with one line, or stays NOT_SERVING, tells callers why and tries again: that is a setting. On SIGTERM or
SIGINT: NOT_SERVING, a short pause, new calls are turned away, running calls end within the grace, and only then the
engine is closed. The same signal a second time ends the process at once. A process that has lost its device (see
`postcards_serving.device.loss`) ends in the same order, with a code of its own: whoever supervises it starts a new one.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from postcards_serving.device.loss import listening
from postcards_serving.rpc.interceptors import CallInterceptor
from postcards_serving.server import grpc_server
from postcards_serving.server.gate import Gate
from postcards_serving.server.loading import LOAD_THREAD, Loading, close, loader
from postcards_serving.server.service import Loader, Service, SettingsT, StartupError
from postcards_serving.settings import ServiceSettings, SettingsError, read_settings
from postcards_serving.telemetry import metrics, tracing
from postcards_serving.telemetry.logging import configure, fields, without_secrets

__all__ = [
    "EXIT_DEVICE_LOST",
    "EXIT_FAILED",
    "EXIT_FORCED",
    "EXIT_SETTINGS",
    "Loader",
    "Service",
    "StartupError",
    "serve",
]

EXIT_FAILED = 1
"""Exit code of a server that could not start, or whose engine would not let go."""
EXIT_SETTINGS = 2
"""Exit code for settings that cannot be used."""
EXIT_DEVICE_LOST = 3
"""Exit code when the device does nothing more for this process: a new one may serve."""
EXIT_FORCED = 130
"""Exit code when the same signal came a second time."""

_FLUSH_SECONDS = 0.5
"""How long the last bytes of answered calls have to leave."""
_LAST_WORD_SECONDS = 5.0
"""How long a cancelled engine call has to come to its next check once the grace is over."""

_log = logging.getLogger(__name__)


def serve(
    name: str, settings_type: type[SettingsT], services: Sequence[ServiceDescriptor], load: Loader[SettingsT]
) -> int:
    """Runs a server until it is told to stop; the exit code for the process.

    Args:
        name: name of the service in logs, e.g. "image".
        settings_type: its settings, read from the environment.
        services: what it serves, e.g. `image_pb2.DESCRIPTOR.services_by_name["ImageService"]`.
        load: builds the servicers and the engine from the settings.
    """
    try:
        settings = read_settings(settings_type)
        configure(name, settings.log_level)
        tracing.configure(name, settings.traces_endpoint, _sample_ratio(settings))
        process = _Process(name, settings, services, loader(load, settings))
        code = asyncio.run(process.live())
    except SettingsError as fault:
        return _complain(name, str(fault), EXIT_SETTINGS)
    except StartupError as fault:
        tracing.shut_down()
        return _quit(_complain(name, str(fault), EXIT_FAILED))
    tracing.shut_down()
    return _quit(code)


def _sample_ratio(settings: ServiceSettings) -> float | None:
    """The share of traces that the settings ask for; None where only OpenTelemetry's own variable speaks of it."""
    ours = "traces_sample_ratio" in settings.model_fields_set or "OTEL_TRACES_SAMPLER" not in os.environ
    return settings.traces_sample_ratio if ours else None


class _Process:
    """One run of a server."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        services: Sequence[ServiceDescriptor],
        load: Callable[[], Awaitable[Service]],
    ) -> None:
        self._name = name
        self._settings = settings
        self._services = services
        self._load = load
        self._token = uuid.uuid4().hex
        self._begun = time.monotonic()

    async def live(self) -> int:
        """From the first signal handler to the last call; the exit code."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with listening(_first_time(lost)):
            return await self._live(self._listen_to_signals(), lost)

    async def _live(self, stopping: "asyncio.Future[None]", lost: "asyncio.Future[None]") -> int:
        metrics_server = self._bind_metrics()
        gate, calls = Gate(self._services, self._token), CallInterceptor(self._token)
        server = grpc_server.build(self._settings, calls, [gate])
        standard = await grpc_server.add_standard_services(server, self._services)
        port = self._bind(server)
        await server.start()
        _log.debug("loading", extra=fields(port=port))
        loading = asyncio.ensure_future(self._prepare(gate, port))
        await asyncio.wait({loading, stopping, lost}, return_when=asyncio.FIRST_COMPLETED)
        if lost.done() or not loading.done():
            _log.info("the device was lost before it was ready" if lost.done() else "stopped before it was ready")
            await _stop(server, 0, calls)
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            return EXIT_DEVICE_LOST if lost.done() else 0
        try:
            service = loading.result()
        except BaseException:
            await _stop(server, 0, calls)
            raise
        gate.open()
        await standard.serving()
        _log.info(
            "serving",
            extra=fields(
                address=grpc_server.join_address(self._settings.bind_address, port),
                port=port,
                metrics_port=metrics_server.server_port,
                seconds=round(time.monotonic() - self._begun, 3),
            ),
        )
        await asyncio.wait({stopping, lost}, return_when=asyncio.FIRST_COMPLETED)
        await standard.not_serving()
        if not lost.done():
            await asyncio.wait({lost}, timeout=self._settings.drain_pause_seconds)
        gate.close()
        code = await self._shut_down(server, service, calls)
        return EXIT_DEVICE_LOST if lost.done() else code

    async def _prepare(self, gate: Gate, port: int) -> Service:
        loading = Loading(self._load, gate, (self._settings.bind_address, port, self._token))
        if self._settings.on_load_failure == "exit":
            return await loading.once()
        return await loading.patiently(self._settings.load_retry_seconds)

    def _listen_to_signals(self) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        stopping: asyncio.Future[None] = loop.create_future()

        seen: set[signal.Signals] = set()

        def on_signal(number: signal.Signals) -> None:
            if number in seen:
                _log.warning("second signal: ending at once", extra=fields(signal=number.name))
                _quit_now(EXIT_FORCED)
            seen.add(number)
            # Ctrl-C reaches the whole group, and a supervisor then sends SIGTERM: together they ask once.
            if not stopping.done():
                _log.info("stopping", extra=fields(signal=number.name))
                stopping.set_result(None)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal, number)
        return stopping

    def _bind_metrics(self) -> metrics.WSGIServer:
        address, port = self._settings.metrics_address, self._settings.metrics_port
        metrics.export_zeros_of_services(self._services)
        try:
            return metrics.serve_metrics(address, port)
        except OSError as fault:
            raise StartupError(
                f"cannot serve metrics on {address}:{port}: {fault.strerror or fault} "
                "(POSTCARDS_METRICS_PORT chooses another port)"
            ) from None

    def _bind(self, server: grpc.aio.Server) -> int:
        try:
            return grpc_server.bind(server, self._settings)
        except grpc_server.BindError as fault:
            raise StartupError(f"{fault} (POSTCARDS_PORT chooses another port)") from None

    async def _shut_down(self, server: grpc.aio.Server, service: Service, calls: CallInterceptor) -> int:
        in_order = service.drain is None or await _survives(service.drain(), "ending the streams failed")
        if not await calls.running.all_ended(self._settings.grace_seconds):
            _log.warning("the grace is over; cancelling the calls that are left")
        await _stop(server, _FLUSH_SECONDS, calls)
        if service.executor is not None and not await service.executor.drain(_LAST_WORD_SECONDS):
            _log.error("an engine call has not ended; leaving without closing the engine")
            return EXIT_FAILED
        in_order &= await _survives(close(service), "closing failed")
        _log.info("stopped")
        return 0 if in_order else EXIT_FAILED


def _first_time(lost: "asyncio.Future[None]") -> Callable[[str], None]:
    """Settles `lost` when it is said for the first time, on whatever thread."""
    loop = asyncio.get_running_loop()

    def settle(said: str) -> None:
        if not lost.done():
            _log.critical("the device is lost to this process, which ends so that a new one may use it: %s", said)
            lost.set_result(None)

    def listen(said: str) -> None:
        # A loop that has been closed has ended already.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, said)

    return listen


async def _stop(server: grpc.aio.Server, grace: float, calls: CallInterceptor) -> None:
    """Stops the server. Its health watches end before the event loop does: gRPC logs those that do not as errors."""
    await server.stop(grace)
    await calls.watching.all_ended(_FLUSH_SECONDS)


async def _survives(step: Awaitable[None], complaint: str) -> bool:
    """Whether a step of the shutdown succeeded; one that fails is logged, and the next is taken all the same."""
    try:
        await step
    except Exception:
        _log.exception(complaint)
        return False
    return True


def _complain(name: str, message: str, code: int) -> int:
    line = " ".join(without_secrets(message).split())
    print(f"postcards-{name}: {line}", file=sys.stderr, flush=True)
    return code


def _quit(code: int) -> int:
    """Leaves without waiting for threads that would never end: an engine that hangs, a load that was given up."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    loading = any(thread.name == LOAD_THREAD for thread in others)
    # What libraries let go of at the end is on the device, if there is one: where it is lost they abort.
    if loading or code == EXIT_DEVICE_LOST or (code != 0 and not all(thread.daemon for thread in others)):
        _quit_now(code)
    return code


def _quit_now(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
