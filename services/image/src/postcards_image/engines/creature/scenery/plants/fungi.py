"""Fungi, tall as trees and small as beads."""

import math

import numpy as np

from postcards_image.engines.creature.scenery.plants.plant import Builder, Part, Plant, curve

Rng = np.random.Generator


def parasol(genes: Rng, rng: Rng) -> Plant:
    """A stalk and a cap: dome, bell, disc or funnel, gills below, spots above."""
    form, breadth = int(genes.integers(4)), genes.uniform(0.3, 0.52)
    height, girth = genes.uniform(0.18, 0.42), genes.uniform(0.07, 0.13)
    spots, ring, glowing = int(genes.integers(0, 12)), genes.random() < 0.6, genes.random() < 0.5
    skirt = genes.random() < 0.35
    built = Builder()
    spine = curve((0, 0), math.pi / 2 + rng.normal(0, 0.08), 0.78, rng.normal(0, 0.3), 12)
    built.stalk(spine, girth, girth * 0.62, Part.STEM, -0.05)
    for k in range(5):
        shift = (k - 2) * girth * 0.16
        built.stalk(spine[:10] + np.array([shift, 0]), girth * 0.05, 0.003, Part.STEM, -0.45)
    x, y = float(spine[-1][0]), float(spine[-1][1])
    across = np.linspace(-1, 1, 25)
    dome = _dome(form, across) * height
    lip = (-0.06 - 0.05 * (form == 1)) * across**2
    if form == 3:
        lip = dome - 0.012 - 0.05 * (1 - across**2)
    edge = np.minimum(dome, lip)
    top_line = np.stack([x + across * breadth, y + dome], 1)
    rim = np.stack([x + across * breadth, y + edge], 1)
    hollow = 0.055 * np.sqrt(np.maximum(0, 1 - across**2))
    belly = np.stack([x + across * breadth * 0.98, y - hollow + (edge if form == 3 else lip)], 1)
    built.shape(np.concatenate([rim, belly[::-1]]), Part.STEM, -0.75)
    for k in range(1, 24, 1):
        at = across[k]
        inner = np.array([x + at * girth * 0.4, y - 0.012])
        outer = belly[k] * 0.75 + rim[k] * 0.25
        built.stalk(np.array([inner, outer]), 0.003, 0.006, Part.GLOW if glowing and k % 2 else Part.STEM, -0.15)
    if skirt:
        for k in range(15):
            at = (k - 7) / 7
            net = curve(
                (x + at * breadth * 0.55, y - 0.02), -math.pi / 2 + at * 0.35, 0.36 * (1 - 0.3 * at * at), 0.0, 7, 0.1
            )
            built.stalk(net, 0.007, 0.004, Part.ACCENT, 0.2)
    built.shape(np.concatenate([top_line, rim[::-1]]), Part.LEAF, -0.15)
    for low, high, facing in ((0.0, 0.55, -0.15), (0.35, 0.85, 0.15), (0.6, 0.97, 0.4)):
        span = across * (1 - low * 0.55)
        upper = np.stack([x + span * breadth, y + _dome(form, span) * height * 0.985], 1)
        lower = np.stack([x + span * breadth, y + _dome(form, span) * height * low], 1)
        if form != 3 and high > low:
            built.shape(np.concatenate([upper, lower[::-1]]), Part.LEAF, facing)
    quarter = across[across > 0.35]
    upper = np.stack([x + quarter * breadth * 0.97, y + _dome(form, quarter) * height], 1)
    lower = np.stack([x + quarter * breadth * 0.9, y + _dome(form, quarter) * height * 0.25], 1)
    built.shape(np.concatenate([upper, lower[::-1]]), Part.LEAF, 0.05, 0.6)
    mirrored = np.concatenate([upper, lower[::-1]]) * np.array([-1, 1]) + np.array([2 * x, 0])
    built.shape(mirrored, Part.LEAF, 0.05, -0.6)
    for _ in range(spots):
        at, out = rng.uniform(-0.8, 0.8), rng.uniform(0.25, 0.85)
        size = rng.uniform(0.02, 0.045) * (1 - 0.4 * abs(at))
        built.blob(
            (x + at * breadth, y + float(_dome(form, np.array([at]))[0]) * height * out),
            (size, size * 0.6),
            Part.ACCENT,
            0.3,
            at * 0.5,
            -at * 0.6,
            9,
        )
    if ring:
        rx, ry = spine[8]
        built.shape(
            np.array(
                [
                    [rx - girth * 0.4, ry + 0.03],
                    [rx + girth * 0.4, ry + 0.03],
                    [rx + girth * 0.95, ry - 0.05],
                    [rx + girth * 0.3, ry - 0.03],
                    [rx - girth * 0.3, ry - 0.035],
                    [rx - girth * 0.95, ry - 0.05],
                ]
            ),
            Part.STEM,
            0.25,
        )
    _foot(built, rng, genes, girth)
    return built.grown()


