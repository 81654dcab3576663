"""Tails."""

import numpy as np

from postcards_image.engines.creature.anatomy.legs import Growth
from postcards_image.engines.creature.anatomy.membranes import fan, feather
from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import chain
from postcards_image.engines.creature.geometry.mesh import ALONG, TINT, Material, tube
from postcards_image.engines.creature.geometry.space import (
    UP,
    Floats,
    Frame,
    cross,
    frame_towards,
    profile,
    spline,
    unit,
)
from postcards_species.body.kinds import CoveringKind, Pose, Symmetry, TailKind
from postcards_species.body.plan import BodyPlan
from postcards_species.streams import Stream

_NODES = 17


def grow_tail(plan: BodyPlan, skeleton: Skeleton) -> Growth:
    """The tail of `plan`, from the end of the trunk."""
    growth = Growth()
    tail = plan.tail
    if tail.kind is TailKind.NONE or tail.length < 0.02 or plan.symmetry is Symmetry.RADIAL:
        return growth
    stream = Stream(plan.pose_seed, "pose/tail")
    frame = skeleton.frame(-0.1)
    behind = Frame(frame.origin, -frame.ahead, frame.up, -frame.side)
    base = min(max(tail.thickness, 0.5 * plan.spine.girth_rump), plan.spine.girth_rump * 0.9)
    if tail.kind is TailKind.PLUMES:
        _plumes(plan, behind, growth, stream)
        return growth
    path, up = _tail_path(plan, behind, stream)
    thin = {
        TailKind.WHIP: (1.0, 0.62, 0.42, 0.22),
        TailKind.TUFT: (1.0, 0.6, 0.45, 0.4),
        TailKind.BRUSH: (0.9, 1.15, 1.2, 0.6),
        TailKind.PADDLE: (1.0, 0.9, 0.9, 0.6),
        TailKind.FAN: (1.0, 0.8, 0.6, 0.42),
        TailKind.FLUKE: (1.0, 0.7, 0.48, 0.34),
        TailKind.CURL: (1.0, 0.8, 0.55, 0.2),
        TailKind.STING: (1.0, 0.95, 0.85, 0.7),
    }[tail.kind]
    radii = profile(thin, _NODES) * tail.thickness
    root = np.clip(1 - np.linspace(0, 3.2, _NODES), 0, 1) ** 1.5
    radii = (radii * (1 - root) + base * root * 0.95).astype(np.float32)
    if tail.kind is TailKind.STING or plan.spine.segments:
        rings = 1 + 0.13 * np.cos(np.arange(_NODES) * np.pi) * np.linspace(0.3, 1, _NODES)
        radii = (radii * rings).astype(np.float32)
    blends = np.linspace(0.9, 0.15, _NODES).astype(np.float32) * base
    flat = 0.75 if tail.kind in (TailKind.FAN, TailKind.WHIP) and plan.spine.flatness < 0.7 else 1.0
    if tail.kind is TailKind.PADDLE:
        half = _NODES // 2
        growth.bones += chain(
            path[: half + 1], radii[: half + 1], blends[: half + 1], up[: half + 1], along=(0, -0.5), shag=0.7
        )
        flap = profile((0.9, 1.25, 1.35, 1.1, 0.35), _NODES - half) * tail.thickness * 1.15
        growth.bones += chain(
            path[half:], flap, 0.05, up[half:], flatness=4.6, along=(-0.5, -1), limb=(0.6, 1), shag=0.05
        )
        return growth
    shag = 1.6 if tail.kind is TailKind.BRUSH else 0.8
    growth.bones += chain(path, radii, blends, up, flatness=flat, along=(0.0, -1.0), limb=(0.05, 0.75), shag=shag)
    _finish_tail(plan, path, up, radii, growth)
    return growth


