"""Plants of wood: trees of the forest and the plain, conifers, dead trees, cacti."""

import math

import numpy as np

from postcards_image.engines.creature.scenery.plants.plant import Builder, Part, Plant, curve

Rng = np.random.Generator


def _clump(built: Builder, rng: Rng, x: float, y: float, radius: float, flat: float, leaves: int) -> None:
    """A clump of foliage: dark below, lit above, edges broken by leaves."""
    built.blob((x, y - radius * 0.12 * flat), (radius, radius * flat), Part.LEAF, -0.55, sides=16)
    for _ in range(leaves):
        angle, out = rng.uniform(0, 2 * math.pi), math.sqrt(rng.random())
        px, py = x + math.cos(angle) * out * radius, y + math.sin(angle) * out * radius * flat
        height = math.sin(angle) * out
        size = radius * rng.uniform(0.2, 0.38)
        built.blob(
            (px, py),
            (size, size * 0.62),
            Part.LEAF,
            0.55 * height + rng.normal(0, 0.12),
            math.cos(angle) * out * 0.7,
            rng.uniform(-0.5, 0.5),
            7,
        )


def _branch(
    built: Builder,
    rng: Rng,
    root: tuple[float, float],
    angle: float,
    length: float,
    width: float,
    depth: int,
    genes: tuple[float, float, float],
) -> list[tuple[float, float]]:
    """Grows a limb and its children; answers where the twigs end."""
    fork, shrink, bend = genes
    spine = curve(root, angle, length, rng.normal(0, bend), 7)
    built.stalk(spine, width, width * 0.62, Part.STEM, rng.uniform(-0.2, 0.1))
    tip = (float(spine[-1][0]), float(spine[-1][1]))
    if depth == 0:
        return [tip]
    heading = math.atan2(*(spine[-1] - spine[-2])[::-1])
    ends: list[tuple[float, float]] = []
    for hand in (-1, 1):
        turn = heading + hand * fork * rng.uniform(0.6, 1.3)
        ends += _branch(built, rng, tip, turn, length * shrink * rng.uniform(0.8, 1.15), width * 0.62, depth - 1, genes)
    return ends


def canopy_tree(genes: Rng, rng: Rng) -> Plant:
    """A tree of clumps: an umbrella over the plain or a tower in the forest, as its genes have it."""
    flat = genes.uniform(0.3, 0.75)
    habit = (genes.uniform(0.4, 0.75), genes.uniform(0.62, 0.78), genes.uniform(0.1, 0.35))
    size, trunk = genes.uniform(0.15, 0.22), genes.uniform(0.3, 0.45)
    built = Builder()
    ends = _branch(built, rng, (0, 0), math.pi / 2 + rng.normal(0, 0.08), trunk, 0.06, 3, habit)
    for x, y in sorted(ends, key=lambda end: -end[1]):
        _clump(built, rng, x, y, size * rng.uniform(0.7, 1.1), flat, 16)
    return built.grown()


def umbrella_tree(genes: Rng, rng: Rng) -> Plant:
    """A flat-topped tree of the plain."""
    tiers = int(genes.integers(1, 4))
    habit = (genes.uniform(0.55, 0.85), 0.68, genes.uniform(0.15, 0.4))
    built = Builder()
    ends = _branch(built, rng, (0, 0), math.pi / 2 + rng.normal(0, 0.12), 0.36, 0.05, 3, habit)
    top = max(y for _, y in ends)
    for x, y in ends:
        level = top - (top - y) * (0.35 if tiers == 1 else 0.8)
        _clump(built, rng, x * 1.25, level, rng.uniform(0.16, 0.24), 0.24, 15)
    return built.grown()


