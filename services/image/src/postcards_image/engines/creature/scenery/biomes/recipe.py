"""What every biome's recipe is made of: plants, layers of them, land and air, as values; one builder paints all."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import numpy as np

from postcards_image.engines.creature.scenery.colour import Colour
from postcards_image.engines.creature.scenery.filters import blurred, shrunk, stretched
from postcards_image.engines.creature.scenery.ground import outline, paint_plain, paint_range
from postcards_image.engines.creature.scenery.palette import Palette
from postcards_image.engines.creature.scenery.plants.plant import Kind
from postcards_image.engines.creature.scenery.plants.planting import Grower, breed, set_out, strew
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import Stage
from postcards_image.engines.creature.scenery.weather import mist

Canvas = np.ndarray
Step = Callable[[Stage, Canvas], Canvas]
"""Paints one thing more on the canvas."""
Tint = Callable[[Palette], Colour]
"""A colour of a scene."""


def rock(palette: Palette) -> Colour:
    """The colour of stone."""
    return palette.rock


@dataclass(frozen=True)
class Flora:
    """Kinds of plants, or of stones: the same on every picture of a species."""

    name: str
    """Of one name and one seed come the same genes."""
    growers: Sequence[Grower]
    kinds: int
    _: KW_ONLY
    individuals: int = 3
    height: tuple[float, float] = (0.7, 1.3)
    stem: Tint | None = None
    leaf: Tint | None = None
    first: int | None = None
    """How many of the kinds are taken; None: all."""

    def bred(self, stage: Stage) -> Sequence[Kind]:
        """Its kinds in the world of `stage`."""
        palette = stage.palette
        kinds = breed(
            stage,
            self.name,
            self.growers,
            self.kinds,
            individuals=self.individuals,
            height=self.height,
            stem=self.stem and self.stem(palette),
            leaf=self.leaf and self.leaf(palette),
        )
        return kinds[: self.first]


class Placed(Protocol):
    """Something that stands or lies on a sheet."""

    def put(self, stage: Stage, sheet: Sheet) -> None:
        """Draws it on `sheet`, where the layout of `stage` has it."""
        ...


@dataclass(frozen=True)
class Stand:
    """Plants that stand between two nearnesses."""

    flora: Flora
    name: str
    """Of the layout: of one name and one seed come the same places."""
    count: tuple[int, int]
    """How many in a bare scene and in an overgrown one."""
    nearness: tuple[float, float]
    size: float
    """Height of one at the feet, as a share of the unit."""
    _: KW_ONLY
    clearing: float = 0.55
    light: float = 1.0
    groups: float = 0.5
    veil: float | None = None

    def put(self, stage: Stage, sheet: Sheet) -> None:
        """Plants them on a sheet."""
        set_out(
            stage,
            sheet,
            self.flora.bred(stage),
            self.name,
            count=number(stage, *self.count),
            nearness=self.nearness,
            size=self.size,
            clearing=self.clearing,
            light=self.light,
            groups=self.groups,
            veil=self.veil,
        )


@dataclass(frozen=True)
class Strewn:
    """Small flat things on the ground."""

    name: str
    count: int
    size: float
    colours: Callable[[Palette], Sequence[Colour]]
    nearness: tuple[float, float] = (0.25, 1.5)

    def put(self, stage: Stage, sheet: Sheet) -> None:
        """Strews them on a sheet."""
        colours = self.colours(stage.palette)
        strew(stage, sheet, self.name, count=self.count, nearness=self.nearness, size=self.size, colours=colours)


class Layer:
    """Things that are laid on the canvas together, the first ones undermost."""

    def __init__(self, *things: Placed, bloom: float = 0.8) -> None:
        """Lays `things`; what glows among them shines around itself by `bloom`."""
        self._things = things
        self._bloom = bloom

    def __call__(self, stage: Stage, canvas: Canvas) -> Canvas:
        """The canvas with them on it."""
        sheet = sheet_of(stage)
        for thing in self._things:
            thing.put(stage, sheet)
        return lay(stage, canvas, sheet, self._bloom)


@dataclass(frozen=True)
class Plain:
    """The ground from the horizon down."""

    relief: float
    patches: float
    repeat: float
    ripples: float = 0.0

    def __call__(self, stage: Stage, canvas: Canvas) -> Canvas:
        """The canvas with it."""
        return paint_plain(
            stage, canvas, relief=self.relief, patches=self.patches, repeat=self.repeat, ripples=self.ripples
        )


@dataclass(frozen=True)
class Ridge:
    """A far range of hills or mountains. Lengths are in units, downwards from the horizon where they are places."""

    name: str
    height: float
    cells: float
    """How many hills there are, about."""
    octaves: int
    veil: float
    _: KW_ONLY
    rough: float = 0.5
    rugged: float
    foot: float = 0.0
    base: float | None = None
    tint: Tint = rock
    cap: Colour | None = None
    cap_height: float = 0.0

    def __call__(self, stage: Stage, canvas: Canvas) -> Canvas:
        """The canvas with it."""
        unit = stage.unit
        foot = stage.horizon + self.foot * unit
        line = outline(stage, stage.layout(self.name), foot, self.height * unit, self.cells, self.octaves, self.rough)
        return paint_range(
            stage,
            canvas,
            line,
            self.tint(stage.palette),
            self.veil,
            rugged=self.rugged,
            cap=self.cap,
            cap_height=self.cap_height * unit,
            base=None if self.base is None else stage.horizon + self.base * unit,
        )


@dataclass(frozen=True)
class Mist:
    """A bank of mist, `foot` units below the horizon or, where it is given, at a nearness."""

    name: str
    thickness: float
    amount: float
    _: KW_ONLY
    foot: float = 0.0
    nearness: float | None = None

    def __call__(self, stage: Stage, canvas: Canvas) -> Canvas:
        """The canvas with it."""
        row = stage.horizon + self.foot * stage.unit if self.nearness is None else stage.row(self.nearness)
        return mist(stage, canvas, row, self.thickness, self.amount, self.name)


@dataclass(frozen=True)
class Framing:
    """What stands out of focus before the animal."""

    sides: Flora
    """Rises from the lower corners."""
    hanging: Flora | None = None
    """Hangs from the upper edge, drawn to grow downwards."""
    tufts: Flora | None = None
    """Along the lower edge."""
    size: float = 0.52
    """Height of the sides as a share of the unit."""
    dark: float = 0.35
    """Light that falls on it."""


@dataclass(frozen=True)
class Place:
    """The recipe of a biome."""

    begin: Callable[[Stage], Canvas]
    """Sky, water or walls: the canvas that all else is painted on."""
    steps: Sequence[Step]
    """Everything else behind the animal, the ground included, before the weather; the farthest first."""
    framing: Framing
    """What stands before it."""
    veil: float = 0.3
    """Strength of the lit air behind the animal."""

    def backdrop(self, stage: Stage) -> Canvas:
        """Everything behind the animal."""
        canvas = self.begin(stage)
        for step in self.steps:
            canvas = step(stage, canvas)
        return canvas


def sheet_of(stage: Stage) -> Sheet:
    """An empty sheet of the stage's size."""
    return Sheet(stage.width, stage.height)


