"""What grows under water: corals, sponges, anemones, kelp, sea lilies, tube worms."""

import math

import numpy as np

from postcards_image.engines.creature.scenery.plants.plant import Builder, Part, Plant, curve

Rng = np.random.Generator


def staghorn(genes: Rng, rng: Rng) -> Plant:
    """Branching coral with pale tips."""
    fork, shrink = genes.uniform(0.35, 0.7), genes.uniform(0.7, 0.82)
    width, stems = genes.uniform(0.06, 0.1), int(genes.integers(3, 6))
    built = Builder()

    def grow(root: tuple[float, float], angle: float, length: float, thick: float, depth: int) -> None:
        spine = curve(root, angle, length, rng.normal(0, 0.25), 6)
        built.stalk(spine, thick, thick * 0.8, Part.LEAF, rng.uniform(-0.3, 0.15) + 0.1 * (3 - depth))
        tip = (float(spine[-1][0]), float(spine[-1][1]))
        if depth == 0:
            built.blob(tip, (thick * 0.55, thick * 0.6), Part.ACCENT, 0.3, sides=8)
            return
        for hand in (-1, 1):
            if rng.random() < 0.92:
                grow(tip, angle + hand * fork * rng.uniform(0.5, 1.2), length * shrink, thick * 0.8, depth - 1)

    for i in rng.permutation(stems):
        spread = (i + 0.5) / stems * 2 - 1
        grow((spread * 0.1, 0), math.pi / 2 - spread * 0.75, 0.27, width, 3)
    return built.grown()


def sea_fan(genes: Rng, rng: Rng) -> Plant:
    """A fan grown by space colonisation: twigs reach for points of a disc (after Runions et al., 2007)."""
    breadth = genes.uniform(0.4, 0.62)
    angles, out = rng.uniform(0, 2 * np.pi, 150), np.sqrt(rng.random(150))
    goals = np.stack([np.cos(angles) * out * breadth, 0.56 + np.sin(angles) * out * 0.44], 1)
    nodes, parents = [np.array([0.0, 0.0]), np.array([0.0, 0.08])], [0, 0]
    for _ in range(36):
        if not len(goals):
            break
        points = np.array(nodes)
        gaps = np.linalg.norm(goals[:, None] - points[None], axis=2)
        nearest = gaps.argmin(1)
        for node in np.unique(nearest):
            pull = (goals[nearest == node] - points[node]).mean(0)
            step = pull / max(float(np.linalg.norm(pull)), 1e-9) * 0.05
            nodes.append(points[node] + step)
            parents.append(int(node))
        goals = goals[gaps.min(1) > 0.07]
    weight = np.ones(len(nodes))
    for i in range(len(nodes) - 1, 0, -1):
        weight[parents[i]] += weight[i]
    built = Builder()
    for i in range(1, len(nodes)):
        thick = 0.0065 * float(weight[i]) ** 0.36
        built.stalk(
            np.array([nodes[parents[i]], nodes[i]]), thick * 1.3, thick, Part.LEAF, 0.3 - 0.5 * min(1.0, thick * 25)
        )
    return built.grown()


def brain_coral(genes: Rng, rng: Rng) -> Plant:
    """A dome of winding furrows."""
    flat, lines = genes.uniform(0.55, 0.85), int(genes.integers(6, 10))
    wave, often, phase = genes.uniform(0.02, 0.05), genes.uniform(9, 17), rng.uniform(0, 6)
    built = Builder()
    arc = np.linspace(0, math.pi, 22)
    built.shape(np.stack([np.cos(arc) * 0.75, np.sin(arc) * flat - 0.04], 1), Part.LEAF, -0.5)
    built.shape(np.stack([np.cos(arc) * 0.7, np.sin(arc) * flat * 0.97 - 0.02], 1), Part.LEAF, -0.1)
    for k in range(lines):
        tilt = (k + 0.5) / lines * 2 - 1
        t = np.linspace(0.04, 0.96, 22)
        x = np.sin(tilt * 1.45) * 0.72 * np.sin(np.pi * t / 2 + 0.25).clip(0, 1) + wave * np.sin(
            t * often + k * 2.1 + phase
        )
        y = t * flat * np.sqrt(np.maximum(0.02, 1 - (np.sin(tilt * 1.45) * 0.97) ** 2)) * 0.96
        spine = np.stack([x, y], 1)
        built.stalk(spine, 0.05, 0.04, Part.LEAF, 0.35 - 0.4 * abs(tilt))
        built.stalk(spine + np.array([0.012, 0]), 0.011, 0.011, Part.ACCENT, 0.2)
    return built.grown()


