"""Draws many species on one sheet, to be looked at: `python benchmarks/image_contact_sheet.py --out sheet.webp`.

With `--strangeness-rows`, every row is one species from strangeness 0 to 1.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature import CreatureEngine
from postcards_serving.work import Work
from postcards_species.species import derive_species

MARGIN = 10
"""Pixels between pictures."""


def draw(engine: CreatureEngine, seed: int, strangeness: float, size: int, tile: int) -> NDArray[np.uint8]:
    """One species drawn at `size` and reduced to `tile` pixels, BGR."""
    species = derive_species(seed, strangeness)
    request = ImageRequest(species.body_plan, species.scene, seed=seed, width=size, height=size)
    png = engine.generate(request, Work()).blobs[0].data
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return cv2.resize(picture, (tile, tile), interpolation=cv2.INTER_AREA).astype(np.uint8)


def lay_out(pictures: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Pictures in rows on white."""
    tile = pictures[0].shape[0]
    rows = -(-len(pictures) // columns)
    step = tile + MARGIN
    sheet = np.full((rows * step + MARGIN, columns * step + MARGIN, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = MARGIN + index // columns * step, MARGIN + index % columns * step
        sheet[top : top + tile, left : left + tile] = picture
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("contact-sheet.webp"), help="file to write")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=24, help="how many seeds")
    parser.add_argument("--columns", type=int, default=6, help="pictures in a row")
    parser.add_argument("--size", type=int, default=512, help="pixels at which each is drawn")
    parser.add_argument("--tile", type=int, default=300, help="pixels at which each is shown")
    parser.add_argument("--strangeness", type=float, default=0.5, help="0 to 1")
    parser.add_argument("--strangeness-rows", action="store_true", help="one species a row, strangeness 0 to 1")
    options = parser.parse_args()
    engine = CreatureEngine()
    seeds = range(options.first, options.first + options.count)
    levels = np.linspace(0, 1, options.columns) if options.strangeness_rows else [options.strangeness]
    pictures = [draw(engine, seed, float(level), options.size, options.tile) for seed in seeds for level in levels]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), lay_out(pictures, options.columns), (cv2.IMWRITE_WEBP_QUALITY, 84))
    print(f"{len(pictures)} pictures: {options.out}")


if __name__ == "__main__":
    main()