def crowned_tree(genes: Rng, rng: Rng) -> Plant:
    """A bare trunk, ringed, with a crown of fronds."""
    fronds, droop = int(genes.integers(9, 14)), genes.uniform(1.0, 2.2)
    bulge, leaflets = genes.uniform(0.0, 0.05), int(genes.integers(8, 12))
    built = Builder()
    spine = curve((0, 0), math.pi / 2 + rng.normal(0, 0.1), 0.72, rng.normal(0, 0.3), 14)
    built.stalk(spine, 0.06 + bulge, 0.04, Part.STEM)
    for k in range(1, 13):
        x, y = spine[k]
        built.stalk(np.array([[x - 0.028, y], [x + 0.028, y - 0.006]]), 0.008, 0.008, Part.STEM, -0.8)
    top = (float(spine[-1][0]), float(spine[-1][1]))
    for i in rng.permutation(fronds):
        spread = (i + 0.5) / fronds * 2 - 1
        angle = math.pi / 2 - spread * 1.6
        rib = curve(top, angle, rng.uniform(0.36, 0.46), -math.copysign(droop * (0.4 + 0.6 * abs(spread)), spread), 12)
        facing = 0.3 - 0.6 * abs(spread) + rng.normal(0, 0.1)
        built.stalk(rib, 0.012, 0.004, Part.LEAF, facing)
        for j in range(1, leaflets + 1):
            k = min(10, 1 + int(10 * j / leaflets))
            along = math.atan2(*(rib[k + 1] - rib[k])[::-1])
            for hand in (-1, 1):
                built.leaf(
                    (rib[k][0], rib[k][1]), along + hand * 0.8, 0.13, 0.03, -hand * 0.5, facing=facing + 0.15 * hand
                )
    for _ in range(int(genes.integers(0, 5))):
        built.bead((top[0] + rng.normal(0, 0.03), top[1] - rng.uniform(0.02, 0.06)), 0.02, Part.ACCENT)
    return built.grown()


def hung_tree(genes: Rng, rng: Rng) -> Plant:
    """A swamp tree: flared foot, few leaves, beards of moss."""
    habit = (genes.uniform(0.5, 0.8), genes.uniform(0.66, 0.8), 0.5)
    beard, roots = genes.uniform(0.12, 0.26), int(genes.integers(3, 6))
    built = Builder()
    for i in range(roots):
        hand = (i + 0.5) / roots * 2 - 1
        built.stalk(curve((hand * 0.16, 0), math.pi / 2 + hand * 0.7, 0.3, -hand * 0.7, 6)[::-1], 0.02, 0.035)
    ends = _branch(built, rng, (0, 0), math.pi / 2 + rng.normal(0, 0.1), 0.38, 0.085, 3, habit)
    for x, y in ends:
        _clump(built, rng, x, y, rng.uniform(0.07, 0.12), 0.5, 8)
        for _ in range(5):
            px = x + rng.normal(0, 0.07)
            built.stalk(
                curve((px, y), -math.pi / 2, beard * rng.uniform(0.5, 1.5), 0.0, 7, 0.15),
                0.014,
                0.002,
                Part.LEAF,
                rng.uniform(-0.5, 0.1),
            )
    return built.grown()


def bare_tree(genes: Rng, rng: Rng) -> Plant:
    """A dead tree, clawed."""
    habit = (genes.uniform(0.45, 0.9), genes.uniform(0.62, 0.75), genes.uniform(0.4, 0.8))
    built = Builder()
    _branch(built, rng, (0, 0), math.pi / 2 + rng.normal(0, 0.15), 0.34, 0.07, 5, habit)
    return built.grown()


def conifer(genes: Rng, rng: Rng) -> Plant:
    """Tiers of drooping boughs."""
    tiers, droop = int(genes.integers(8, 13)), genes.uniform(0.1, 0.5)
    breadth, gap = genes.uniform(0.16, 0.3), genes.uniform(0.8, 1.4)
    built = Builder()
    built.stalk(np.array([[0, 0], [0.0, 0.5], [rng.normal(0, 0.02), 1.0]]), 0.045, 0.006)
    for tier in range(tiers):
        share = tier / tiers
        y = 0.12 + 0.86 * share
        reach = breadth * (1 - share) ** gap + 0.02
        for hand in (-1, 1):
            for _ in range(3):
                out = reach * rng.uniform(0.6, 1.15)
                base = y + rng.normal(0, 0.012)
                built.shape(
                    np.array(
                        [
                            [0, base + 0.07],
                            [hand * out * 0.5, base - droop * out * 0.4 + 0.02],
                            [hand * out, base - droop * out],
                            [hand * out * 0.62, base - droop * out * 0.9 - 0.025],
                            [hand * out * 0.3, base - droop * out * 0.5 - 0.01],
                            [0, base - 0.01],
                        ]
                    ),
                    Part.LEAF,
                    rng.uniform(-0.5, 0.35),
                    hand * 0.8,
                )
    return built.grown()