def tube_sponge(genes: Rng, rng: Rng) -> Plant:
    """A cluster of vases with dark mouths."""
    count, flare = int(genes.integers(3, 7)), genes.uniform(0.9, 1.6)
    built = Builder()
    for i in rng.permutation(count):
        spread = (i + 0.5) / count * 2 - 1
        height, width = rng.uniform(0.5, 1.0) * (1 - 0.25 * abs(spread)), rng.uniform(0.13, 0.18)
        spine = curve((spread * 0.16, 0), math.pi / 2 - spread * 0.45, height, rng.normal(0, 0.2), 9)
        built.stalk(spine, width, width * flare, Part.LEAF, rng.uniform(-0.25, 0.2))
        for ring in (3, 5, 7):
            x, y = spine[ring]
            built.blob((x, y), (width * 0.5, width * 0.07), Part.LEAF, -0.5, 0, -spread * 0.4)
        x, y = spine[-1]
        built.blob((x, y), (width * flare * 0.52, width * 0.24), Part.ACCENT, 0.35, 0, -spread * 0.4)
        built.blob((x, y), (width * flare * 0.38, width * 0.15), Part.STEM, -1.1, 0, -spread * 0.4)
    return built.grown()


def anemone(genes: Rng, rng: Rng) -> Plant:
    """A foot and a crowd of arms with bright tips."""
    count, sway = int(genes.integers(24, 36)), genes.uniform(0.5, 1.4)
    thick = genes.uniform(0.03, 0.055)
    drift = rng.uniform(-0.5, 0.5)
    built = Builder()
    built.blob((0, 0.12), (0.3, 0.22), Part.STEM, -0.3)
    for i in rng.permutation(count):
        spread = (i + 0.5) / count * 2 - 1
        spine = curve(
            (spread * 0.26, 0.22 - 0.12 * spread * spread),
            math.pi / 2 - spread * 1.25,
            rng.uniform(0.5, 0.8),
            sway * rng.uniform(-0.6, 0.6) + drift,
            9,
            rng.uniform(-0.15, 0.15),
        )
        built.stalk(spine, thick, thick * 0.6, Part.LEAF, rng.uniform(-0.45, 0.25))
        built.blob((spine[-1][0], spine[-1][1]), (thick * 0.55, thick * 0.55), Part.GLOW, 0.1, sides=9)
    return built.grown()


def kelp(genes: Rng, rng: Rng) -> Plant:
    """A tall ribbon with blades and floats."""
    blades, width = int(genes.integers(10, 16)), genes.uniform(0.05, 0.09)
    floats, wave = genes.random() < 0.6, genes.uniform(0.12, 0.35)
    built = Builder()
    for _ in range(int(genes.integers(1, 3))):
        spine = curve(
            (rng.normal(0, 0.05), 0), math.pi / 2 + rng.normal(0, 0.08), rng.uniform(0.85, 1.1), 0.0, 24, wave
        )
        built.stalk(spine, 0.018, 0.008, Part.STEM)
        for k in range(blades):
            x, y = spine[min(23, 2 + int(21 * k / blades))]
            hand = 1 if k % 2 else -1
            facing = rng.uniform(-0.35, 0.3)
            built.leaf(
                (x, y),
                math.pi / 2 - hand * rng.uniform(0.5, 1.0),
                0.22,
                width,
                hand * rng.uniform(-0.4, 0.9),
                facing=facing,
            )
            if floats:
                built.bead((x + hand * 0.012, y + 0.006), 0.013, Part.ACCENT)
    return built.grown()


