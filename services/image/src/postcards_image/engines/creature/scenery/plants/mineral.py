"""Stone, crystal and ice, in the shape of plants so that they can be planted."""

import math

import numpy as np

from postcards_image.engines.creature.scenery.plants.plant import Builder, Part, Plant

Rng = np.random.Generator


def boulder(genes: Rng, rng: Rng) -> Plant:
    """A stone of facets, moss on its shoulder. Its stone is the stem colour."""
    squat, rough = genes.uniform(0.55, 1.0), genes.uniform(0.06, 0.16)
    count = 13
    angles = np.linspace(0, math.pi, count)
    radius = 1 + rng.normal(0, rough, count)
    outline = np.stack([np.cos(angles) * radius * 0.8, np.sin(angles) ** 0.8 * radius * squat * 0.8], 1)
    outline[0, 1] = outline[-1, 1] = -0.03
    built = Builder()
    built.shape(outline, Part.STEM, -0.45)
    heart = np.array([rng.uniform(-0.2, 0.2), 0.34 * squat + rng.uniform(-0.05, 0.1)])
    for k in range(count - 1):
        middle = (outline[k] + outline[k + 1]) / 2
        slope = math.atan2(middle[1] - heart[1] + 0.05, middle[0] - heart[0])
        built.shape(
            np.array([outline[k], outline[k + 1], heart + rng.normal(0, 0.07, 2)]),
            Part.STEM,
            0.5 * math.sin(slope) - 0.1 + rng.normal(0, 0.1),
            0.8 * math.cos(slope),
        )
    for _ in range(int(genes.integers(0, 9))):
        angle = rng.uniform(0.8, 2.4)
        x, y = math.cos(angle) * 0.72, math.sin(angle) * squat * 0.74
        built.blob(
            (x, y), (rng.uniform(0.05, 0.13), rng.uniform(0.03, 0.06)), Part.LEAF, rng.uniform(-0.1, 0.3), sides=9
        )
    return built.grown()


def crystals(genes: Rng, rng: Rng) -> Plant:
    """A cluster of prisms, each of three faces, bright at the edges."""
    count, girth = int(genes.integers(5, 10)), genes.uniform(0.1, 0.17)
    fan, tip = genes.uniform(0.5, 1.0), genes.uniform(0.1, 0.22)
    built = Builder()
    for i in sorted(range(count), key=lambda i: -abs((i + 0.5) / count - 0.5) + rng.normal(0, 0.1)):
        spread = (i + 0.5) / count * 2 - 1
        lean, length = spread * fan + rng.normal(0, 0.1), rng.uniform(0.4, 1.0) * (1 - 0.4 * abs(spread))
        width = girth * rng.uniform(0.6, 1.1)
        up, across = np.array([math.sin(lean), math.cos(lean)]), np.array([math.cos(lean), -math.sin(lean)])
        base = np.array([spread * 0.2, -0.03])
        ridge = rng.uniform(-0.25, 0.25)
        corners = [-0.5, ridge - 0.12, ridge + 0.2, 0.5]
        apex = base + up * length + across * ridge * width
        shoulder = length - tip * (0.6 + 0.4 * length)
        for k, (facing, sideways) in enumerate(((-0.25, -0.9), (0.35, 0.1), (-0.3, 0.9))):
            low, high = corners[k], corners[k + 1]
            built.shape(
                np.array(
                    [
                        base + across * low * width,
                        base + up * shoulder + across * low * width * 0.94,
                        apex,
                        base + up * shoulder + across * high * width * 0.94,
                        base + across * high * width,
                    ]
                ),
                Part.LEAF,
                facing,
                sideways,
            )
        edge = corners[2]
        built.stalk(
            np.array([base + across * edge * width, base + up * shoulder + across * edge * width * 0.94]),
            0.006,
            0.008,
            Part.GLOW,
            0.1,
        )
        built.stalk(np.array([base + up * shoulder + across * edge * width * 0.94, apex]), 0.008, 0.003, Part.GLOW, 0.2)
    return built.grown()


def spire(genes: Rng, rng: Rng) -> Plant:
    """A tower of worn strata, wide and narrow by turns."""
    layers, waist = int(genes.integers(8, 14)), genes.uniform(0.1, 0.22)
    neck = genes.uniform(0.2, 0.7)
    edges = np.linspace(0, 1, layers + 1)
    half = waist * (1.35 - 0.85 * edges) * (1 - neck * 0.5 * rng.random(layers + 1)) + 0.03
    half[-1] *= 0.6
    built = Builder()
    lean = np.cumsum(rng.normal(0, 0.012, layers + 1))
    for k in range(layers):
        y0, y1 = edges[k], edges[k + 1]
        shade = rng.normal(0, 0.14)
        a, b = half[k], half[k + 1]
        left = np.array([[lean[k] - a, y0], [lean[k + 1] - b, y1]])
        right = np.array([[lean[k] + a, y0], [lean[k + 1] + b, y1]])
        built.shape(np.concatenate([left, right[::-1]]), Part.STEM, shade - 0.15)
        cut = rng.uniform(-0.25, 0.25)
        built.shape(np.concatenate([left, (left + (right - left) * (0.35 + cut * 0.4))[::-1]]), Part.STEM, shade, -0.75)
        built.shape(np.concatenate([right, (left + (right - left) * (0.7 + cut * 0.4))[::-1]]), Part.STEM, shade, 0.75)
    return built.grown()


