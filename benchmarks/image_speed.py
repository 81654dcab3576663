"""Times the creature engine on one core, stage by stage: `python benchmarks/image_speed.py`."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import itertools
import statistics
import time

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.creature.engine import STAGES
from postcards_serving.engine.work import Event, Progress, Work
from postcards_species.species import derive_species


def time_stages(engine: CreatureEngine, seed: int, size: int) -> list[float]:
    """Seconds of processor time of each stage."""
    species = derive_species(seed)
    marks: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            marks.append(time.process_time())

    request = ImageRequest(species.body_plan, species.scene, seed=seed, width=size, height=size)
    engine.generate(request, Work(listen))
    marks.append(time.process_time())
    return [after - before for before, after in itertools.pairwise(marks)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="how many seeds")
    parser.add_argument("--size", type=int, default=1024, help="pixels")
    options = parser.parse_args()
    engine = CreatureEngine()
    time_stages(engine, 0, 256)
    runs = [time_stages(engine, seed, options.size) for seed in range(options.count)]
    totals = sorted(sum(run) for run in runs)
    print(f"{options.count} pictures of {options.size} x {options.size} pixels, one core, processor time")
    print(f"{'stage':<12}{'median':>9}{'most':>9}{'share':>8}")
    for index, stage in enumerate(STAGES):
        times = [run[index] for run in runs]
        share = sum(times) / sum(totals)
        print(f"{stage:<12}{statistics.median(times):>8.2f}s{max(times):>8.2f}s{share:>8.0%}")
    print(f"{'in all':<12}{statistics.median(totals):>8.2f}s{totals[-1]:>8.2f}s{1:>8.0%}")
    print("(the habitat is painted within the stage body, the finish within print)")


if __name__ == "__main__":
    main()