def sea_lily(genes: Rng, rng: Rng) -> Plant:
    """A crinoid: a jointed stalk and a crown of feathered arms."""
    arms, curl = int(genes.integers(9, 14)), genes.uniform(-1.6, 1.6)
    built = Builder()
    spine = curve((0, 0), math.pi / 2 + rng.normal(0, 0.1), 0.6, rng.normal(0, 0.35), 14)
    built.stalk(spine, 0.022, 0.018)
    for k in range(1, 13, 2):
        built.blob((spine[k][0], spine[k][1]), (0.018, 0.008), Part.STEM, 0.3, sides=7)
    top = (float(spine[-1][0]), float(spine[-1][1]))
    for i in rng.permutation(arms):
        spread = (i + 0.5) / arms * 2 - 1
        arm = curve(top, math.pi / 2 - spread * 1.45, rng.uniform(0.32, 0.42), spread * curl, 10)
        facing = 0.2 - 0.4 * abs(spread)
        built.stalk(arm, 0.016, 0.005, Part.LEAF, facing)
        for k in range(2, 10):
            along = math.atan2(*(arm[k] - arm[k - 1])[::-1])
            for hand in (-1, 1):
                built.leaf((arm[k][0], arm[k][1]), along + hand * 0.9, 0.06, 0.014, 0, Part.ACCENT, facing)
        built.blob((arm[-1][0], arm[-1][1]), (0.011, 0.011), Part.GLOW, 0.3, sides=7)
    return built.grown()


def tube_worms(genes: Rng, rng: Rng) -> Plant:
    """A thicket of white tubes with plumes."""
    count, plume = int(genes.integers(7, 13)), genes.uniform(0.07, 0.12)
    built = Builder()
    for i in rng.permutation(count):
        spread = (i + 0.5) / count * 2 - 1
        spine = curve((spread * 0.22, 0), math.pi / 2 - spread * 0.5, rng.uniform(0.45, 0.92), rng.normal(0, 0.4), 9)
        built.stalk(spine, 0.04, 0.05, Part.STEM, rng.uniform(-0.4, 0.15))
        x, y = spine[-1]
        heading = math.atan2(*(spine[-1] - spine[-2])[::-1])
        for petal in range(7):
            built.leaf(
                (x, y), heading + (petal - 3) * 0.3, plume * 1.5, plume * 0.4, (petal - 3) * 0.15, Part.ACCENT, 0.1
            )
        built.blob((x, y), (0.026, 0.012), Part.GLOW, -0.2, sides=8)
    return built.grown()


def glass_sponge(genes: Rng, rng: Rng) -> Plant:
    """A lattice vase with lights in it."""
    rings, spiral = int(genes.integers(6, 10)), genes.uniform(0.5, 1.2)
    waist, lip = genes.uniform(0.08, 0.16), genes.uniform(0.2, 0.32)
    built = Builder()
    y = np.linspace(0, 0.95, 16)
    half = waist + (lip - waist) * (y / 0.95) ** 1.5 + 0.02 * np.sin(y * 12)
    lean = rng.normal(0, 0.08) * y
    built.shape(np.concatenate([np.stack([lean - half, y], 1), np.stack([lean + half, y], 1)[::-1]]), Part.STEM, -0.7)
    for k in range(rings):
        phase = k / rings * 2 * math.pi
        for hand in (-1, 1):
            x = lean + half * np.sin(phase + hand * spiral * y * 4)
            built.stalk(np.stack([x, y], 1), 0.011, 0.009, Part.STEM, 0.15 + 0.35 * math.cos(phase))
    for _ in range(9):
        k = int(rng.integers(2, 15))
        built.blob(
            (float(lean[k] + rng.uniform(-0.6, 0.6) * half[k]), float(y[k])), (0.012, 0.012), Part.GLOW, 0.3, sides=7
        )
    built.blob((float(lean[-1]), 0.95), (float(half[-1]), 0.03), Part.STEM, 0.4)
    built.blob((float(lean[-1]), 0.95), (float(half[-1]) * 0.82, 0.018), Part.STEM, -1.0)
    return built.grown()