def basalt(genes: Rng, rng: Rng) -> Plant:
    """A stand of six-sided columns of unequal height."""
    count, width = int(genes.integers(7, 12)), genes.uniform(0.1, 0.15)
    heights = np.abs(np.sin(np.linspace(0.3, math.pi - 0.3, count))) * rng.uniform(0.5, 1.0, count) + 0.1
    built = Builder()
    for i in rng.permutation(count):
        x, h = ((i + 0.5) / count - 0.5) * width * count * 0.8, float(heights[i])
        for low, high, sideways in ((-0.5, -0.2, -0.9), (-0.2, 0.22, 0.0), (0.22, 0.5, 0.9)):
            sag = 0.02 * (1 - abs(low + high))
            built.shape(
                np.array(
                    [
                        [x + low * width, -0.03],
                        [x + low * width, h - sag],
                        [x + high * width, h - sag],
                        [x + high * width, -0.03],
                    ]
                ),
                Part.STEM,
                rng.uniform(-0.3, 0.0),
                sideways,
            )
        built.blob((x, h), (width * 0.5, width * 0.16), Part.STEM, 0.45, sides=6)
    return built.grown()


def ice(genes: Rng, rng: Rng) -> Plant:
    """A pressed-up slab of ice."""
    count = int(genes.integers(3, 6))
    built = Builder()
    for i in rng.permutation(count):
        x, lean = ((i + 0.5) / count - 0.5) * 1.1, rng.normal(0, 0.25)
        h, w = rng.uniform(0.35, 1.0), rng.uniform(0.2, 0.36)
        top = np.array([[x + lean - w * 0.6, h * 0.8], [x + lean + w * 0.1, h], [x + lean + w * 0.6, h * 0.7]])
        foot = np.array([[x + w, -0.03], [x, -0.06], [x - w, -0.03]])
        built.shape(np.concatenate([top, foot]), Part.LEAF, -0.1)
        built.shape(np.array([top[0], top[1], foot[1], foot[2]]), Part.LEAF, 0.15, -0.7)
        built.shape(np.array([top[1], top[2], foot[0], foot[1]]), Part.LEAF, 0.05, 0.7)
        built.stalk(np.array([top[1], foot[1]]), 0.01, 0.004, Part.LEAF, 0.7)
    return built.grown()


def dripstone(genes: Rng, rng: Rng) -> Plant:
    """A cone of dripped stone, ringed; upside down it hangs."""
    girth, rings = genes.uniform(0.14, 0.26), int(genes.integers(6, 11))
    y = np.linspace(0, 1, rings * 2)
    half = girth * (1 - y) ** genes.uniform(0.8, 1.6) + 0.012 + 0.014 * (np.arange(len(y)) % 2) * (1 - y)
    lean = np.cumsum(rng.normal(0, 0.006, len(y)))
    left, right = np.stack([lean - half, y], 1), np.stack([lean + half, y], 1)
    built = Builder()
    built.shape(np.concatenate([left, right[::-1]]), Part.STEM, -0.2)
    for share, sideways in ((0.42, -0.7), (0.2, -0.9)):
        built.shape(np.concatenate([left, (left + (right - left) * share)[::-1]]), Part.STEM, -0.1, sideways)
        built.shape(np.concatenate([right, (right + (left - right) * share)[::-1]]), Part.STEM, -0.1, -sideways)
    for k in range(1, len(y), 2):
        built.blob((float(lean[k]), float(y[k])), (float(half[k]) * 0.92, 0.008), Part.STEM, 0.3, sides=8)
    return built.grown()


def vent(genes: Rng, rng: Rng) -> Plant:
    """A chimney of the sea floor or of the ash, its mouth alight."""
    count, girth = int(genes.integers(1, 4)), genes.uniform(0.1, 0.18)
    built = Builder()
    for i in rng.permutation(count):
        x, h = (i - (count - 1) / 2) * girth * 1.6, rng.uniform(0.5, 1.0)
        y = np.linspace(0, h, 9)
        half = girth * (1.3 - 0.75 * y / h) * (1 + rng.normal(0, 0.12, 9)) * 0.8
        left, right = np.stack([x - half, y], 1), np.stack([x + half, y], 1)
        built.shape(np.concatenate([left, right[::-1]]), Part.STEM, -0.3)
        built.shape(np.concatenate([left, (left * 0.62 + right * 0.38)[::-1]]), Part.STEM, -0.1, -0.8)
        built.shape(np.concatenate([right, (right * 0.68 + left * 0.32)[::-1]]), Part.STEM, -0.1, 0.8)
        built.blob((x, h), (float(half[-1]), float(half[-1]) * 0.3), Part.GLOW, -0.2)
        for _ in range(4):
            k = int(rng.integers(1, 8))
            crack = np.array(
                [[x + rng.uniform(-0.6, 0.6) * half[k], y[k]], [x + rng.uniform(-0.6, 0.6) * half[k], y[k] - 0.09]]
            )
            built.stalk(crack, 0.012, 0.002, Part.GLOW, -0.4)
    return built.grown()