def _dome(form: int, across: np.ndarray) -> np.ndarray:
    """Profile of a cap over -1 to 1."""
    if form == 0:
        return np.sqrt(np.maximum(0, 1 - across**2)) * 0.9
    if form == 1:
        return np.maximum(0, 1 - np.abs(across) ** 1.6) ** 0.75 * 1.35
    if form == 2:
        return np.maximum(0, 1 - across**4) * 0.38 + 0.18 * np.exp(-((across / 0.18) ** 2))
    return 0.12 + 0.5 * across**2


def _foot(built: Builder, rng: Rng, genes: Rng, girth: float) -> None:
    """Small siblings around the foot."""
    for _ in range(int(genes.integers(1, 5))):
        x, height = rng.uniform(-0.2, 0.2), rng.uniform(0.08, 0.2)
        built.stalk(curve((x, 0), math.pi / 2, height, rng.normal(0, 0.4), 5), girth * 0.22, girth * 0.16)
        arc = np.linspace(0, math.pi, 9)
        cap = np.stack([x + np.cos(arc) * height * 0.42, height * 0.9 + np.sin(arc) * height * 0.4], 1)
        built.shape(cap, Part.LEAF, 0.05)
        built.shape(cap * np.array([0.55, 0.5]) + np.array([x * 0.45, height * 0.62]), Part.LEAF, 0.4)


def bell_cluster(genes: Rng, rng: Rng) -> Plant:
    """Many thin stalks with hanging caps that glow."""
    count, bend = int(genes.integers(7, 13)), genes.uniform(0.5, 1.3)
    size, long = genes.uniform(0.06, 0.1), genes.uniform(0.8, 1.6)
    built = Builder()
    for i in rng.permutation(count):
        spread = (i + 0.5) / count * 2 - 1
        spine = curve((spread * 0.15, 0), math.pi / 2 - spread * 0.4, rng.uniform(0.45, 1.0), -spread * bend, 9)
        built.stalk(spine, 0.018, 0.009, Part.STEM, rng.uniform(-0.2, 0.2))
        x, y = spine[-1]
        across = np.linspace(-1, 1, 11)
        top = np.stack([x + across * size, y + size * long * (0.75 * np.sqrt(1 - across**2 * 0.98) - 0.55)], 1)
        rim = np.stack([x + across * size, y - size * long * 0.6 + size * 0.14 * (np.arange(11) % 2)], 1)
        built.blob((x, y - size * long * 0.5), (size * 0.85, size * 0.3), Part.GLOW, 0.3)
        built.shape(np.concatenate([top, rim[::-1]]), Part.LEAF, 0.0)
        built.shape(np.concatenate([top[6:], rim[6:][::-1]]), Part.LEAF, 0.1, 0.7)
        built.shape(np.concatenate([top[:5], rim[:5][::-1]]), Part.LEAF, 0.1, -0.7)
    return built.grown()


def puffballs(genes: Rng, rng: Rng) -> Plant:
    """Globes on short feet, freckled."""
    count, freckles = int(genes.integers(3, 6)), int(genes.integers(6, 14))
    built = Builder()
    for i in rng.permutation(count):
        x, r = ((i + 0.5) / count * 2 - 1) * 0.45, rng.uniform(0.18, 0.34)
        built.stalk(np.array([[x, 0], [x, r]]), r * 0.5, r * 0.7)
        y = r * 1.25
        built.blob((x, y), (r, r * 0.94), Part.LEAF, -0.4, sides=22)
        built.blob((x, y + r * 0.1), (r * 0.88, r * 0.8), Part.LEAF, -0.05, sides=20)
        built.blob((x, y + r * 0.25), (r * 0.62, r * 0.55), Part.LEAF, 0.3, sides=18)
        for _ in range(freckles):
            turn, out = rng.uniform(0, 6.28), math.sqrt(rng.random()) * 0.8
            built.blob(
                (x + math.cos(turn) * out * r, y + math.sin(turn) * out * r),
                (r * 0.07, r * 0.06),
                Part.ACCENT,
                0.2,
                sides=7,
            )
    return built.grown()


def coral_fungus(genes: Rng, rng: Rng) -> Plant:
    """Upright fingers, forked, with glowing tips."""
    fork, depth = genes.uniform(0.25, 0.5), 3
    built = Builder()

    def grow(root: tuple[float, float], angle: float, length: float, width: float, level: int) -> None:
        spine = curve(root, angle, length, rng.normal(0, 0.25), 6)
        built.stalk(spine, width, width * 0.75, Part.LEAF, 0.25 - 0.15 * level)
        tip = (float(spine[-1][0]), float(spine[-1][1]))
        if level == 0:
            built.blob(tip, (width * 0.6, width * 0.7), Part.GLOW, 0.2, sides=8)
            return
        for hand in (-1, 1):
            grow(
                tip,
                angle + hand * fork * rng.uniform(0.5, 1.3),
                length * rng.uniform(0.65, 0.9),
                width * 0.72,
                level - 1,
            )

    for i in range(3):
        grow(((i - 1) * 0.09, 0), math.pi / 2 - (i - 1) * 0.4, 0.3, 0.07, depth - (i != 1))
    return built.grown()
