"""Muzzles, jaws, trunks and other mouths of flesh."""

import numpy as np

from postcards_image.engines.creature.anatomy.head import Face, Skull, head_bone
from postcards_image.engines.creature.geometry.flesh import chain
from postcards_image.engines.creature.geometry.mesh import Material, tube
from postcards_image.engines.creature.geometry.space import UP, Frame, profile, spline, unit
from postcards_species.body.plan import Head


def grow_muzzle(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """A mammal's muzzle, with whisker pads, cheeks, chin and nose."""
    size = head.size
    long = head.snout_length
    tip_x = 0.3 + 0.72 * long
    drop = -0.13 - 0.3 * head.snout_curve * long
    wide = 0.5 * head.snout_width * head.width
    root = 0.5 * (wide + 0.36 * head.width)
    mid = frame.at((0.5 * tip_x + 0.08) * size, (0.45 * drop - 0.02) * size, 0)
    tip = frame.at(tip_x * size, drop * size, 0)
    skull.bones.append(
        head_bone(
            frame.at(0.1 * size, -0.02 * size, 0),
            mid,
            root * size * 1.05,
            wide * 0.94 * size,
            0.3 * size,
            frame.up,
            0.95,
            0.35,
        )
    )
    skull.bones.append(head_bone(mid, tip, wide * 0.94 * size, wide * 0.74 * size, 0.2 * size, frame.up, 1.05, 0.3))
    for side in (-1, 1):
        pad = frame.at((tip_x - 0.05) * size, (drop - 0.1 * wide) * size, side * wide * 0.36 * size)
        skull.bones.append(
            head_bone(
                pad,
                frame.at((tip_x + 0.05) * size, (drop - 0.2 * wide) * size, side * wide * 0.3 * size),
                wide * 0.5 * size,
                wide * 0.46 * size,
                0.1 * size,
                frame.up,
                1,
                0.25,
            )
        )
        cheek = frame.at(0.12 * size, -0.2 * size, side * 0.24 * head.width * size)
        skull.bones.append(
            head_bone(
                cheek,
                frame.at(0.26 * size, -0.2 * size, side * 0.16 * head.width * size),
                0.21 * head.width * size,
                0.14 * size,
                0.2 * size,
                frame.up,
            )
        )
    jaw_tip = frame.at((tip_x - 0.08) * size, (drop - 0.62 * wide - gape * tip_x) * size, 0)
    skull.bones.append(
        head_bone(
            frame.at(0.02 * size, -0.27 * size, 0),
            jaw_tip,
            0.24 * head.width * size,
            wide * 0.42 * size,
            0.09 * size,
            frame.up,
            1.1,
            0.3,
        )
    )
    if gape > 0.15:
        _tongue(frame, tip_x - 0.12, drop - 0.42 * wide - 0.5 * gape * tip_x, wide, size, skull)
    lip = drop - 0.44 * wide
    if head.teeth > 0.5:
        _incisors(frame, tip_x, lip, wide, size, skull)
    skull.face = Face(
        (0.2 + 0.12 * long, -0.24 + 0.5 * (lip + 0.24), tip_x + 0.05, lip, 0.05 * long),
        (tip_x + 0.62 * wide, drop + 0.18 * wide, 0.38 * wide + 0.03),
        (tip_x + 0.6 * wide, drop + 0.16 * wide, 0.2 * wide, 0.1 * wide),
    )


def _tongue(frame: Frame, x: float, y: float, wide: float, size: float, skull: Skull) -> None:
    path = spline(
        np.stack(
            [frame.at(a * size, (y + b) * size, 0) for a, b in ((x - 0.4, 0.06), (x - 0.1, 0.02), (x + 0.1, -0.06))]
        ),
        7,
    )
    skull.meshes.append(
        tube(path, profile((0.5, 0.55, 0.2), 7) * wide * size, Material.FLESH, up=frame.up, flatness=2.4, tint=0.7)
    )


def _incisors(frame: Frame, tip_x: float, lip: float, wide: float, size: float, skull: Skull) -> None:
    for side in (-1, 1):
        top = frame.at((tip_x + 0.34 * wide) * size, lip * size, side * 0.15 * wide * size)
        path = np.stack((top, top - frame.up * 0.3 * wide * size, top - frame.up * 0.56 * wide * size))
        skull.meshes.append(
            tube(path, profile((0.16, 0.17, 0.14), 3) * wide * size, Material.TOOTH, up=frame.ahead, flatness=1.3)
        )


def grow_jaws(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """Long flat jaws with rows of teeth."""
    size, long = head.size, head.snout_length
    tip_x = 0.3 + 0.62 * long
    wide = 0.34 * head.snout_width * head.width
    gape = max(gape * 0.55, 0.03)
    line = (-0.12, -0.16)
    mid = frame.at(tip_x * 0.6 * size, (line[0] + 0.02) * size, 0)
    tip = frame.at(tip_x * size, (line[1] + 0.03) * size, 0)
    skull.bones.append(
        head_bone(
            frame.at(0.1 * size, -0.02 * size, 0),
            mid,
            0.34 * head.width * size,
            wide * size,
            0.18 * size,
            frame.up,
            1.7,
        )
    )
    skull.bones.append(head_bone(mid, tip, wide * size, wide * 0.72 * size, 0.1 * size, frame.up, 1.7))
    for side in (-1, 1):
        bump = frame.at((tip_x - 0.02) * size, (line[1] + 0.17 * head.snout_width) * size, side * wide * 0.4 * size)
        skull.bones.append(
            head_bone(bump, bump + frame.ahead * 0.02, wide * 0.32 * size, wide * 0.3 * size, 0.08 * size, frame.up)
        )
    low = line[1] - 0.2 * head.snout_width - gape * tip_x * 0.5
    skull.bones.append(
        head_bone(
            frame.at(-0.12 * size, -0.2 * size, 0),
            frame.at(tip_x * 0.94 * size, low * size, 0),
            0.26 * head.width * size,
            wide * 0.52 * size,
            0.05 * size,
            frame.up,
            1.9,
        )
    )
    _teeth_row(head, frame, tip_x, wide, line, size, skull)
    skull.face = Face(
        (0.02, -0.14, tip_x + wide * 0.8, line[1] - 0.13 * head.snout_width, 0.03),
        None,
        (tip_x + 0.16 * wide, line[1] + 0.32 * head.snout_width, 0.16, 0.05),
    )


def _teeth_row(
    head: Head,
    frame: Frame,
    tip_x: float,
    wide: float,
    line: tuple[float, float],
    size: float,
    skull: Skull,
) -> None:
    count = 9
    for side in (-1, 1):
        for i in range(count):
            t = (i + 0.6) / count
            x = 0.3 + (tip_x + wide * 0.5 - 0.3) * t
            y = line[0] + (line[1] - line[0]) * t - wide * 0.42
            z = side * wide * 1.25 * (1.0 - 0.3 * t) * (1 if t < 0.9 else 0.7)
            root = frame.at(x * size, y * size, z * size)
            length = (0.085 + 0.035 * (i % 3 == 1)) * size * (0.4 + 0.6 * head.teeth)
            path = np.stack((root + frame.up * length * 0.3, root - frame.up * length * 0.4, root - frame.up * length))
            skull.meshes.append(
                tube(path, profile((0.34, 0.26, 0.03), 3) * length, Material.TOOTH, up=frame.ahead, sides=6)
            )


def grow_rostrum(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """A dolphin's melon and beak."""
    size, long = head.size, head.snout_length
    tip_x = 0.42 + 0.75 * long
    wide = 0.4 * head.snout_width
    skull.bones.append(
        head_bone(
            frame.at(0.12 * size, 0.02 * size, 0),
            frame.at(0.34 * size, -0.02 * size, 0),
            0.4 * size * head.width,
            0.28 * size * head.width,
            0.3 * size,
            frame.up,
        )
    )
    skull.bones.append(
        head_bone(
            frame.at(0.36 * size, -0.14 * size, 0),
            frame.at(tip_x * size, -0.17 * size, 0),
            wide * size,
            wide * 0.62 * size,
            0.12 * size,
            frame.up,
            1.35,
        )
    )
    low = -0.25 - gape * 0.4
    skull.bones.append(
        head_bone(
            frame.at(0.16 * size, -0.2 * size, 0),
            frame.at((tip_x - 0.04) * size, low * size, 0),
            0.24 * size,
            wide * 0.5 * size,
            0.06 * size,
            frame.up,
            1.3,
        )
    )
    skull.face = Face((0.2, -0.22, tip_x + 0.1, -0.215, 0.05))


def grow_maw(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """A fish's mouth, the lower jaw ahead."""
    size = head.size
    reach = 0.36 + 0.7 * head.snout_length
    wide = 0.42 * head.snout_width * head.width
    gape = max(gape, 0.08)
    skull.bones.append(
        head_bone(
            frame.at(0.1 * size, 0, 0),
            frame.at(reach * size, -0.06 * size, 0),
            0.42 * size * head.height,
            wide * size * 0.72,
            0.25 * size,
            frame.up,
            head.width / head.height,
        )
    )
    jaw = frame.at((reach + 0.1) * size, (-0.2 - 0.5 * gape) * size, 0)
    skull.bones.append(
        head_bone(
            frame.at(0.02 * size, -0.22 * size, 0),
            jaw,
            0.3 * size * head.width,
            wide * 0.5 * size,
            0.07 * size,
            frame.up,
            1.15,
        )
    )
    for side in (-1, 1):
        lip = spline(
            np.stack(
                [
                    frame.at(x * size, y * size, side * z * size)
                    for x, y, z in (
                        (reach - 0.22, -0.24, wide * 0.9),
                        (reach + 0.06, -0.15, wide * 0.78),
                        (reach + 0.22, -0.1, 0.02),
                    )
                ]
            ),
            7,
        )
        skull.bones += chain(
            lip, np.full(7, 0.05 * size, np.float32), 0.05 * size, frame.up, along=(1.6, 1.9), head=1.0, shag=0.2
        )
    skull.face = Face((0.16, -0.26, reach + 0.34, -0.17, 0.03), None, (reach + 0.12, 0.1, 0.14, 0.035))


def grow_tube_snout(head: Head, frame: Frame, skull: Skull, _gape: float) -> None:
    """A sea horse's snout."""
    size, long = head.size, head.snout_length
    tip_x = 0.32 + 0.85 * long
    wide = 0.36 * head.snout_width
    drop = -0.1 - 0.35 * head.snout_curve
    points = spline(
        np.stack([frame.at(x * size, y * size, 0) for x, y in ((0.2, -0.05), (0.5 * tip_x, -0.12), (tip_x, drop))]), 8
    )
    radii = profile((1.9, 1.05, 0.95, 1.25), 8) * wide * size
    skull.bones += chain(points, radii, 0.16 * size, frame.up, along=(1.4, 2.0), head=1.0, shag=0.3)
    skull.face = Face((tip_x - 0.03, drop - 0.03, tip_x + 0.3, drop - 0.03, 0.0))


def grow_trunk(head: Head, frame: Frame, skull: Skull, gape: float) -> None:
    """A trunk that hangs and curls ahead."""
    size = head.size
    length = head.snout_length * size
    wide = 0.42 * head.snout_width * head.width
    count = 18
    way = unit(frame.ahead * 0.75 - frame.up * 0.55)
    down = unit(-UP + 0.16 * frame.ahead)
    point = frame.at(0.32 * size, -0.12 * size, 0)
    points = [point]
    bend = 0.11 + 0.16 * abs(head.snout_curve)
    for i in range(count):
        t = i / count
        pull = down if t < 0.55 else frame.ahead * (0.8 + gape) - UP * (0.5 - 1.6 * max(0.0, t - 0.7))
        way = unit(way + pull * bend * (1.3 if t > 0.5 else 1.0))
        point = point + way * length / count
        point[1] = max(float(point[1]), wide * size * 0.3)
        points.append(point.astype(np.float32))
    ring = 1 + 0.05 * np.cos(np.arange(count + 1) * np.pi)
    radii = profile((1.35, 0.92, 0.66, 0.48, 0.36), count + 1) * wide * size * ring.astype(np.float32)
    blends = np.linspace(0.3, 0.03, count + 1).astype(np.float32) * size
    skull.bones += chain(np.stack(points), radii, blends, frame.up, along=(1.5, 2.0), head=1.0, shag=0.3)
    skull.bones.append(
        head_bone(
            frame.at(0.05 * size, -0.3 * size, 0),
            frame.at(0.32 * size, -0.42 * size, 0),
            0.24 * size,
            0.13 * size,
            0.15 * size,
            frame.up,
        )
    )
    skull.face = Face((0.14, -0.36, 0.46, -0.36, -0.02))