def column_cactus(genes: Rng, rng: Rng) -> Plant:
    """A ribbed column with arms and a crown of flowers."""
    girth, ribs = genes.uniform(0.1, 0.17), int(genes.integers(4, 7))
    arms, curl = int(genes.integers(1, 4)), genes.uniform(1.2, 1.9)
    built = Builder()
    limbs = [(curve((0, 0), math.pi / 2, 0.95, rng.normal(0, 0.08), 12), girth)]
    for i in range(arms):
        hand = 1 if i % 2 else -1
        y = rng.uniform(0.3, 0.55)
        limbs.append(
            (
                curve((hand * girth * 0.3, y), math.pi / 2 - hand * curl, rng.uniform(0.35, 0.5), hand * curl, 12),
                girth * 0.68,
            )
        )
    for spine, width in reversed(limbs):
        _ribbed(built, spine, width, ribs)
        x, y = spine[-1]
        for petal in range(int(genes.integers(0, 6))):
            built.leaf((x, y), math.pi / 2 + (petal - 2) * 0.45, width * 0.55, width * 0.28, 0, Part.ACCENT, 0.3)
    return built.grown()


def _ribbed(built: Builder, spine: np.ndarray, width: float, ribs: int) -> None:
    """A rounded limb of vertical ribs, each lit as its place on the round demands."""
    along = np.linspace(0, 1, len(spine))
    half = (width / 2) * np.minimum(1.0, np.sqrt(np.maximum(0.0, 1 - ((along - 0.86) / 0.14).clip(0, 1) ** 2)) + 0.02)
    half = half * (0.8 + 0.2 * np.sin(np.pi * along.clip(0, 0.8) / 0.8))
    tangent = np.gradient(spine, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    right = np.stack([tangent[:, 1], -tangent[:, 0]], 1)
    edges = np.sin(np.linspace(-math.pi / 2, math.pi / 2, ribs * 2 + 1))
    for k in range(ribs * 2):
        left_edge, right_edge = (
            spine + right * (half * edges[k])[:, None],
            spine + right * (half * edges[k + 1])[:, None],
        )
        middle = (edges[k] + edges[k + 1]) / 2
        groove = 0.32 if k % 2 else -0.28
        built.shape(np.concatenate([left_edge, right_edge[::-1]]), Part.LEAF, groove - 0.1, float(middle) * 1.1)


def barrel_cactus(genes: Rng, rng: Rng) -> Plant:
    """A cluster of ribbed globes."""
    count, ribs = int(genes.integers(2, 5)), int(genes.integers(4, 7))
    built = Builder()
    for i in range(count):
        x, size = (i - (count - 1) / 2) * 0.42 + rng.normal(0, 0.05), rng.uniform(0.55, 1.0)
        spine = np.stack([np.full(9, x), np.linspace(0, 0.72 * size, 9)], 1)
        _ribbed(built, spine, 0.6 * size, ribs)
        for petal in range(7):
            built.leaf((x, 0.7 * size), math.pi / 2 + (petal - 3) * 0.4, 0.17 * size, 0.08 * size, 0, Part.ACCENT, 0.25)
    return built.grown()


def paddle_cactus(genes: Rng, rng: Rng) -> Plant:
    """Pads upon pads, fruits on their rims."""
    narrow, fork = genes.uniform(0.55, 0.8), genes.uniform(0.5, 0.8)
    built = Builder()

    def pad(x: float, y: float, angle: float, size: float, depth: int) -> None:
        cx, cy = x + math.cos(angle) * size, y + math.sin(angle) * size
        if depth:
            for hand in (-1, 1):
                if rng.random() < 0.85:
                    turn = angle + hand * fork * rng.uniform(0.6, 1.2)
                    pad(
                        cx + math.cos(turn) * size * 0.8, cy + math.sin(turn) * size * 0.8, turn, size * 0.76, depth - 1
                    )
        else:
            for k in range(3):
                turn = angle + (k - 1) * 0.5
                built.bead((cx + math.cos(turn) * size, cy + math.sin(turn) * size), size * 0.2, Part.ACCENT)
        built.blob((cx, cy), (size, size * narrow), Part.LEAF, -0.3, 0, angle, 18)
        built.blob((cx, cy + size * 0.1), (size * 0.82, size * narrow * 0.8), Part.LEAF, 0.15, 0, angle, 16)
        for _ in range(7):
            out, turn = math.sqrt(rng.random()) * 0.7, rng.uniform(0, 6.28)
            px, py = cx + math.cos(turn) * out * size * narrow, cy + math.sin(turn) * out * size * narrow
            built.blob((px, py), (0.006, 0.006), Part.STEM, 0.9, sides=5)

    pad(0, -0.03, math.pi / 2, 0.2, 2)
    return built.grown()
