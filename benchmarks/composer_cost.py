"""What a postcard costs beside its parts: processor time in each service, and where its time goes.

`python benchmarks/composer_cost.py`. Starts the four services with their embedded engines in a folder of its own, has
postcards made one after the other through `postcards load`'s own loop, and reads the services' metrics before and
after.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import argparse
import asyncio
import re
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from postcards_cli.load.cleanup import Cleanup
from postcards_cli.load.measurements import Record, StageRecord
from postcards_cli.load.plan import Plan, callers, stages
from postcards_cli.load.requester import Requester
from postcards_cli.load.runner import LoadRunner
from postcards_cli.local.ports import Endpoint, endpoints
from postcards_cli.local.services import Plan as ServicesPlan
from postcards_cli.local.services import Services

PORT_BASE = 52340
SAMPLE = re.compile(r"^(\w+)(\{.*\})? (\S+)$", re.MULTILINE)
PARTS = ("image", "language", "audio")


@dataclass(frozen=True)
class Sums:
    """Sums that the services have counted so far, in seconds."""

    processor: Mapping[str, float]
    """By service."""
    parts: Mapping[str, float]
    """Time of each part as the composer saw it."""
    card: float
    """Time of assembling cards."""


class Silence:
    """Is told of stages and says nothing."""

    def stage_begun(self, record: Record, stage: StageRecord) -> None:
        """Says nothing."""

    def stage_ended(self, record: Record, stage: StageRecord) -> None:
        """Says nothing."""


def metrics(endpoint: Endpoint) -> list[tuple[str, str, float]]:
    """Name, labels and value of everything that a service exports."""
    with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.metrics_port}/metrics", timeout=10) as answer:
        return [(name, labels, float(value)) for name, labels, value in SAMPLE.findall(answer.read().decode())]


def sums(services: Sequence[Endpoint]) -> Sums:
    found = {endpoint.name: metrics(endpoint) for endpoint in services}

    def total(service: str, name: str, label: str = "") -> float:
        return sum(value for found_name, labels, value in found[service] if found_name == name and label in labels)

    return Sums(
        {name: total(name, "process_cpu_seconds_total") for name in found},
        {part: total("composer", "postcards_part_seconds_sum", f'"{part}"') for part in PARTS},
        total("composer", "postcards_assembly_seconds_sum"),
    )


async def load(plan: Plan, address: str) -> Record:
    clearing = Cleanup(address, delete=True)
    async with Requester(plan, {"composer": address}, run="cost", clearing=clearing) as asking:
        record = await LoadRunner(plan, asking.ask, Silence()).run()
    await clearing.finish(60)
    return record


async def measure(folder: Path, count: int) -> None:
    planned = ServicesPlan(endpoints(PORT_BASE), (folder / "store").as_uri(), folder)
    services = Services(planned)
    services.start()
    try:
        await services.wait_until_serving(lambda _: None)
        address = planned.endpoints[0].address
        one = Plan(stages([callers(1)], seconds=None, count=1), {"composer": 1.0}, seed=0, deadline=300.0)
        await load(one, address)
        before = sums(planned.endpoints)
        many = Plan(stages([callers(1)], seconds=None, count=count), {"composer": 1.0}, seed=1, deadline=300.0)
        record = await load(many, address)
        show(record, before, sums(planned.endpoints))
    finally:
        await services.stop()


def show(record: Record, before: Sums, after: Sums) -> None:
    count = record.total.ok
    print(f"{count} postcards, one after the other, embedded engines")
    print("\nprocessor time of a postcard")
    for name, seconds in after.processor.items():
        print(f"  {name:<28}{(seconds - before.processor[name]) / count:8.3f} s")
    parts = {part: (after.parts[part] - before.parts[part]) / count for part in PARTS}
    card = (after.card - before.card) / count
    latency = record.total.latency.mean or 0.0
    # The picture is made beside the phrase and the call, which says the phrase.
    longest = max(parts["image"], parts["language"] + parts["audio"])
    print("\ntime of a postcard")
    for title, seconds in (
        *((f"the {part} part", seconds) for part, seconds in parts.items()),
        ("all parts, side by side", longest),
        ("the card", card),
        ("everything else", latency - longest - card),
        ("the whole postcard", latency),
    ):
        print(f"  {title:<28}{seconds:8.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8, help="how many postcards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), options.count))


if __name__ == "__main__":
    main()