def _tail_path(plan: BodyPlan, behind: Frame, stream: Stream) -> tuple[Floats, Floats]:
    tail = plan.tail
    lift = np.radians(tail.lift + stream.uniform(-9, 9))
    swing = stream.uniform(-0.35, 0.35)
    way = unit(behind.ahead * np.cos(lift) + behind.up * np.sin(lift) + behind.side * swing)
    points: list[Floats] = [behind.origin - behind.ahead * 0.04]
    step = tail.length / (_NODES - 1)
    wave = stream.uniform(0.4, 1.0) * stream.choice((-1, 1))
    roll = cross(way, behind.up)
    for i in range(_NODES - 1):
        t = i / (_NODES - 1)
        if tail.kind is TailKind.CURL:
            turn = 0.08 + 0.62 * t**1.3
            way = unit(way + cross(unit(cross(way, behind.ahead + UP * 0.2) if i < 1 else roll), way) * turn)
            step = tail.length / (_NODES - 1) * (1.25 - 0.72 * t)
        elif tail.kind is TailKind.STING:
            side = unit(cross(behind.up, behind.ahead))
            way = unit(way + cross(side, way) * (-0.12 - 0.2 * t))
        elif tail.kind in (TailKind.WHIP, TailKind.BRUSH, TailKind.TUFT):
            droop = -0.1 if tail.lift < 0 else 0.02
            up_turn = 0.22 * t if tail.kind is TailKind.WHIP and tail.lift < 0 else 0.0
            way = unit(way + UP * (droop * (1 - t) + up_turn) + behind.side * wave * 0.16 * np.sin(2.4 * np.pi * t))
        else:
            way = unit(way + behind.side * wave * 0.05 + UP * (0.03 * wave))
        following = points[-1] + way * step
        floor = tail.thickness * (0.9 - 0.6 * t)
        if following[1] < floor and plan.pose not in (Pose.SWIMMING, Pose.HOVERING):
            following[1] = floor
            way = unit(following - points[-1])
        points.append(following.astype(np.float32))
    path = np.stack(points).astype(np.float32)
    up = np.broadcast_to(behind.up if abs(float(way @ behind.up)) < 0.9 else behind.ahead, path.shape).astype(
        np.float32
    )
    return path, up


def _finish_tail(plan: BodyPlan, path: Floats, up: Floats, radii: Floats, growth: Growth) -> None:
    tail = plan.tail
    way = unit(path[-1] - path[-3])
    tip = frame_towards(path[-1], way, up[-1])
    size = max(tail.length * 0.5, 0.22)
    kind = tail.kind
    if kind is TailKind.TUFT:
        pom = spline(np.stack((path[-3], path[-1], path[-1] + way * 0.12 * max(tail.length, 0.3))), 6)
        growth.bones += chain(
            pom,
            profile((0.5, 1.5, 1.3, 0.2), 6) * max(tail.thickness, 0.03),
            0.03,
            up[-1],
            along=(-0.8, -1),
            limb=(0.8, 1.0),
            shag=3.0,
        )
    elif kind is TailKind.FAN and plan.covering.kind is CoveringKind.CHITIN:
        _lobster_fan(tip, size, tail.thickness, growth)
    elif kind in (TailKind.FAN, TailKind.FLUKE):
        across = tip.up if kind is TailKind.FAN else tip.side
        reach = size * (0.95 if kind is TailKind.FAN else 0.85)
        root = path[-1] - way * 0.1 * size
        base = np.stack((root + across * radii[-1] * 1.1, root - across * radii[-1] * 1.1))
        ends = [(0.62, 0.95), (0.8, 0.66), (0.52, 0.0), (0.8, -0.66), (0.62, -0.95)]
        if kind is TailKind.FLUKE:
            ends = [(0.42, 1.0), (0.58, 0.6), (0.34, 0.0), (0.58, -0.6), (0.42, -1.0)]
        tips = np.stack([root + way * reach * a + across * reach * b for a, b in ends])
        part = fan(
            base, tips, Material.MEMBRANE, rows=9, columns=33, notch=0.05 if kind is TailKind.FAN else 0.0, rays=13
        )
        part.fields[:, TINT] = 0.3 if kind is TailKind.FAN else 0.9
        part.fields[:, ALONG] = -1
        growth.meshes.append(part)
    elif kind is TailKind.STING:
        bulb = tail.thickness
        side = unit(cross(up[0], path[1] - path[0]))
        hook = unit(way + cross(side, way) * -0.9)
        growth.bones += chain(
            spline(np.stack((path[-2], path[-1] + way * bulb, path[-1] + hook * bulb * 2.0)), 6),
            profile((0.7, 1.35, 0.5), 6) * bulb,
            0.02,
            up[-1],
            along=(-0.9, -1),
            limb=(0.8, 0.9),
            shag=0.2,
        )
        start = path[-1] + hook * bulb * 1.7
        needle = spline(
            np.stack(
                (start, start + unit(hook * 0.8 + way * -0.5) * bulb * 1.6, start + unit(hook * 0.3 - way) * bulb * 3.0)
            ),
            9,
        )
        growth.meshes.append(tube(needle, profile((0.5, 0.3, 0.03), 9) * bulb, Material.HARD, up=side, sides=9))


