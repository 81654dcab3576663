"""Seconds of call per second of processor time, for several lengths, on one core; and where the time goes."""

import argparse
import time
from collections import Counter
from itertools import pairwise

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_serving.engine.work import Event, Progress, Work


def timed(engine: VocalTractEngine, seed: int, seconds: float) -> Counter[str]:
    """Processor seconds of each stage of one call."""
    marks: list[tuple[str, float]] = []

    def mark(event: Event) -> None:
        if isinstance(event, Progress):
            marks.append((event.stage, time.process_time()))

    engine.generate(AudioRequest(seed=seed, seconds=seconds), Work(mark))
    spent: Counter[str] = Counter()
    for (stage, begin), (_, end) in pairwise(marks):
        spent[stage] += end - begin
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=6, help="calls of each length, one species each")
    options = parser.parse_args()
    engine = VocalTractEngine()
    timed(engine, 0, 2.0)
    print(f"{'call s':>7}{'made, times real time':>23}{'with files':>12}   milliseconds per second of call")
    for seconds in (2.0, 8.0, 30.0):
        spent: Counter[str] = Counter()
        for seed in range(options.calls):
            spent += timed(engine, seed, seconds)
        length = seconds * options.calls
        total = sum(spent.values())
        shares = ", ".join(f"{stage} {1000 * spent[stage] / length:.1f}" for stage in engine.stages)
        print(f"{seconds:>7.0f}{length / (total - spent['encode']):>22.0f}x{length / total:>11.0f}x   {shares}")


if __name__ == "__main__":
    main()