def lay(stage: Stage, canvas: Canvas, sheet: Sheet, bloom: float = 0.8) -> Canvas:
    """Lays a sheet on the canvas; what glows in it shines around itself."""
    if sheet.shade.any():
        soft = blurred(sheet.shade, max(0.6, stage.unit * 0.0022))
        canvas *= 1 - stretched(soft, stage.width, stage.height)[..., None] * np.float32(0.55 / 255)
    canvas = sheet.over(canvas)
    if sheet.glows:
        canvas = shine(stage, canvas, sheet.glow, bloom)
    return canvas


def shine(stage: Stage, canvas: Canvas, glow: np.ndarray, strength: float) -> Canvas:
    """Adds the halo of glowing shapes (h, w, 3 of uint8)."""
    quarter = (max(8, stage.width // 4), max(8, stage.height // 4))
    small = shrunk(glow, *quarter).astype(np.float32) / 255
    unit = min(quarter)
    halo = blurred(small, max(0.6, unit * 0.012)) * 0.8 + blurred(small, max(0.8, unit * 0.05)) * 1.5
    halo = stretched(halo, stage.width, stage.height)
    canvas += np.minimum(halo * np.float32(strength), 0.95) * (1.0 - canvas)
    return canvas


def number(stage: Stage, few: int, many: int) -> int:
    """A count that follows the scene's density."""
    return round(few + (many - few) * stage.scene.density)