def _lobster_fan(tip: Frame, size: float, thickness: float, growth: Growth) -> None:
    for i in (-2, 2, -1, 1, 0):
        way = unit(tip.ahead + tip.side * 0.42 * i - tip.up * 0.12 * abs(i))
        start = tip.origin - tip.ahead * 0.06 * size + tip.side * 0.3 * thickness * i
        path = spline(np.stack((start, start + way * size * 0.5, start + way * size * (0.85 - 0.05 * abs(i)))), 8)
        blade = tube(
            path, profile((0.35, 0.78, 0.95, 0.4), 8) * size * 0.2, Material.HIDE, up=tip.up, sides=14, flatness=7.0
        )
        blade.fields[:, 3:6] = 9.0
        blade.fields[:, 7] = -1.0
        blade.fields[:, 10] = 0.4
        growth.meshes.append(blade)


def _plumes(plan: BodyPlan, behind: Frame, growth: Growth, stream: Stream) -> None:
    """Feathers in a fan; long ones arch over like a rooster's."""
    tail = plan.tail
    lift = np.radians(tail.lift)
    way = unit(behind.ahead * np.cos(lift) + behind.up * np.sin(lift))
    over = unit(cross(behind.side, way))
    long = tail.length > 0.6 and tail.lift > 30
    growth.bones += chain(
        np.stack((behind.origin - behind.ahead * 0.1, behind.origin + way * 0.12)),
        np.array((plan.spine.girth_rump * 0.75, tail.thickness * 0.8), np.float32),
        0.12,
        behind.up,
        along=(0, -0.2),
    )
    count = 13
    for layer in range(3 if long else 2):
        for i in range(count):
            t = (i / (count - 1) - 0.5) * 2
            fan_way = unit(
                way
                + behind.side * t * (0.5 if not long else 0.3)
                + over * stream.uniform(-0.2, 0.35) * (1.2 if long else 0.05)
            )
            length = tail.length * (1 - 0.22 * abs(t) - 0.22 * layer) * stream.uniform(0.9, 1.05)
            start = behind.origin + way * 0.04 + behind.side * t * tail.thickness * 0.6 - over * 0.012 * layer
            bend = (behind.ahead * 0.5 - UP * 0.75) * (0.75 if long else 0.05)
            face = unit(cross(fan_way, behind.side) * -1.0 + (behind.side * t * 0.8 if long else 0.0))
            part = feather(
                start,
                fan_way,
                face if float(face @ UP) > 0 else -face,
                length,
                tail.length * (0.12 if long else 0.2),
                bend=bend,
                tint=0.85 if long else 0.55,
                rows=13,
                point=0.5,
            )
            part.fields[:, ALONG] = -0.6
            growth.meshes.append(part)
