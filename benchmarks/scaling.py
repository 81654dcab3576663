"""Compares the throughput of one to four image servers behind one channel.

`python benchmarks/scaling.py`. Real server processes on the loopback address, found by one channel that gives each its
turn (round robin), asked by `postcards load`'s own loop. Two engines: `paced` waits as long as a picture takes on a
GPU of its own and computes nothing, so that what is measured is whether the system scales; `creature` computes, so it
scales as far as this machine has cores. Beside each figure: how the pictures spread over the servers, by their own
metrics.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import asyncio
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from postcards_cli.load.cleanup import Cleanup
from postcards_cli.load.measurements import Record, StageRecord
from postcards_cli.load.plan import Plan, callers, stages
from postcards_cli.load.report import seconds_text
from postcards_cli.load.requester import Requester
from postcards_cli.load.runner import LoadRunner
from postcards_client.health import until_serving

MOST_REPLICAS = 4
WARM_UP = 4
HANDLED = re.compile(r'grpc_server_handled_total\{.*grpc_code="OK".*grpc_method="GenerateImage".*\} (\S+)')


@dataclass(frozen=True)
class Replica:
    """One image server."""

    port: int
    metrics_port: int

    def pictures(self) -> float:
        """How many it has made."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return sum(map(float, HANDLED.findall(answer.read().decode())))


@dataclass(frozen=True)
class Run:
    """What so many replicas achieved."""

    record: Record
    spread: tuple[float, ...]
    """Pictures that each replica made, the warm-up included."""

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.record.counted[0].achieved_rate


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running(command: Sequence[str]) -> Iterator[list[Replica]]:
    """Four servers on free ports."""
    replicas = [Replica(*free_ports(2)) for _ in range(MOST_REPLICAS)]
    processes = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, *command],
            env=os.environ
            | {"POSTCARDS_PORT": str(replica.port), "POSTCARDS_METRICS_PORT": str(replica.metrics_port)}
            | {"POSTCARDS_LOG_LEVEL": "warning", "GRPC_VERBOSITY": "ERROR"},
            stderr=subprocess.DEVNULL,
        )
        for replica in replicas
    ]
    try:
        yield replicas
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.communicate()


class Silence:
    """Is told of stages and says nothing."""

    def stage_begun(self, record: Record, stage: StageRecord) -> None:
        """Says nothing."""

    def stage_ended(self, record: Record, stage: StageRecord) -> None:
        """Says nothing."""


async def measure(replicas: Sequence[Replica], plan: Plan) -> Run:
    for replica in replicas:
        await until_serving(f"127.0.0.1:{replica.port}")
    before = [replica.pictures() for replica in replicas]
    address = "ipv4:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
    clearing = Cleanup("", delete=False)
    async with Requester(plan, {"image": address}, run="scaling", clearing=clearing) as asking:
        record = await LoadRunner(plan, asking.ask, Silence()).run()
    after = [replica.pictures() for replica in replicas]
    return Run(record, tuple(new - old for new, old in zip(after, before, strict=True)))


def show(runs: dict[int, Run]) -> None:
    print(f"  {'replicas':>8}{'pictures/s':>12}{'':>8}{'p50':>10}{'p95':>10}   made by each")
    for count, run in runs.items():
        total = run.record.total
        trouble = "".join(f", {times} times {code}" for code, times in total.codes.items())
        print(
            f"  {count:>8}{run.rate:>12.2f}{run.rate / runs[1].rate:>7.2f}x"
            f"{seconds_text(total.latency.percentile(50)):>10}{seconds_text(total.latency.percentile(95)):>10}"
            f"   {' '.join(f'{pictures:.0f}' for pictures in run.spread)}{trouble}"
        )


def compare(title: str, command: Sequence[str], plan: Plan) -> None:
    print(f"\n{title}", flush=True)
    with running(command) as replicas:
        show({count: asyncio.run(measure(replicas[:count], plan)) for count in range(1, MOST_REPLICAS + 1)})


def serve_paced(seconds: float) -> int:
    """An image server whose engine only waits: what it does to the system is what one with a GPU does."""
    import cv2
    import numpy as np
    from postcards.image.v1 import image_pb2

    from postcards_image.engine import ImageRequest, ImageResult
    from postcards_image.service import service_of
    from postcards_image.settings import ImageSettings
    from postcards_serving.engine.served import alone
    from postcards_serving.engine.work import Blob, Progress, Provenance, Work
    from postcards_serving.server.process import Service, serve

    steps = 20
    noise = np.random.default_rng(0).integers(0, 64, (512, 512, 3), np.uint8)
    png = cv2.imencode(".png", noise)[1].tobytes()

    class PacedEngine:
        """Takes its time, in steps, and always shows the same picture."""

        name = "paced"
        version = "1"
        stages = ("denoise",)
        requests_at_once = None

        def generate(self, request: ImageRequest, work: Work) -> ImageResult:
            """Waits."""
            del request
            pause = seconds / steps
            for step in range(steps):
                work.report(Progress("denoise", step, steps, step / steps))
                time.sleep(pause)
                work.check()
            return ImageResult((Blob("image.png", "image/png", png),), 512, 512, "Noise.", Provenance("paced", "1"))

        def close(self) -> None:
            """Nothing to let go of."""

    def load(settings: ImageSettings) -> Service:
        return service_of(alone(PacedEngine()), settings)

    return serve("image", ImageSettings, [image_pb2.DESCRIPTOR.services_by_name["ImageService"]], load)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duration", type=float, default=12.0, help="seconds of each measurement")
    parser.add_argument("--callers", type=int, default=8, help="who each wait for their picture")
    parser.add_argument("--pace", type=float, default=0.4, help="seconds of a picture of the paced engine")
    parser.add_argument("--size", type=int, default=512, help="width and height of the creatures in pixels")
    parser.add_argument("--only", choices=("paced", "creature"), help="leave the other engine out")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        sys.exit(serve_paced(options.pace))
    plan = Plan(
        stages([callers(options.callers)], seconds=options.duration, count=None, warm_up=WARM_UP),
        mix={"image": 1.0},
        seed=1,
        deadline=120.0,
        settings={"width": options.size, "height": options.size},
    )
    cores = len(os.sched_getaffinity(0))
    print(f"{options.callers} callers, {options.duration:g} s each; one picture at a time in each server")
    if options.only != "creature":
        compare(
            f"paced: waits {options.pace:g} s for each picture, as for a GPU of its own: scaling of the system",
            [__file__, "--serve", f"--pace={options.pace}"],
            plan,
        )
    if options.only != "paced":
        compare(
            f"creature: computes {options.size} x {options.size} pixels on one core: scaling of this machine, which has"
            f" {cores}, shared with the callers",
            ["-m", "postcards_image"],
            plan,
        )


if __name__ == "__main__":
    main()
