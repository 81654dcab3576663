"""The four services under load, as processes of their own, and a real Prometheus that watches them by our rules."""

import asyncio
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3
import yaml
from postcards.composer.v1 import composer_pb2

from free_ports import free_port, free_ports
from postcards_cli.local.ports import NAMES, Endpoint
from postcards_cli.local.services import Plan, Services
from postcards_client.client import PostcardsClient
from postcards_client.errors import InvalidRequest
from postcards_serving.testing import eventually

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "deploy" / "prometheus" / "rules"
TINY = ROOT / "tests" / "models" / "tiny.onnx"
POSTCARDS = 5
PATIENCE = 120.0

ALARM = {"alert": "PostcardsTestAlarm", "expr": "vector(1)", "labels": {"severity": "info", "service": "composer"}}
"""Fires always: dashboards are asked for alerts, and on a sound system there is none."""


PHRASE = {
    "animal_text": "ghrr",
    "english_gloss": "The moon eats the bone.",
    "intent": "telling",
    "mood": "calm",
    "words": [{"text": "x", "gloss": "moon"}, {"text": "y", "gloss": "eat"}, {"text": "z", "gloss": "bone"}],
}
"""What the language model below says to everything."""


class LanguageModel(BaseHTTPRequestHandler):
    """A server that speaks chat completions and always says the same."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = json.dumps({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "us"}]})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data.encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        said = {"content": json.dumps({"phrases": [PHRASE]})}
        self._tell(choices=[{"index": 0, "delta": said, "finish_reason": None}])
        self._tell(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        self._tell(choices=[], usage={"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980})
        self.wfile.write(b"data: [DONE]\n\n")

    def _tell(self, **fields: object) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that runs."""

    url: str

    def ask(self, expr: str, at: float | None = None) -> list[dict]:
        """What an expression says at a time, or now: a list of {"metric": labels, "value": [time, text]}.

        Raises:
            AssertionError: the expression is none.
        """
        fields = {"query": expr} | ({} if at is None else {"time": at})
        return self.read(f"query?{urllib.parse.urlencode(fields)}")["result"]

    def read(self, path: str) -> dict:
        """What the API says at a path."""
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", retries=False, timeout=10)
        assert answer.status == 200, answer.data.decode()
        return answer.json()["data"]


@dataclass(frozen=True)
class Watched:
    """Services that made some postcards, and who watches them."""

    prometheus: Prometheus
    endpoints: tuple[Endpoint, ...]
    at: float
    """When all was made and seen; what is asked is asked of this moment, whatever the machine does meanwhile."""

    def ask(self, expr: str) -> list[dict]:
        return self.prometheus.ask(expr, self.at)

    def ask_over(self, seconds: float, expr: str) -> list[dict]:
        """What it said until then, second by second."""
        fields = {"query": expr, "start": self.at - seconds, "end": self.at, "step": 1}
        return self.prometheus.read(f"query_range?{urllib.parse.urlencode(fields)}")["result"]


def settings(language_model: str, folder: Path) -> dict[str, str]:
    """An engine of each kind: one that denoises, one that cannot be loaded, one that asks a paid API."""
    return {
        "POSTCARDS_IMAGE_ENGINE": "ddpm",
        "POSTCARDS_IMAGE_MODEL": str(TINY),
        "POSTCARDS_IMAGE_FALLBACK": "creature",
        "POSTCARDS_IMAGE_THREADS": "1",
        "POSTCARDS_AUDIO_ENGINE": "stable-audio",
        "POSTCARDS_AUDIO_MODEL": str(folder / "nowhere"),
        "POSTCARDS_AUDIO_FALLBACK": "vocal-tract",
        "POSTCARDS_LANGUAGE_ENGINE": "openai",
        "POSTCARDS_LANGUAGE_MODEL": "m",
        "POSTCARDS_LANGUAGE_FALLBACK": "phonotactic",
        "POSTCARDS_LANGUAGE_PROMPT_PRICE": "1.25",
        "POSTCARDS_LANGUAGE_COMPLETION_PRICE": "10",
        "OPENAI_BASE_URL": language_model,
        "OPENAI_API_KEY": "sk-test",
    }


