"""Eyes, set into the grown flesh of the head."""

from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import Bone, Flesh
from postcards_image.engines.creature.geometry.mesh import HEAD, LIMB, TINT, Material, Mesh, ball, tube
from postcards_image.engines.creature.geometry.space import Floats, cross, profile, spline, unit
from postcards_species.body.kinds import EyeKind
from postcards_species.body.plan import BodyPlan


@dataclass(frozen=True)
class Socket:
    """Where an eye will sit."""

    direction: tuple[float, float, float]
    """From the middle of the skull, in its frame: ahead, up, side."""
    scale: float
    """Size over the usual size."""


@dataclass(frozen=True)
class Eye:
    """Where an eye sits in the finished head."""

    place: Floats
    """(3,) its middle in the skull's frame, in skulls."""
    radius: float
    """In skulls."""


def eye_sockets(plan: BodyPlan) -> tuple[Socket, ...]:
    """The places of all eyes: pairs first, an odd one on the forehead."""
    eyes = plan.eyes
    turn = np.radians(22 + 42 * eyes.forward)
    base_up = 0.3 if eyes.kind is not EyeKind.STALKED else 0.62
    sockets: list[Socket] = []
    for pair in range(eyes.count // 2):
        ahead = float(np.sin(turn)) - 0.42 * pair * (-1 if eyes.forward < 0.35 else 0.35)
        up = base_up + 0.36 * pair * (1 if pair % 2 == 0 else -0.55)
        wide = float(np.cos(turn)) * (1.0 - 0.14 * pair)
        sockets.extend(Socket((ahead, up, side * wide), 1.0 - 0.22 * pair) for side in (-1, 1))
    if eyes.count % 2:
        sockets.append(Socket((0.62, 0.85 if eyes.count > 1 else 0.4, 0.0), 0.9 if eyes.count > 1 else 1.7))
    return tuple(sockets)


def brow_bones(plan: BodyPlan, skeleton: Skeleton) -> list[Bone]:
    """Ridges over the eyes and rings around them."""
    if plan.eyes.kind in (EyeKind.STALKED, EyeKind.COMPOUND):
        return []
    frame, size = skeleton.skull, plan.head.size
    bones: list[Bone] = []
    for socket in eye_sockets(plan):
        ahead, up, side = socket.direction
        way = frame.towards(ahead, up, side)
        reach = 0.44 * size * (0.75 * plan.head.width + 0.25 * plan.head.height)
        centre = frame.origin + way * reach
        r = plan.eyes.size * socket.scale * size
        lift = r * (0.55 + 0.4 * plan.head.brow)
        start = centre + frame.up * lift - frame.ahead * r * 0.8
        end = centre + frame.up * lift * 0.8 + frame.ahead * r * 0.9
        thick = r * (0.5 + 0.45 * plan.head.brow)
        bones.append(Bone(start, end, thick * 0.9, thick * 0.7, r * 0.9, frame.up, 1, (1.3, 1.4), (0, 0), 1.0, 0.3))
        bones.append(
            Bone(
                centre - way * r * 0.6,
                centre - way * r * 0.5,
                r * 1.02,
                r,
                r,
                frame.up,
                1,
                (1.3, 1.3),
                (0, 0),
                1.0,
                0.3,
            )
        )
    return bones


def grow_eyes(
    plan: BodyPlan, skeleton: Skeleton, flesh: Flesh, towards_viewer: Floats
) -> tuple[list[Mesh], tuple[Eye, ...]]:
    """Eyeballs; `LOCAL` is the direction from the middle of the eye: gaze, up, aside."""
    frame, size = skeleton.skull, plan.head.size
    meshes: list[Mesh] = []
    eyes: list[Eye] = []
    for socket in eye_sockets(plan):
        ahead, up, side = socket.direction
        way = frame.towards(ahead, up, side)
        r = plan.eyes.size * socket.scale * size
        skin = flesh.skin_along(frame.origin, way, 2.5 * size)
        if plan.eyes.kind is EyeKind.STALKED:
            tip = skin + way * size * 0.28 + frame.up * size * 0.16
            stalk = spline(np.stack((skin - way * 0.05 * size, skin + way * 0.12 * size, tip)), 8)
            part = tube(stalk, profile((0.8, 0.55, 0.75), 8) * r, Material.HIDE, up=frame.ahead, sides=9)
            part.fields[:, HEAD] = 1
            part.fields[:, 3:6] = 9.0
            part.fields[:, LIMB] = 0.3
            meshes.append(part)
            centre = tip + way * r * 0.35
        elif plan.eyes.kind is EyeKind.COMPOUND:
            centre = skin - way * r * 0.35
        else:
            centre = skin - way * r * 0.42
        eyes.append(Eye(frame.coordinates(centre[None])[0] / size, r / size))
        gaze = unit(way * 0.78 + frame.ahead * 0.1 + towards_viewer * 0.5)
        aside = unit(cross(gaze, frame.up))
        axes = np.stack((gaze, cross(aside, gaze), aside)).astype(np.float32)
        compound = plan.eyes.kind is EyeKind.COMPOUND
        radii = (r, r * 1.22, r * 0.98) if compound else (r, r, r)
        eye = ball(centre, axes, radii, Material.COMPOUND if compound else Material.EYE, rings=18)
        eye.fields[:, HEAD] = 1
        eye.fields[:, TINT] = 1.0 if side > 0 else 0.0
        meshes.append(eye)
    return meshes, tuple(eyes)
