"""What reading and writing a manifest costs, in milliseconds of processor time: `python benchmarks/manifests.py`.

Each step stands beside what Python's own JSON takes for the same text: the ratio tells machines apart from changes.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

from postcards_composer.postcards.json_values import from_json, to_json
from postcards_composer.postcards.manifest import Manifest

MANIFESTS = sorted((Path(__file__).resolve().parents[1] / "tests/unit/composer/manifests").glob("*.json"))
ROUNDS, TIMES = 7, 50


def milliseconds(work: Callable[[], object]) -> float:
    """The best of several rounds, for one time."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(TIMES):
            work()
        best = min(best, time.process_time() - start)
    return best / TIMES * 1000


def main() -> None:
    """Prints one line for each manifest that the tests keep."""
    print(f"{'manifest':<16}{'parse':>8}{'read':>8}{'ratio':>7}{'print':>9}{'write':>8}{'ratio':>7}")
    for path in MANIFESTS:
        text = path.read_bytes()
        value = json.loads(text)
        manifest = from_json(Manifest, value, "manifest")
        parse, read = milliseconds(lambda: json.loads(text)), milliseconds(lambda: from_json(Manifest, value))  # noqa: B023
        shown = milliseconds(lambda: json.dumps(value, indent=1))  # noqa: B023
        write = milliseconds(lambda: to_json(manifest))  # noqa: B023
        print(f"{path.stem:<16}{parse:8.3f}{read:8.3f}{read / parse:7.1f}{shown:9.3f}{write:8.3f}{write / shown:7.1f}")


if __name__ == "__main__":
    main()
