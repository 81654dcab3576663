"""Plants of leaves: fronds, broad leaves, grasses, reeds, bulbs, lianas."""

import math

import numpy as np

from postcards_image.engines.creature.scenery.plants.plant import Builder, Part, Plant, curve

Rng = np.random.Generator


def frond_rosette(genes: Rng, rng: Rng) -> Plant:
    """A rosette of arching fronds, each a rachis with leaflets."""
    fronds, leaflets = int(genes.integers(7, 12)), int(genes.integers(10, 15))
    arch, breadth = genes.uniform(0.9, 1.7), genes.uniform(0.16, 0.3)
    taper, slope = genes.uniform(0.6, 1.1), genes.uniform(0.5, 1.1)
    crozier = genes.random() < 0.4
    built = Builder()
    for i in rng.permutation(fronds):
        spread = (i + 0.5) / fronds * 2 - 1
        angle = math.pi / 2 - spread * 1.15 + rng.normal(0, 0.06)
        length = (1.05 - 0.3 * abs(spread)) * rng.uniform(0.85, 1.1)
        bend = -math.copysign(arch * (0.35 + 0.65 * abs(spread)), spread)
        spine = curve((0, 0), angle, length, bend, 14)
        facing = 0.15 - 0.5 * abs(spread) + rng.normal(0, 0.12)
        built.stalk(spine, 0.016, 0.004, Part.STEM, facing)
        for j in range(1, leaflets + 1):
            at = 0.18 + 0.8 * j / leaflets
            k = min(int(at * 13), 12)
            here = spine[k] + (spine[k + 1] - spine[k]) * (at * 13 - k)
            along = math.atan2(*(spine[k + 1] - spine[k])[::-1])
            size = breadth * length * math.sin(math.pi * min(1.0, at**taper)) ** 0.7 + 0.02
            for hand in (-1, 1):
                built.leaf(
                    (here[0], here[1]),
                    along + hand * slope,
                    size,
                    size * 0.32,
                    -hand * 0.35,
                    facing=facing + 0.12 * hand,
                )
    if crozier:
        for _ in range(2):
            spine = curve((0, 0), math.pi / 2 + rng.normal(0, 0.3), 0.75, rng.choice([-1, 1]) * 5.2, 26)
            built.stalk(spine, 0.025, 0.012, Part.STEM, 0.2)
    return built.grown()


def broad_leaves(genes: Rng, rng: Rng) -> Plant:
    """Big leaves on arching stalks, ribbed, some of them notched."""
    count = int(genes.integers(5, 9))
    width, point = genes.uniform(0.26, 0.5), genes.uniform(0.8, 1.6)
    notched, droop = genes.random() < 0.5, genes.uniform(0.3, 1.2)
    built = Builder()
    for i in rng.permutation(count):
        spread = (i + 0.5) / count * 2 - 1
        angle = math.pi / 2 - spread * 0.95 + rng.normal(0, 0.08)
        stalk = curve((0, 0), angle, rng.uniform(0.42, 0.62), -0.5 * spread, 8)
        facing = 0.2 - 0.35 * abs(spread) + rng.normal(0, 0.12)
        built.stalk(stalk, 0.028, 0.014, Part.STEM, facing - 0.2)
        root, length = (stalk[-1][0], stalk[-1][1]), rng.uniform(0.42, 0.58)
        heading = angle - 0.5 * spread
        bend = -math.copysign(droop, spread)
        built.leaf(root, heading, length, width * 0.95, bend, facing=facing, point=point)
        ribs = curve(root, heading, length * 0.95, bend, 10)
        for k in range(1, 8):
            along = heading + bend * k / 10
            for hand in (-1, 1):
                reach = width * 0.42 * math.sin(math.pi * (k + 1) / 10)
                if notched:
                    far = ribs[k] + reach * 1.05 * np.array([math.cos(along + hand), math.sin(along + hand)])
                    near = ribs[k] + reach * 0.45 * np.array([math.cos(along + hand), math.sin(along + hand)])
                    off = np.array([math.cos(along), math.sin(along)]) * length * 0.03
                    built.shape(np.array([near, far - off, far + off]), Part.LEAF, facing - 0.9)
                else:
                    rib = curve((ribs[k][0], ribs[k][1]), along + hand * 0.9, reach, 0, 3)
                    built.stalk(rib, 0.007, 0.002, Part.LEAF, facing + 0.45)
        built.stalk(ribs, 0.014, 0.003, Part.STEM, facing + 0.5)
    return built.grown()


