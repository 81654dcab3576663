"""A growing thing as a list of lit polygons, built once and planted many times."""

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.scenery.colour import Colour, from_oklab, to_oklab
from postcards_image.engines.creature.scenery.palette import Palette
from postcards_image.engines.creature.scenery.sheet import Points, Sheet


class Part(IntEnum):
    """What a polygon of a plant is; it decides its colour."""

    STEM = 0
    LEAF = 1
    ACCENT = 2
    GLOW = 3


@dataclass(frozen=True)
class Plant:
    """A shape in units of its height: root at (0, 0), y up, about 1 tall."""

    shapes: tuple[Points, ...]
    parts: NDArray[np.int64]
    facing: NDArray[np.float32]
    """(n,) how far each polygon faces the light from above, -1 to 1."""
    sideways: NDArray[np.float32]
    """(n,) how far each polygon faces right, -1 to 1."""

    @cached_property
    def points(self) -> Points:
        """(m, 2) the corners of all polygons, one after the other."""
        return np.concatenate(self.shapes)

    @cached_property
    def ends(self) -> list[int]:
        """Where in `points` each polygon ends."""
        return np.cumsum([len(shape) for shape in self.shapes]).tolist()


class Builder:
    """Collects the polygons of one plant, those behind first."""

    def __init__(self) -> None:
        self._shapes: list[Points] = []
        self._parts: list[int] = []
        self._facing: list[float] = []
        self._sideways: list[float] = []

    def shape(self, points: NDArray[np.floating], part: Part, facing: float = 0.0, sideways: float = 0.0) -> None:
        """Adds a polygon (n, 2) that turns to the light by `facing` (up) and `sideways`, each -1 to 1."""
        self._shapes.append(np.asarray(points, np.float32))
        self._parts.append(int(part))
        self._facing.append(facing)
        self._sideways.append(sideways)

    def stalk(
        self, spine: NDArray[np.floating], base: float, tip: float, part: Part = Part.STEM, facing: float = 0.0
    ) -> None:
        """A tapering stalk along `spine` (n, 2): its body, then its two flanks, one of which catches the light."""
        offset = _normals(spine) * (np.linspace(base, tip, len(spine))[:, None] / 2)
        left, right = spine - offset, (spine + offset)[::-1]
        self.shape(np.concatenate([left, right]), part, facing)
        if base > 0.012:
            self.shape(np.concatenate([left, (spine - offset * 0.35)[::-1]]), part, facing, -0.9)
            self.shape(np.concatenate([spine + offset * 0.35, right]), part, facing, 0.9)

    def leaf(
        self,
        root: tuple[float, float],
        angle: float,
        length: float,
        width: float,
        bend: float = 0.0,
        part: Part = Part.LEAF,
        facing: float = 0.0,
        point: float = 1.0,
    ) -> None:
        """A leaf of two halves from `root` towards `angle` (radians, 0 right, pi/2 up), bending by `bend` radians.

        `point` above 1 moves its widest place towards the root.
        """
        headings = np.exp(1j * (angle + bend * _ALONG))
        spine = complex(*root) + (np.cumsum(headings) - headings[0]) * (length / 7)
        half = headings * (-1j * width / 2) * _outline(point)
        self.shape(_plane(np.concatenate([spine, (spine - half)[::-1]])), part, facing + 0.22, -0.45)
        self.shape(_plane(np.concatenate([spine, (spine + half)[::-1]])), part, facing - 0.22, 0.45)

    def blob(
        self,
        centre: tuple[float, float],
        radius: tuple[float, float],
        part: Part,
        facing: float = 0.0,
        sideways: float = 0.0,
        turn: float = 0.0,
        sides: int = 14,
    ) -> None:
        """Adds an ellipse with the half axes `radius`, turned by `turn` radians, as a polygon of `sides` corners."""
        angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        x, y = np.cos(angles) * radius[0], np.sin(angles) * radius[1]
        points = np.stack([x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], 1)
        self.shape(points + np.asarray(centre), part, facing, sideways)

    def bead(self, centre: tuple[float, float], radius: float, part: Part) -> None:
        """A small ball: body, lit side, highlight."""
        x, y = centre
        self.blob(centre, (radius, radius), part, -0.25, sides=10)
        self.blob((x, y + radius * 0.25), (radius * 0.7, radius * 0.65), part, 0.4, sides=8)

    def grown(self) -> Plant:
        """What was added so far as a plant, in the order in which it is painted."""
        return Plant(
            tuple(self._shapes),
            np.array(self._parts, np.int64),
            np.array(self._facing, np.float32),
            np.array(self._sideways, np.float32),
        )