def configure(folder: Path, endpoints: tuple[Endpoint, ...]) -> Path:
    """A configuration with our rules, each worked out every second."""
    for path in RULES.glob("*.yml"):
        rules = yaml.safe_load(path.read_text())
        for group in rules["groups"]:
            group["interval"] = "1s"
        (folder / path.name).write_text(yaml.safe_dump(rules))
    (folder / "alarm.yml").write_text(yaml.safe_dump({"groups": [{"name": "alarm", "rules": [ALARM]}]}))
    targets = [
        {"targets": [f"127.0.0.1:{endpoint.metrics_port}"], "labels": {"service": endpoint.name}}
        for endpoint in endpoints
    ]
    config = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": [f"{folder}/*.yml"],
        "scrape_configs": [{"job_name": "postcards", "static_configs": targets}],
    }
    (folder / "config").mkdir()
    file = folder / "config" / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return file


@asynccontextmanager
async def running_services(plan: Plan) -> AsyncIterator[None]:
    services = Services(plan)
    services.start()
    try:
        await services.wait_until_serving(lambda _: None)
        yield
    finally:
        await services.stop()


@asynccontextmanager
async def running_prometheus(folder: Path, config: Path) -> AsyncIterator[Prometheus]:
    program = shutil.which("prometheus")
    assert program is not None
    port = free_port()
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    prometheus = Prometheus(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            return bool(prometheus.ask("vector(1)"))
        except urllib3.exceptions.HTTPError:
            return False

    try:
        await eventually(answers, timeout=PATIENCE, interval=0.05)
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)


async def make_postcards(address: str) -> None:
    """A small load: postcards, one request that is wrong, and one look at what is kept."""
    small = {
        "image": composer_pb2.ImageSettings(width=64, height=64, steps=3),
        "audio": composer_pb2.AudioSettings(seconds=1),
    }
    async with PostcardsClient(address) as client:
        made = await asyncio.gather(*(client.make(seed=seed, **small) for seed in range(POSTCARDS)))
        assert {postcard.state for postcard in made} == {composer_pb2.POSTCARD_STATE_ACTIVE}, made
        with pytest.raises(InvalidRequest):
            await client.create(strangeness=7.0)
        await client.list()
        await client.delete(made[0].id)


async def settle(prometheus: Prometheus) -> float:
    """Waits until everything that was made has been seen and worked out; a moment at which that is so."""
    began = time.time()
    # Every service has answered for some seconds, and the rules have run since.
    seen = f'min(min_over_time(up{{job="postcards"}}[4s])) == 1 and on () vector(time()) > {began + 5}'
    counted = f'sum(postcards_created_total{{state="active"}}) == {POSTCARDS} and on () ALERTS'
    worked_out = "sum(postcards:created:rate5m) > 0"
    answer = await eventually(
        lambda: prometheus.ask(f"({seen}) and ({counted}) and ({worked_out})"), timeout=PATIENCE, interval=0.2
    )
    return float(answer[0]["value"][0])


@asynccontextmanager
async def whole(folder: Path, language_model: str) -> AsyncIterator[Watched]:
    ports = free_ports(2 * len(NAMES))
    endpoints = tuple(Endpoint(name, *ports[2 * i : 2 * i + 2]) for i, name in enumerate(NAMES))
    plan = Plan(endpoints, f"file://{folder / 'store'}", folder / "services", settings(language_model, folder))
    watching = folder / "prometheus"
    watching.mkdir()
    config = configure(watching, endpoints)
    # Prometheus first, so that it sees every count begin at zero.
    async with running_prometheus(watching, config) as prometheus, running_services(plan):
        everyone = f'sum(up{{job="postcards"}}) == {len(NAMES)}'
        await eventually(lambda: prometheus.ask(everyone), timeout=PATIENCE, interval=0.1)
        await make_postcards(endpoints[0].address)
        yield Watched(prometheus, endpoints, await settle(prometheus))


@pytest.fixture(scope="module")
def language_model() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), LanguageModel)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, language_model: str) -> Iterator[Watched]:
    """Everything above; it is started once."""
    if shutil.which("prometheus") is None:
        pytest.skip("no Prometheus here: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("POSTCARDS_", "OPENAI_")):
                patch.delenv(name)
        with asyncio.Runner() as runner:
            stack = whole(folder, language_model)
            yield runner.run(stack.__aenter__())
            runner.run(stack.__aexit__(None, None, None))
