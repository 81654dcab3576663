"""Contact sheets of samples, and the filmstrip of how they changed.

A sheet is enlarged by whole factors, so that every pixel of a sample can be seen, and its samples can be read back
exactly: the filmstrip is made from the sheets alone, also after a resumption.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from postcards_image.training.report.lettering import INK, PAPER, PENCIL, amount, duration, write

Pixels = npt.NDArray[np.uint8]

_CELL = 112
_GAP = 8
_MARGIN = 36
_HEADER = 62
_LABEL = 24
_KEY = "postcards"
_STRIP_ROWS = 9
_STRIP_COLUMNS = 10


@dataclass(frozen=True)
class Sheet:
    """What a contact sheet says of itself."""

    title: str
    """Name of the model."""
    resolution: int
    """Width and height of a sample, pixels."""
    columns: int
    """Samples side by side."""
    labels: tuple[str, ...]
    """What each sample shows; empty texts for a model without classes."""
    images_seen: int
    """Samples that the network had learned from."""
    seconds: float
    """Time it had learned."""


def compose(sheet: Sheet, samples: Pixels) -> Image.Image:
    """A sheet of samples [count, resolution, resolution, 3] with names and numbers."""
    scale = _scale(sheet.resolution)
    cell, below = sheet.resolution * scale, _LABEL if any(sheet.labels) else 0
    rows = -(-len(samples) // sheet.columns)
    width = 2 * _MARGIN + sheet.columns * (cell + _GAP) - _GAP
    height = _MARGIN + _HEADER + rows * (cell + below + _GAP) - _GAP + _MARGIN
    page = Image.new("RGB", (width, height), PAPER)
    write(page, sheet.title, (_MARGIN, _MARGIN - 8), 30, widest=width * 0.42)
    about = f"{amount(sheet.images_seen)} images seen · {duration(sheet.seconds)} · {sheet.resolution} px"
    write(page, about, (width - _MARGIN, _MARGIN - 2), 21, colour=PENCIL, anchor="ra", widest=width * 0.5)
    for index, sample in enumerate(samples):
        left, top = _place(sheet, index)
        page.paste(_enlarged(sample, scale), (left, top))
        label = sheet.labels[index]
        if label and (index % sheet.columns == 0 or sheet.labels[index - 1] != label):
            same = sum(name == label for name in sheet.labels[index : index + sheet.columns - index % sheet.columns])
            room = same * (cell + _GAP) - _GAP
            write(page, label.replace("_", " "), (left, top + cell + 2), 18, colour=INK, widest=room)
    return page


def columns_for(labels: Sequence[str]) -> int:
    """How many samples to lay side by side, so that those of one class stay in one row."""
    each = max(1, list(labels).count(labels[0])) if labels and labels[0] else 1
    if each >= 6:
        return min(each, 12)
    return max(1, round(9 / each)) * each if len(labels) > 36 else max(1, round(6 / each)) * each


def save(page: Image.Image, sheet: Sheet, path: Path) -> None:
    """Writes a sheet whole or not at all, with what it says of itself in its metadata.

    Raises:
        OSError: it could not be written.
    """
    about = PngInfo()
    about.add_itxt(_KEY, json.dumps(asdict(sheet)))
    save_picture(page, path, about)


def save_picture(page: Image.Image, path: Path, about: PngInfo | None = None) -> None:
    """Writes a PNG whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        page.save(unfinished, "PNG", pnginfo=about, optimize=True)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path) -> tuple[Sheet, Pixels]:
    """A sheet that `save` wrote, and its samples exactly.

    Raises:
        ValueError: it is none, or damaged.
    """
    try:
        with Image.open(path) as image:
            if not isinstance(image, PngImageFile):
                raise ValueError(f"{path.name} is no sheet")
            about = json.loads(image.text[_KEY])
            sheet = Sheet(**about | {"labels": tuple(about["labels"])})
            page = np.asarray(image.convert("RGB"))
    except (OSError, KeyError, TypeError, SyntaxError) as fault:
        raise ValueError(f"{path.name} is no sheet: {fault}") from None
    scale = _scale(sheet.resolution)
    cell = sheet.resolution * scale
    places = [_place(sheet, index) for index in range(len(sheet.labels))]
    return sheet, np.stack([page[top : top + cell : scale, left : left + cell : scale] for left, top in places])


def filmstrip(folder: Path) -> Image.Image | None:
    """How the same samples changed, one row per sheet in `folder`, the earliest first; None when there is no sheet.

    Of many sheets some are chosen, closer together where the network was young.
    """
    paths = sorted(folder.glob("*.png"))
    found: list[tuple[Sheet, Pixels]] = []
    for path in _spread(paths):
        try:
            found.append(read(path))
        except ValueError:
            continue
    last = found[-1][0] if found else None
    found = [(sheet, samples) for sheet, samples in found if last and sheet.labels == last.labels]
    if last is None:
        return None
    chosen = _spread_columns(last)
    scale = _scale(last.resolution)
    cell, aside = last.resolution * scale, 168
    below = _LABEL if any(last.labels) else 0
    width = _MARGIN + aside + len(chosen) * (cell + _GAP) - _GAP + _MARGIN
    page = Image.new("RGB", (width, _MARGIN * 2 + _HEADER + len(found) * (cell + _GAP) - _GAP + below), PAPER)
    write(page, f"{last.title} learns", (_MARGIN, _MARGIN - 8), 30, widest=width - 2 * _MARGIN)
    for row, (sheet, samples) in enumerate(found):
        top = _MARGIN + _HEADER + row * (cell + _GAP)
        write(page, f"{amount(sheet.images_seen)} images", (_MARGIN, top + cell / 2 - 1), 22, anchor="ls")
        write(page, duration(sheet.seconds), (_MARGIN, top + cell / 2 + 5), 18, colour=PENCIL, anchor="lt")
        for column, index in enumerate(chosen):
            page.paste(_enlarged(samples[index], scale), (_MARGIN + aside + column * (cell + _GAP), top))
    for column, index in enumerate(chosen):
        at = (_MARGIN + aside + column * (cell + _GAP), page.height - _MARGIN - below + 4)
        write(page, last.labels[index].replace("_", " "), at, 18, widest=cell)
    return page


def _spread(paths: Sequence[Path]) -> list[Path]:
    if len(paths) <= _STRIP_ROWS:
        return list(paths)
    places = np.unique((np.linspace(0, 1, _STRIP_ROWS) ** 1.6 * (len(paths) - 1)).round().astype(int))
    return [paths[place] for place in places]


def _spread_columns(sheet: Sheet) -> list[int]:
    """Samples of as many classes as there is room for."""
    count = len(sheet.labels)
    return sorted({round(place) for place in np.linspace(0, count - 1, min(_STRIP_COLUMNS, count)).tolist()})


def _scale(resolution: int) -> int:
    return max(1, round(_CELL / resolution))


def _place(sheet: Sheet, index: int) -> tuple[int, int]:
    """Left and top of a sample on its sheet, pixels."""
    cell, below = sheet.resolution * _scale(sheet.resolution), _LABEL if any(sheet.labels) else 0
    row, column = divmod(index, sheet.columns)
    return _MARGIN + column * (cell + _GAP), _MARGIN + _HEADER - 16 + row * (cell + below + _GAP)


def _enlarged(sample: Pixels, scale: int) -> Image.Image:
    return Image.fromarray(sample.repeat(scale, axis=0).repeat(scale, axis=1))