def curve(
    root: tuple[float, float], angle: float, length: float, bend: float, steps: int = 10, wobble: float = 0.0
) -> NDArray[np.float64]:
    """A spine (steps, 2) from `root` towards `angle`, turning by `bend` radians on its way, waving by `wobble`."""
    along = np.linspace(0.0, 1.0, steps)
    angles = angle + bend * along**1.3 + wobble * np.sin(along * 7.0)
    moves = np.stack([np.cos(angles), np.sin(angles)], 1) * (length / (steps - 1))
    return np.asarray(root) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves[1:], 0)])


_ALONG = np.linspace(0.0, 1.0, 8)


@lru_cache(maxsize=64)
def _outline(point: float) -> NDArray[np.float64]:
    """Half widths along a leaf, 1 at its widest."""
    return np.sin(np.pi * _ALONG ** (1 / point)).clip(0) ** 0.8


def _plane(numbers: NDArray[np.complex128]) -> NDArray[np.float64]:
    """(n, 2) of complex numbers."""
    return numbers.view(np.float64).reshape(-1, 2)


def _normals(spine: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit vectors to the right-hand side of a path that goes up."""
    normal = np.empty((len(spine), 2))
    normal[1:-1, 0], normal[1:-1, 1] = spine[2:, 1] - spine[:-2, 1], spine[:-2, 0] - spine[2:, 0]
    normal[0] = spine[1, 1] - spine[0, 1], spine[0, 0] - spine[1, 0]
    normal[-1] = spine[-1, 1] - spine[-2, 1], spine[-2, 0] - spine[-1, 0]
    return normal / np.maximum(np.sqrt((normal * normal).sum(1, keepdims=True)), 1e-9)


@dataclass(frozen=True)
class Kind:
    """One plant species of a world: a few grown individuals and their colours."""

    individuals: tuple[Plant, ...]
    albedo: NDArray[np.float32]
    """(4, 3) colour of each `Part`, linear."""
    height: float = 1.0
    """How tall it stands beside others of its biome."""
    foot: float = 0.3
    """Half its breadth where it stands, in heights."""


def plant(
    sheet: Sheet,
    kind: Kind,
    rng: np.random.Generator,
    at: tuple[float, float],
    size: float,
    palette: Palette,
    veil: float = 0.0,
    lean: float = 0.0,
    light: float = 1.0,
) -> None:
    """Draws an individual of `kind`, its root `at` (pixels), `size` pixels tall, behind `veil` (0 to 1) of air."""
    individual = kind.individuals[int(rng.integers(len(kind.individuals)))]
    flip = 1.0 if rng.random() < 0.5 else -1.0
    lean += float(rng.normal(0, 0.04))
    jitter = 1.0 + 0.18 * (float(rng.random()) - 0.5)
    facing = individual.facing + 0.55 * individual.sideways * palette.side * flip
    glow = individual.parts == Part.GLOW
    colours = palette.lit(kind.albedo[individual.parts] * jitter, facing) * light
    colours[glow] = kind.albedo[Part.GLOW] * (0.75 + 0.3 * facing[glow, None])
    colours = palette.veiled(colours, veil)
    x, y = at
    matrix = np.array([[flip * size, 0.0], [lean * size, -size * (1 - 0.3 * abs(lean))]], np.float32)
    origin = np.array([x, y], np.float32)
    sheet.outlines(individual.points @ matrix + origin, individual.ends, colours, glow)


def coloured(
    palette: Palette, rng: np.random.Generator, stem: Colour | None = None, leaf: Colour | None = None
) -> NDArray[np.float32]:
    """Colours of a plant's parts: the biome's, turned a little by `rng` so that kinds differ."""
    base = np.stack(
        [
            palette.stem if stem is None else stem,
            palette.leaf if leaf is None else leaf,
            palette.accent,
            palette.glow,
        ]
    )
    lab = to_oklab(base)
    turns = np.radians(rng.normal(0, 1, 4) * np.array([12, 24, 50, 30]))
    cos, sin = np.cos(turns), np.sin(turns)
    a, b = lab[:, 1].copy(), lab[:, 2].copy()
    lab[:, 1], lab[:, 2] = a * cos - b * sin, a * sin + b * cos
    lab[:, 0] *= 1 + 0.1 * rng.uniform(-1, 1, 4)
    return from_oklab(lab)
