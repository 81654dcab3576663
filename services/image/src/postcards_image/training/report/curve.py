"""The picture of the loss: every step as a band, the trend as a line, both axes logarithmic where that helps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from postcards_image.training.report.lettering import INK, PAPER, PENCIL, RULE, Colour, amount, write

_SIZE = (1200, 720)
_SUPERSAMPLING = 2
_FRAME = (110, 110, 1150, 630)
"""Left, top, right and bottom of the plot, pixels."""
_BAND: Colour = (236, 205, 178)
_LINE: Colour = (200, 78, 32)
_COLUMNS = 520
_SMOOTHING = 0.03
"""Width of the trend's window as a share of the plot."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What the picture shows."""

    title: str
    """Name of the model."""
    images_seen: Floats
    """[count], growing, above 0."""
    losses: Floats
    """[count], above 0."""
    resumed_at: tuple[float, ...] = ()
    """Images seen when the run was taken up again."""
    finished: bool = True
    """Whether the run has come to its end."""


def smoothed(losses: npt.ArrayLike, window: int) -> Floats:
    """The mean over a moving window of the logarithm, back from it: one bad step does not bend the line."""
    logs = np.log(np.maximum(np.asarray(losses, np.float64), 1e-12))
    window = max(1, min(window, len(logs)))
    sums = np.cumsum(np.concatenate([[0.0], logs]))
    places = np.arange(len(logs))
    low, high = np.maximum(0, places - window // 2), np.minimum(len(logs), places + (window + 1) // 2)
    return np.exp((sums[high] - sums[low]) / (high - low))


def draw(curve: Curve) -> Image.Image:
    """The picture, 1200 x 720 pixels."""
    page = Image.new("RGB", _SIZE, PAPER)
    write(page, curve.title, (_FRAME[0], 34), 30, widest=620)
    write(page, "loss by images seen", (_FRAME[0], 70), 20, colour=PENCIL)
    if not len(curve.losses):
        write(page, "no step has been made yet", (630, 360), 24, colour=PENCIL, anchor="mm")
        return page
    _mark_last(page, curve)
    x, low, high, middle = _columns(curve)
    extent = (float(x[0]), float(x[0] + max(x[-1] - x[0], 1) * 1.01), *_range(low, high, middle))
    _grid(page, extent)
    _plot(page, extent, curve, (x, low, high, middle))
    return page


def _mark_last(page: Image.Image, curve: Curve) -> None:
    last = smoothed(curve.losses, max(1, len(curve.losses) // 30))[-1]
    state = "" if curve.finished else " so far"
    text = f"{amount(curve.images_seen[-1])} images{state} · loss {last:.3g}"
    write(page, text, (_FRAME[2], 42), 24, anchor="ra")


def _columns(curve: Curve) -> tuple[Floats, Floats, Floats, Floats]:
    """Images seen, 10th and 90th percentile and trend of the loss, one value for each column of the plot."""
    seen, losses = curve.images_seen, np.maximum(curve.losses, 1e-12)
    count = min(_COLUMNS, len(seen))
    edges = np.linspace(seen[0], seen[-1], count + 1)
    group = np.clip(np.searchsorted(edges, seen, side="right") - 1, 0, count - 1)
    used = np.unique(group)
    members = [losses[group == place] for place in used]
    x = np.array([seen[group == place].mean() for place in used])
    low = np.array([np.percentile(values, 10) for values in members])
    high = np.array([np.percentile(values, 90) for values in members])
    means = np.array([np.exp(np.log(values).mean()) for values in members])
    return x, low, high, smoothed(means, round(len(used) * _SMOOTHING))


def _range(low: Floats, high: Floats, middle: Floats) -> tuple[float, float]:
    """Bottom and top of the plot: the trend and nearly all of the band, with some air."""
    bottom = min(float(np.percentile(low, 1)), float(middle.min()))
    top = max(float(np.percentile(high, 99)), float(middle.max()))
    air = max((top / bottom) ** 0.06, 1.02)
    return bottom / air, top * air


def _plot(
    page: Image.Image,
    extent: tuple[float, float, float, float],
    curve: Curve,
    columns: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """Draws band, trend and resumptions at twice the size, so that they come out smooth."""
    x, low, high, middle = columns
    left, top, right, bottom = _FRAME
    factor = _SUPERSAMPLING
    inside = page.crop(_FRAME).resize(((right - left) * factor, (bottom - top) * factor), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(inside)

    def points(values: Floats) -> list[tuple[float, float]]:
        places = zip(_across(x, extent), _down(values, extent), strict=True)
        return [((a - left) * factor, (b - top) * factor) for a, b in places]

    if len(x) > 1:
        pen.polygon([*points(low), *reversed(points(high))], fill=_BAND)
    for value in curve.resumed_at:
        place = (float(_across(np.array([value]), extent)[0]) - left) * factor
        for start in range(0, inside.height, 16):
            pen.line([(place, start), (place, start + 7)], fill=PENCIL, width=factor)
    if len(x) > 1:
        pen.line(points(middle), fill=_LINE, width=3 * factor, joint="curve")
    (end_x, end_y) = points(middle)[-1]
    pen.ellipse([end_x - 9, end_y - 9, end_x + 9, end_y + 9], fill=_LINE)
    page.paste(inside.resize((right - left, bottom - top), Image.Resampling.LANCZOS), (left, top))
    ImageDraw.Draw(page).line([(left, bottom), (right, bottom)], fill=INK, width=1)
    if curve.resumed_at:
        write(page, "- - resumed", (right, bottom + 46), 18, colour=PENCIL, anchor="ra")


def _grid(page: Image.Image, extent: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = _FRAME
    pen = ImageDraw.Draw(page)
    for value in _log_ticks(extent[2], extent[3]):
        place = float(_down(np.array([value]), extent)[0])
        pen.line([(left, place), (right, place)], fill=RULE, width=1)
        write(page, f"{value:.3g}", (left - 12, place), 18, colour=PENCIL, anchor="rm")
    for value in _even_ticks(extent[0], extent[1]):
        place = float(_across(np.array([value]), extent)[0])
        pen.line([(place, top), (place, bottom)], fill=RULE, width=1)
        write(page, amount(value), (place, bottom + 12), 18, colour=PENCIL, anchor="ma")


def _across(values: Floats, extent: tuple[float, float, float, float]) -> Floats:
    return _FRAME[0] + (values - extent[0]) / (extent[1] - extent[0]) * (_FRAME[2] - _FRAME[0])


def _down(values: Floats, extent: tuple[float, float, float, float]) -> Floats:
    bottom, top = math.log(extent[2]), math.log(extent[3])
    share = (np.log(np.maximum(values, 1e-12)) - bottom) / (top - bottom)
    return _FRAME[3] - np.clip(share, -0.2, 1.2) * (_FRAME[3] - _FRAME[1])


def _even_ticks(low: float, high: float, wanted: int = 7) -> Sequence[float]:
    step = _round_step((high - low) / wanted)
    first = math.ceil(low / step)
    return [place * step for place in range(first, math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> Sequence[float]:
    """Round values between `low` and `high`: 1, 2 and 5 of each decade, or evenly where that gives too few."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    values = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    found = [value for value in values if low <= value <= high]
    return found if len(found) >= 3 else _even_ticks(low, high, 5)


def _round_step(width: float) -> float:
    size = 10.0 ** math.floor(math.log10(max(width, 1e-9)))
    return next(digit * size for digit in (1, 2, 5, 10) if digit * size >= width)
