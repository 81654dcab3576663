"""Draws many species on one sheet, to be looked at: `python benchmarks/image_contact_sheet.py --out sheet.webp`.

With `--strangeness-rows`, every row is one species from strangeness 0 to 1; with `--init-strengths 0 0.4 1`, every row
is one species from its drawing to noise. `--engine ddpm` draws with the trained model.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engine import ImageEngine, ImageRequest
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_serving.engine.work import Work
from postcards_species.species import caption_of, derive_species

MARGIN = 10
"""Pixels between pictures."""


@dataclass(frozen=True)
class Cell:
    """What one picture of the sheet shows."""

    seed: int
    strangeness: float
    init_strength: float | None
    size: int
    """Pixels at which it is drawn."""
    tile: int
    """Pixels at which it is shown."""


def draw(engine: ImageEngine, cell: Cell) -> NDArray[np.uint8]:
    """One picture, BGR."""
    species = derive_species(cell.seed, cell.strangeness)
    request = ImageRequest(
        species.body_plan,
        species.scene,
        seed=cell.seed,
        strangeness=cell.strangeness,
        width=cell.size,
        height=cell.size,
        init_strength=cell.init_strength,
        caption=caption_of(species),
        parents=species.parents,
    )
    png = engine.generate(request, Work()).blobs[0].data
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return cv2.resize(picture, (cell.tile, cell.tile), interpolation=cv2.INTER_AREA).astype(np.uint8)


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
    parser.add_argument("--init-strengths", type=float, nargs="+", help="one species a row, one column for each")
    parser.add_argument("--engine", choices=("creature", "ddpm"), default="creature", help="who draws")
    parser.add_argument("--model", default="", help="model of ddpm; default: the shipped one")
    options = parser.parse_args()
    engine = CreatureEngine() if options.engine == "creature" else DdpmEngine(load_network(options.model))
    seeds = range(options.first, options.first + options.count)
    levels = np.linspace(0, 1, options.columns) if options.strangeness_rows else [options.strangeness]
    starts = options.init_strengths or [None]
    columns = len(starts) if options.init_strengths else options.columns
    cells = [
        Cell(seed, float(level), start, options.size, options.tile)
        for seed in seeds
        for level in levels
        for start in starts
    ]
    pictures = [draw(engine, cell) for cell in cells]
    engine.close()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), lay_out(pictures, columns), (cv2.IMWRITE_WEBP_QUALITY, 84))
    print(f"{len(pictures)} pictures: {options.out}")


if __name__ == "__main__":
    main()