def grass_tuft(genes: Rng, rng: Rng) -> Plant:
    """A tuft of blades, some with ears."""
    count, arch = int(genes.integers(16, 28)), genes.uniform(0.4, 1.3)
    eared, width = genes.random() < 0.6, genes.uniform(0.016, 0.03)
    built = Builder()
    for _ in range(count):
        lean = rng.normal(0, 0.34)
        length = rng.uniform(0.55, 1.05)
        spine = curve((rng.normal(0, 0.05), 0), math.pi / 2 - lean, length, -arch * lean * 1.6 + rng.normal(0, 0.15), 8)
        facing = rng.uniform(-0.5, 0.5)
        built.stalk(spine, width * 0.45, 0.002, Part.LEAF, facing)
        if eared and rng.random() < 0.35:
            tip, heading = spine[-1], math.atan2(*(spine[-1] - spine[-2])[::-1])
            built.leaf((tip[0], tip[1]), heading, 0.16, 0.035, 0.3, Part.ACCENT, 0.3)
    return built.grown()


def reeds(genes: Rng, rng: Rng) -> Plant:
    """Upright stalks with strap leaves and heads."""
    count, head = int(genes.integers(5, 9)), genes.integers(3)
    lean = genes.uniform(0.03, 0.12)
    built = Builder()
    for _ in range(count):
        x, height = rng.normal(0, 0.1), rng.uniform(0.65, 1.05)
        angle = math.pi / 2 + rng.normal(0, lean)
        spine = curve((x, 0), angle, height, rng.normal(0, 0.1), 8)
        for _ in range(2):
            blade = curve((x, 0), angle + rng.normal(0, 0.2), height * rng.uniform(0.6, 1.0), rng.normal(0, 0.9), 9)
            built.stalk(blade, 0.022, 0.002, Part.LEAF, rng.uniform(-0.4, 0.3))
        built.stalk(spine, 0.012, 0.008, Part.STEM, 0.1)
        tip, heading = spine[-1], math.atan2(*(spine[-1] - spine[-2])[::-1])
        if head == 0:
            built.leaf((tip[0], tip[1] - 0.16), heading, 0.18, 0.05, 0, Part.ACCENT, 0.0)
        elif head == 1:
            for k in range(7):
                built.leaf((tip[0], tip[1]), heading + (k - 3) * 0.42, 0.13, 0.012, (k - 3) * 0.2, Part.ACCENT, 0.2)
        else:
            built.bead((tip[0], tip[1]), 0.032, Part.GLOW)
    return built.grown()


def lantern_stalks(genes: Rng, rng: Rng) -> Plant:
    """Arching stalks from which bulbs hang, a light in each."""
    count, bend = int(genes.integers(3, 6)), genes.uniform(1.6, 3.0)
    long, petals = genes.uniform(0.9, 1.9), int(genes.integers(4, 7))
    built = Builder()
    for i in range(count):
        hand = 1 if (i + rng.integers(2)) % 2 else -1
        spine = curve(
            (rng.normal(0, 0.05), 0), math.pi / 2 + rng.normal(0, 0.12), rng.uniform(0.8, 1.15), -hand * bend, 16
        )
        built.stalk(spine, 0.03, 0.008, Part.STEM, rng.uniform(-0.3, 0.2))
        for k in range(2, 9, 2):
            built.leaf(
                (spine[k][0], spine[k][1]), rng.uniform(0.2, 2.9), 0.16, 0.06, 0.5, facing=rng.uniform(-0.4, 0.3)
            )
        x, y = spine[-1]
        r = rng.uniform(0.045, 0.075)
        built.blob((x, y - r * long), (r * 0.62, r * long * 0.72), Part.GLOW, 0.4)
        for k in range(petals):
            turn = -math.pi / 2 + (k - (petals - 1) / 2) * 0.32
            built.leaf((x, y), turn, r * 2 * long, r * 0.75, -(k - (petals - 1) / 2) * 0.2, Part.ACCENT, 0.1)
    return built.grown()


