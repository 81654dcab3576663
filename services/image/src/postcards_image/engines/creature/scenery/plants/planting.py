"""Choosing kinds of plants for a world and setting them out."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from postcards_image.engines.creature.scenery.colour import Colour
from postcards_image.engines.creature.scenery.noise import generator, smoothstep
from postcards_image.engines.creature.scenery.plants.plant import Kind, Plant, coloured, plant
from postcards_image.engines.creature.scenery.sheet import Sheet
from postcards_image.engines.creature.scenery.stage import Stage

Rng = np.random.Generator
Grower = Callable[[Rng, Rng], Plant]
"""Genes of the kind, chance of the individual -> an individual."""


def breed(
    stage: Stage,
    name: str,
    growers: Sequence[Grower],
    count: int,
    *,
    individuals: int = 3,
    height: tuple[float, float] = (0.7, 1.3),
    stem: Colour | None = None,
    leaf: Colour | None = None,
) -> list[Kind]:
    """`count` kinds of this world, each of its own genes, from different growers as far as there are."""
    chance = stage.flora(f"{name}/heights")
    grown = _grow(stage.scene.flora_seed, name, tuple(growers), count, individuals)
    shares = chance.uniform(*height, count).tolist()
    hues = [stage.flora(f"{name}/{i}/hues") for i in range(count)]
    return [
        Kind(plants, coloured(stage.palette, hue, stem, leaf), share, foot)
        for (plants, foot), hue, share in zip(grown, hues, shares, strict=True)
    ]


@lru_cache(maxsize=24)
def _grow(
    flora_seed: int, name: str, growers: tuple[Grower, ...], count: int, individuals: int
) -> tuple[tuple[tuple[Plant, ...], float], ...]:
    """The shapes of a world's kinds and the half breadths of their feet; kept, for a species is often drawn again."""
    order = generator(flora_seed, f"flora/{name}").permutation(len(growers))
    kinds: list[tuple[tuple[Plant, ...], float]] = []
    for i in range(count):
        grower = growers[int(order[i % len(order)])]
        plants = tuple(
            grower(generator(flora_seed, f"flora/{name}/{i}/genes"), generator(flora_seed, f"flora/{name}/{i}/{j}"))
            for j in range(individuals)
        )
        points = np.concatenate([shape for one in plants for shape in one.shapes])
        low = np.abs(points[points[:, 1] < 0.22, 0])
        kinds.append((plants, float(np.quantile(low, 0.85)) if len(low) else 0.1))
    return tuple(kinds)


def set_out(
    stage: Stage,
    sheet: Sheet,
    kinds: Sequence[Kind],
    name: str,
    *,
    count: int,
    nearness: tuple[float, float],
    size: float,
    clearing: float = 0.55,
    lean: float = 0.0,
    light: float = 1.0,
    groups: float = 0.5,
    veil: float | None = None,
) -> None:
    """Plants `count` individuals between two nearnesses, the far ones first.

    `size` is the height of one at the feet, as a share of the unit. `clearing` (0 to 1) keeps the middle of the picture
    low; `groups` (0 to 1) gathers individuals of one kind.
    """
    rng = stage.layout(name)
    lean += stage.lean * (0.3 if size > 0.55 else 1.0)
    low, high = nearness
    near = np.sort(low + (high - low) * rng.random(count))
    hearts = rng.random((len(kinds), 2))
    for depth in near:
        k = int(rng.integers(len(kinds)))
        x = float(rng.random())
        if rng.random() < groups:
            x = float(hearts[k][int(rng.integers(2))] + rng.normal(0, 0.09))
        x = x * 1.2 - 0.1
        kind = kinds[k]
        away = abs(x - 0.5) * 2
        open_sky = 1 - clearing * (1 - float(smoothstep(0.3, 0.85, away)))
        tall = size * kind.height * stage.unit * (0.12 + 0.88 * float(depth)) * float(rng.uniform(0.75, 1.2)) * open_sky
        if tall < 2:
            continue
        y = stage.row(float(depth)) + 0.004 * stage.unit
        air = stage.veil(float(depth)) if veil is None else veil
        sheet.contact(x * stage.width, y, tall * min(0.5, 0.55 * kind.foot), 1 - air)
        plant(
            sheet,
            kind,
            rng,
            (x * stage.width, y),
            tall,
            stage.palette,
            air,
            lean,
            light,
        )


def strew(
    stage: Stage,
    sheet: Sheet,
    name: str,
    *,
    count: int,
    nearness: tuple[float, float],
    size: float,
    colours: Sequence[Colour],
) -> None:
    """Strews small flat things (pebbles, leaves, shells) over the ground, each with its shadow."""
    rng, palette = stage.layout(name), stage.palette
    albedo = np.stack(list(colours))
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    shapes: list[np.ndarray] = []
    paints: list[np.ndarray] = []
    for depth in np.sort(nearness[0] + (nearness[1] - nearness[0]) * rng.random(count) ** 0.8):
        x, y = rng.random() * stage.width, stage.row(float(depth))
        r = size * stage.unit * float(depth) * float(rng.uniform(0.35, 1.2))
        shape = ring * (1 + rng.normal(0, 0.16, (8, 1))) * np.array([1.0, float(rng.uniform(0.3, 0.6))]) * r
        turn = float(rng.uniform(-0.4, 0.4))
        shape = shape @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        veil = stage.veil(float(depth))
        pick = albedo[int(rng.integers(len(albedo)))] * float(rng.uniform(0.8, 1.15))
        at = np.array([x, y])
        for grow, shift, facing in (
            (1.15, (-palette.side * 0.4, 0.35), -1.1),
            (1.0, (0, 0), -0.25),
            (0.72, (palette.side * 0.12, -0.14), 0.4),
        ):
            tone = palette.lit(pick[None] * (0.35 if facing < -1 else 1.0), np.array([facing]))[0]
            shapes.append((shape * grow + at + np.array(shift) * r).astype(np.float32))
            paints.append(palette.veiled(tone, veil))
    if shapes:
        sheet.polygons(shapes, np.stack(paints).astype(np.float32), np.zeros(len(shapes), np.bool_))
