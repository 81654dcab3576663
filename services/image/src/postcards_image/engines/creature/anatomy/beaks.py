"""Beaks, bills, mandibles and other mouths of horn."""

import numpy as np

from postcards_image.engines.creature.anatomy.head import Face, Skull, head_bone
from postcards_image.engines.creature.geometry.mesh import Material, tube
from postcards_image.engines.creature.geometry.space import Floats, Frame, profile, spline
from postcards_species.body.plan import Head


def _mandible_curve(frame: Frame, points: tuple[tuple[float, float], ...], size: float, count: int) -> Floats:
    return spline(np.stack([frame.at(x * size, y * size, 0) for x, y in points]), count)


def grow_beak(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """Two horny mandibles: hooked when short and curved, bowed when long, bent in the middle like a flamingo's."""
    size, long, curve = head.size, head.snout_length, head.snout_curve
    reach = 0.36 + long
    wide = 0.5 * head.snout_width * head.width
    thick = wide * (0.62 if long > 1.2 else 0.86)
    drop = -curve * (0.5 * long if long > 1.2 else 0.34 * long + 0.06)
    bent = curve > 0.8 and long < 1.3
    if bent:
        upper = ((0.22, 0.0), (0.55, 0.0), (0.36 + 0.62 * long, -0.1), (0.36 + 0.78 * long, -0.42 * long - 0.1))
    elif long > 1.2:
        upper = ((0.22, 0.0), (0.36 + 0.4 * long, 0.02 + 0.12 * drop), (0.36 + 0.75 * long, 0.45 * drop), (reach, drop))
    else:
        upper = (
            (0.22, 0.03),
            (0.36 + 0.42 * long, 0.03),
            (0.36 + 0.85 * long, 0.3 * drop - 0.03),
            (reach, drop - 0.09),
        )
    top = _mandible_curve(frame, upper, size, 12)
    shape = (0.95, 0.86, 0.62, 0.34, 0.05) if long < 1.2 else (0.95, 0.66, 0.5, 0.36, 0.14)
    if bent:
        shape = (0.9, 0.86, 0.9, 0.62, 0.12)
    skull.meshes.append(
        tube(top, profile(shape, 12) * thick * size, Material.HARD, up=frame.up, sides=14, flatness=0.85)
    )
    open_by = gape * 0.5 + 0.02
    lower = tuple(
        (x * (0.96 if i else 1.0), y - (0.16 * wide + 0.1 * thick + open_by * max(0.0, x - 0.3)))
        for i, (x, y) in enumerate(upper)
    )
    lower = (*lower[:-1], (lower[-1][0] - 0.1 * min(long, 1.0), lower[-1][1] + 0.03))
    bottom = _mandible_curve(frame, lower, size, 12)
    skull.meshes.append(
        tube(
            bottom,
            profile(shape, 12) * thick * 0.66 * size,
            Material.HARD,
            up=frame.up,
            sides=12,
            flatness=1.1,
            tint=0.4,
        )
    )
    skull.bones.append(
        head_bone(
            frame.at(0.08 * size, 0, 0),
            frame.at(0.34 * size, 0.0, 0),
            0.36 * size * head.height,
            thick * 1.02 * size,
            0.2 * size,
            frame.up,
        )
    )
    skull.face = Face(None, None, None)


def grow_bill(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """Adds a flat bill to `skull`, its halves apart by `gape` (0 shut)."""
    size, long = head.size, head.snout_length
    wide = 0.5 * head.snout_width * head.width
    reach = 0.3 + long
    for lower in (False, True):
        y = -0.15 - (0.05 + 0.5 * gape if lower else 0.0)
        points = (
            (0.1, -0.06 if not lower else -0.16),
            (0.42, y + 0.02),
            (0.2 + 0.7 * long, y),
            (reach - (0.06 if lower else 0.0), y - 0.02),
        )
        path = _mandible_curve(frame, points, size, 14)
        radii = profile((0.36, 0.3, 0.34, 0.4, 0.36, 0.1), 14) * wide * size * (0.9 if lower else 1.0)
        skull.meshes.append(
            tube(path, radii, Material.HARD, up=frame.up, sides=18, flatness=5.0, tint=0.5 if lower else 0.0)
        )
    skull.bones.append(
        head_bone(
            frame.at(0.05 * size, -0.05 * size, 0),
            frame.at(0.36 * size, -0.12 * size, 0),
            0.36 * size * head.height,
            0.2 * size,
            0.2 * size,
            frame.up,
            1.5,
        )
    )
    skull.face = Face(None, None, None)


def grow_mandibles(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """An insect's jaws and feelers."""
    size = head.size
    length = max(0.22, head.snout_length)
    skull.bones.append(
        head_bone(
            frame.at(0.1 * size, -0.08 * size, 0),
            frame.at(0.3 * size, -0.18 * size, 0),
            0.32 * size * head.width,
            0.2 * size * head.width,
            0.15 * size,
            frame.up,
            1.2,
        )
    )
    if head.snout_length < 0.12:
        # A beak between arms is not seen.
        return
    spread = 0.55 + gape
    for side in (-1, 1):
        points = (
            (0.3, -0.22, 0.24),
            (0.36 + 0.5 * length, -0.26, 0.24 + 0.3 * spread * length),
            (0.34 + length, -0.3, 0.04),
        )
        path = spline(np.stack([frame.at(x * size, y * size, side * z * head.width * size) for x, y, z in points]), 10)
        skull.meshes.append(
            tube(
                path,
                profile((0.2, 0.19, 0.12, 0.03), 10) * size * min(1.0, 0.5 + length),
                Material.HARD,
                up=frame.up,
                sides=9,
            )
        )
        feeler = ((0.3, -0.28, 0.12), (0.46, -0.42, 0.16), (0.5, -0.62, 0.12))
        path = spline(np.stack([frame.at(x * size, y * size, side * z * head.width * size) for x, y, z in feeler]), 7)
        skull.meshes.append(
            tube(path, profile((0.06, 0.05, 0.03), 7) * size, Material.LEG_SKIN, up=frame.ahead, sides=6)
        )
    skull.face = Face((0.3, -0.26, 0.6, -0.26, 0.0))


def grow_proboscis(head: Head, frame: Frame, skull: Skull, _gape: float) -> None:
    """A thin tube, coiled where it is bent."""
    size, long = head.size, head.snout_length
    skull.bones.append(
        head_bone(
            frame.at(0.1 * size, -0.05 * size, 0),
            frame.at(0.36 * size, -0.14 * size, 0),
            0.3 * size,
            0.14 * size,
            0.15 * size,
            frame.up,
        )
    )
    angle = np.linspace(0, (1.2 + 4.2 * max(0.0, head.snout_curve)), 26)
    step = long * size / 26 * (1.0 - 0.55 * np.linspace(0, 1, 26) * max(0.0, head.snout_curve))
    points = [frame.at(0.38 * size, -0.16 * size, 0)]
    for a, s in zip(angle, step, strict=True):
        points.append((points[-1] + (frame.ahead * np.cos(a) - frame.up * np.sin(a)) * s).astype(np.float32))
    radii = profile((0.09, 0.06, 0.045, 0.03), len(points)) * size * (0.6 + head.snout_width)
    skull.meshes.append(tube(np.stack(points), radii, Material.HARD, up=frame.side, sides=8))
    skull.face = Face(None)
