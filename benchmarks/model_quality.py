"""How good a model's pictures are, beside real photographs and beside what it must be better than.

    python benchmarks/model_quality.py --model out/train --data ~/photos --out quality

Every set of pictures is compared with the photographs that were held out of the training, by kernel distance (KID,
times 1000) and Frechet distance in features of MobileNetV2: smaller is better. The figures are also written as
`quality.json`, and with them `nearest.png`: the samples nearest to a photograph of the training set, each beside it.
Look at that sheet, and do not publish it, for it holds photographs. What the figures mean, and what they do not:
docs/decisions/0012-how-the-model-is-measured.md
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np

try:
    import torch

    from measures.comparison import Comparison, Memory, Row
    from measures.mobilenet import WeightsMissing, load_network
except ImportError as fault:
    sys.exit(f"benchmarks/model_quality.py needs {fault.name}, which is not installed: make setup-measure")
from measures.pairs import pairs_sheet
from measures.pictures import Pixels, Sampling, class_means, drawings, in_proportion, noise, samples
from postcards_image.engines.ddpm import loading
from postcards_image.engines.ddpm.denoiser import Denoiser, Network
from postcards_image.engines.ddpm.engine import DEFAULT_GUIDANCE, DEFAULT_STEPS
from postcards_image.training.data.entries import DataError
from postcards_image.training.data.loading import load
from postcards_image.training.data.photos import Photos
from postcards_image.training.data.sources import open_source
from postcards_serving.errors import ServiceError

SMALL = 16
"""Resolution at which models of any resolution can be compared, pixels."""

_LEAST_SIDE = 192
_HOLD_OUT, _SPLIT_SEED = 0.1, 0


def photographs(data: str, resolution: int, held_out: float, seed: int) -> tuple[Photos, Photos]:
    """Those trained on and those held out, large enough to be brought to `resolution` in one step without loss."""
    side = resolution * -(-_LEAST_SIDE // resolution)
    with open_source(data) as source:
        return load(source, side).photos.split(held_out, seed)


def draw(
    network: Network, title: str, classes: Sequence[str], guidances: Sequence[float], sampling: Sampling
) -> dict[str, list[Pixels]]:
    """Samples of a model by what they are called in the table: at each guidance, or once where there is none."""
    description = network.description
    guided = description.any_class is not None
    sets: dict[str, list[Pixels]] = {}
    for guidance in guidances if guided else [1.0]:
        name = f"{title}, guidance {guidance:g}" if guided else title
        say(f"drawing {len(classes)} samples: {name}")
        drawn = samples(Denoiser(network), description, classes, replace(sampling, guidance=guidance))
        sets[name] = list(drawn)
    return sets


def yardsticks(trained: Photos, count: int, drawn: int) -> Iterator[tuple[str, list[Pixels]]]:
    """What a model's samples are to be compared with, by name."""
    random = np.random.default_rng(0)
    yield "other photographs", [trained.images[index] for index in random.permutation(len(trained))[:count]]
    wanted = in_proportion(trained.labels, count)
    yield "mean of each class", class_means(list(trained.images), trained.labels, wanted)
    if drawn:
        yield "creature drawings", list(drawings(drawn))


def names_of(photos: Photos, labels: Sequence[int]) -> list[str]:
    """Names of the classes; empty for a photograph of none in particular."""
    return [photos.classes[label] if label < len(photos.classes) else "" for label in labels]


def table(rows: dict[int, dict[str, Row]]) -> str:
    """All figures: a line for each set, a group of columns for each resolution."""
    heads = "".join(f" | {f'at {resolution} px: KID x 1000':>25} {'Frechet':>8} {'animals':>8}" for resolution in rows)
    names = list(next(iter(rows.values())))
    width = max(map(len, names))
    lines = [f"{'':<{width}} {'pictures':>8}{heads}"]
    for name in names:
        cells = [of[name] for of in rows.values()]
        lines.append(f"{name:<{width}} {cells[0].pictures:>8}" + "".join(f" | {_cell(cell)}" for cell in cells))
    return "\n".join(lines)


def _cell(row: Row) -> str:
    frechet = "" if row.frechet_distance is None else f"{row.frechet_distance:.0f}"
    distance = f"{row.kernel_distance.value:.1f} ± {row.kernel_distance.error:.1f}"
    return f"{distance:>25} {frechet:>8} {row.animal_share:>8.0%}"


