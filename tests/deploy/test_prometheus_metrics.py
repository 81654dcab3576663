"""What rules ask for and the reference page lists, held against what live services export."""

import asyncio
import json
import os
import re
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
PAGE = ROOT / "docs" / "reference" / "metrics.md"
SERVICES = ("image", "audio", "language", "composer")
QUIET = {
    "POSTCARDS_PORT": "0",
    "POSTCARDS_METRICS_PORT": "0",
    "POSTCARDS_DRAIN_PAUSE_SECONDS": "0",
    "POSTCARDS_FINISH_SECONDS": "0",
}
# Engines that need no download and yet export what batches, paid APIs and engines behind others do.
ENGINES = {
    "POSTCARDS_IMAGE_ENGINE": "ddpm",
    "POSTCARDS_IMAGE_MODEL": str(ROOT / "tests" / "models" / "tiny.onnx"),
    "POSTCARDS_IMAGE_THREADS": "1",
    "POSTCARDS_IMAGE_FALLBACK": "creature",
    "POSTCARDS_LANGUAGE_ENGINE": "openai",
    "POSTCARDS_LANGUAGE_FALLBACK": "phonotactic",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
}
SELECTOR = re.compile(r"\b((?:postcards|grpc_server|process)_\w+|up)\b(?:\s*\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
OWN = ("postcards_", "grpc_server_")


@dataclass(frozen=True)
class Live:
    """What the four services export."""

    families: dict[str, Metric]
    """By name, without `_total`; of all services together."""
    exporters: dict[str, set[str]]
    """Services that export each family."""

    def samples(self, name: str) -> list[dict[str, str]]:
        """The labels of every series of that name."""
        return [s.labels for family in self.families.values() for s in family.samples if s.name == name]


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[str]:
    """A service as a process of its own; yields what it exports."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"postcards_{name}",
        env=os.environ | QUIET | ENGINES | {"POSTCARDS_STORE_URL": folder.as_uri()},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(90):
            while (line := json.loads(await process.stderr.readline()))["message"] != "serving":
                pass
        url = f"http://127.0.0.1:{line['metrics_port']}/metrics"
        yield await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read().decode())
    finally:
        process.terminate()
        await process.communicate()


async def scraped(folder: Path) -> dict[str, str]:
    async with AsyncExitStack() as stack:
        texts = await asyncio.gather(*(stack.enter_async_context(running(name, folder)) for name in SERVICES))
    return dict(zip(SERVICES, texts, strict=True))


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Live:
    families: dict[str, Metric] = {}
    exporters: dict[str, set[str]] = {}
    for service, text in asyncio.run(scraped(tmp_path_factory.mktemp("store"))).items():
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            merged.samples.extend(s._replace(labels={**s.labels, "service": service}) for s in family.samples)
            exporters.setdefault(family.name, set()).add(service)
    return Live(families, exporters)


def selectors() -> set[tuple[str, str]]:
    """What the rules select: name and matchers, as written."""
    read = [yaml.safe_load(path.read_text("utf-8")) for path in RULES]
    expressions = [rule["expr"] for file in read for group in file["groups"] for rule in group["rules"]]
    return {(found[1], found[2] or "") for text in expressions for found in SELECTOR.finditer(text)} - {("up", "")}


def test_every_metric_of_the_rules_is_exported_with_these_labels_from_the_start(live):
    absent = []
    for name, text in sorted(selectors()):
        if name == "up":
            continue
        matchers = [found.groups() for found in MATCHER.finditer(text) if found[1] != "job"]
        if not any(all(matches(series, *matcher) for matcher in matchers) for series in live.samples(name)):
            absent.append(f"{name}{{{text}}}")
    assert absent == []


def matches(series: dict[str, str], label: str, operator: str, value: str) -> bool:
    own = series.get(label, "")
    equal = re.fullmatch(value, own) is not None if operator in ("=~", "!~") else own == value
    return equal is (operator in ("=", "=~"))


def test_rules_select_only_what_is_ours():
    assert [name for name, text in selectors() if 'job="postcards"' not in text] == []


@dataclass(frozen=True)
class Row:
    """One row of the reference page."""

    kind: str
    labels: frozenset[str]
    services: frozenset[str]


def page() -> dict[str, Row]:
    """The page's rows by name."""
    rows = {}
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("| `"):
            name, kind, labels, services, _ = (cell.strip() for cell in line.strip("|").split("|"))
            everywhere = SERVICES if services == "all" else re.findall(r"\w+", services)
            rows[name.strip("`")] = Row(kind, frozenset(re.findall(r"`(\w+)`", labels)), frozenset(everywhere))
    return rows


def exposed_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_the_page_lists_every_metric_with_its_type(live):
    own = {exposed_name(f): f.type for name, f in live.families.items() if name.startswith(OWN)}
    assert {name: row.kind for name, row in page().items()} == own


def test_the_page_lists_the_labels(live):
    wrong = {}
    for name, row in page().items():
        family = live.families[name.removesuffix("_total") if row.kind == "counter" else name]
        seen = {frozenset(sample.labels) - {"le", "service"} for sample in family.samples}
        if seen != {row.labels}:
            wrong[name] = seen
    assert wrong == {}


def test_the_page_says_which_services_export_a_metric(live):
    wrong = {}
    for name, row in page().items():
        family = live.families[name.removesuffix("_total") if row.kind == "counter" else name]
        # Which services have series of a batch or of a fallback depends on their engines.
        if not {sample.labels["service"] for sample in family.samples} <= row.services <= live.exporters[family.name]:
            wrong[name] = live.exporters[family.name]
    assert wrong == {}


def test_counters_begin_with_zero_before_anybody_asks_for_anything(live):
    counters = [f for name, f in live.families.items() if name.startswith("postcards_") and f.type == "counter"]
    counted = {s.name for family in counters for s in family.samples if s.value}
    # A server's first request is its own, and it goes through the batch.
    assert counted <= {"postcards_batch_rows_ended_total"}