def rosette_spear(genes: Rng, rng: Rng) -> Plant:
    """Stiff spears around a tall spike of flowers, like an agave that dreams."""
    count, width = int(genes.integers(9, 16)), genes.uniform(0.06, 0.11)
    spiked, bend = genes.random() < 0.6, genes.uniform(-0.5, 0.5)
    built = Builder()
    if spiked:
        spine = curve((0, 0), math.pi / 2, 1.0, rng.normal(0, 0.12), 10)
        built.stalk(spine, 0.03, 0.01)
        for k in range(5, 10):
            for hand in (-1, 1):
                built.leaf(
                    (spine[k][0], spine[k][1]), math.pi / 2 + hand * 1.1, 0.13, 0.05, -hand * 0.7, Part.ACCENT, 0.2
                )
    for i in sorted(range(count), key=lambda i: -abs((i + 0.5) / count - 0.5)):
        spread = (i + 0.5) / count * 2 - 1
        length = rng.uniform(0.42, 0.55) * (1 - 0.2 * abs(spread))
        built.leaf(
            (spread * 0.05, 0),
            math.pi / 2 - spread * 1.25,
            length,
            width,
            bend * spread,
            facing=0.2 - 0.4 * abs(spread) + rng.normal(0, 0.1),
            point=1.4,
        )
    return built.grown()


def liana(genes: Rng, rng: Rng) -> Plant:
    """Hangs: a rope from (0, 0) down to y = -1 with leaves and flowers; planted from above."""
    pairs, size = int(genes.integers(9, 16)), genes.uniform(0.07, 0.13)
    flowering, bulb = genes.random() < 0.5, genes.random() < 0.35
    spine = curve((0, 0), -math.pi / 2, rng.uniform(0.8, 1.1), rng.normal(0, 0.3), 20, 0.16)
    built = Builder()
    built.stalk(spine, 0.014, 0.006, Part.STEM, -0.1)
    for k in range(pairs):
        x, y = spine[min(19, 2 + int(17 * k / pairs))]
        for hand in (-1, 1):
            heading = -math.pi / 2 + hand * rng.uniform(0.5, 1.3)
            built.leaf(
                (x, y), heading, size * rng.uniform(0.7, 1.2), size * 0.5, -hand * 0.5, facing=rng.uniform(-0.4, 0.4)
            )
        if flowering and rng.random() < 0.25:
            for petal in range(5):
                built.leaf((x, y), petal * 1.257, size * 0.45, size * 0.3, 0, Part.ACCENT, 0.25)
    if bulb:
        built.bead((spine[-1][0], spine[-1][1]), 0.035, Part.GLOW)
    return built.grown()


def cushion(genes: Rng, rng: Rng) -> Plant:
    """A low cushion of tiny rosettes with flowers on threads."""
    count, flowers = int(genes.integers(26, 44)), int(genes.integers(3, 12))
    built = Builder()
    for _ in range(count):
        angle, out = rng.uniform(0, math.pi), math.sqrt(rng.random())
        x, y = math.cos(angle) * out * 0.9, math.sin(angle) * out * 0.42
        r = rng.uniform(0.1, 0.16)
        built.blob((x, y), (r, r * 0.7), Part.LEAF, y * 1.2 - 0.35 + rng.normal(0, 0.1), x, sides=9)
    for _ in range(flowers):
        x, height = rng.uniform(-0.7, 0.7), rng.uniform(0.5, 0.95)
        built.stalk(curve((x, 0.2), math.pi / 2 + rng.normal(0, 0.15), height - 0.2, 0.1, 5), 0.014, 0.01, Part.STEM)
        for petal in range(5):
            built.leaf((x, height), petal * 1.257 + 0.3, 0.1, 0.07, 0, Part.ACCENT, 0.3)
    return built.grown()