def memory_table(memory: Memory) -> str:
    """The distances to the nearest photograph that was trained on."""
    lines = [f"{'nearest photograph trained on':<32} {'samples':>18} {'photographs held out':>22} {'suspicious':>11}"]
    for name, found in (("features", memory.features), ("pixels, grey levels of 255", memory.pixels)):
        own, unseen = f"{found.median:.1f} ({found.least:.1f})", f"{found.median_unseen:.1f} ({found.least_unseen:.1f})"
        lines.append(f"{name:<32} {own:>18} {unseen:>22} {found.suspicious:>11.1%}")
    lines.append("median (least); suspicious: nearer than all but the nearest 5% of the photographs held out")
    return "\n".join(lines)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="folder or ONNX file; the model that comes with the package")
    parser.add_argument("--author", help="model trained by `--preset author` for as long, to compare with")
    parser.add_argument("--data", required=True, help="the photographs of the training, as given to postcards-train")
    parser.add_argument("--held-out", type=float, default=_HOLD_OUT, help="share of them that was kept back")
    parser.add_argument("--seed", type=int, default=_SPLIT_SEED, help="seed of the training, which decides which")
    parser.add_argument("--samples", type=int, default=500, help="pictures in each set")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS, help="steps of each sample")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, DEFAULT_GUIDANCE], help="of the samples")
    parser.add_argument("--drawings", type=int, default=40, help="drawings of the engine without a model; 0: none")
    parser.add_argument("--resolution", type=int, nargs="+", help="to compare at, pixels; the model's own, and 16")
    parser.add_argument("--threads", type=int, help="threads of the processor; all cores unless given")
    parser.add_argument("--out", type=Path, default=Path("out/quality"), help="folder to write to")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        measure(options)
    except (WeightsMissing, DataError, ServiceError, ValueError) as fault:
        sys.exit(f"benchmarks/model_quality.py: {fault}")


def measure(options: argparse.Namespace) -> None:
    """Draws, compares, prints and writes what the command line asks for."""
    begun = time.monotonic()
    features = load_network()
    network = loading.load_network(options.model, threads=options.threads or 0)
    description = network.description
    resolution = description.resolution
    trained, unseen = photographs(options.data, resolution, options.held_out, options.seed)
    say(f"{len(trained)} photographs to train on, {len(unseen)} held out, {len(trained.classes)} classes")
    count = min(options.samples, len(trained))
    classes = names_of(trained, in_proportion(trained.labels, count).tolist())
    sampling = Sampling(steps=options.steps)
    drawn = draw(network, "model", classes, options.guidance, sampling)
    sets = dict(drawn)
    if options.author:
        author = loading.load_network(options.author, threads=options.threads or 0)
        sets |= draw(author, "author's recipe", classes, [1.0], sampling)
    sets |= dict(yardsticks(trained, count, options.drawings))
    comparisons = {
        size: Comparison(features, list(unseen.images), size, count)
        for size in dict.fromkeys(options.resolution or [resolution, min(SMALL, resolution)])
    }
    rows: dict[int, dict[str, Row]] = {}
    for size, comparison in comparisons.items():
        say(f"comparing {len(sets) + 1} sets at {size} px")
        # Noise of each size: averaged to a smaller one it would be grey.
        compared = sets | {"noise": noise(count, size, np.random.default_rng(0))}
        rows[size] = {name: comparison.row(pictures) for name, pictures in compared.items()}
    say("looking for the nearest photographs")
    pictures = list(drawn.values())[-1]
    nearby = next(iter(comparisons.values())).memory(pictures, list(trained.images), list(unseen.images))
    print(f"{description.name}, {sampling.steps} steps; against {len(unseen)} photographs held out")
    print(table(rows))
    print(memory_table(nearby))
    options.out.mkdir(parents=True, exist_ok=True)
    sheet = pairs_sheet(pictures, list(trained.images), nearby.pairs)
    cv2.imwrite(str(options.out / "nearest.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    figures = {
        "model": {
            "name": description.name,
            "revision": network.revision,
            "resolution": resolution,
            "sampler": sampling.sampler.value,
            "steps": sampling.steps,
        },
        "photographs": {"trained_on": len(trained), "held_out": len(unseen), "classes": len(trained.classes)},
        "distances": {str(size): {name: asdict(row) for name, row in of.items()} for size, of in rows.items()},
        "nearest": {"features": asdict(nearby.features), "pixels": asdict(nearby.pixels)},
    }
    (options.out / "quality.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(f"{options.out}/quality.json and nearest.png written; {time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
