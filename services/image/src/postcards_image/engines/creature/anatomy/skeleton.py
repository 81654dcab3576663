"""The bones of trunk, neck and head, and how high the legs carry them."""

from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.geometry.space import (
    UP,
    Floats,
    Frame,
    carry_frame,
    cross,
    frame_towards,
    heading,
    profile,
    unit,
    vector,
)
from postcards_species.body.kinds import LimbKind, Mouth, Pose, ShellKind, Stance, Symmetry
from postcards_species.body.plan import BodyPlan, Limb
from postcards_species.streams import Stream

_REACH = {
    Stance.UNGULIGRADE: 0.94,
    Stance.DIGITIGRADE: 0.9,
    Stance.PLANTIGRADE: 0.88,
    Stance.COLUMN: 0.96,
    Stance.BIRD: 0.84,
    Stance.SPRAWL: 0.46,
    Stance.ARTHROPOD: 0.34,
}
_TRUNK_NODES = 15
_NECK_NODES = 11
_FLOATING = (Pose.SWIMMING, Pose.HOVERING)


@dataclass(frozen=True)
class Skeleton:
    """Where the trunk, the neck and the head are."""

    trunk: Floats
    """(n, 3) from behind the hip to before the shoulder."""
    trunk_share: Floats
    """(n,) position along the trunk, 0 the hip, 1 the shoulder."""
    trunk_radius: Floats
    """(n,)."""
    trunk_up: Floats
    """(n, 3)."""
    neck: Floats
    """(n, 3) from the shoulder to the skull."""
    neck_radius: Floats
    """(n,)."""
    neck_up: Floats
    """(n, 3)."""
    skull: Frame
    """The middle of the skull."""
    floating: bool
    """Whether nothing touches the ground."""
    viewer_side: float
    """-1 where the viewer sees the left flank, 1 where the right."""
    reach: float
    """Share of their length that the legs are stretched to."""

    def frame(self, share: float) -> Frame:
        """The frame on the axis of the trunk at `share`."""
        x = min(max(share, float(self.trunk_share[0])), float(self.trunk_share[-1]))
        origin = np.array([np.interp(x, self.trunk_share, self.trunk[:, i]) for i in range(3)], np.float32)
        index = int(np.clip(np.searchsorted(self.trunk_share, x), 1, len(self.trunk) - 1))
        return frame_towards(origin, self.trunk[index] - self.trunk[index - 1], self.trunk_up[index])

    def radius(self, share: float) -> float:
        """The radius of the trunk at `share`."""
        return float(np.interp(share, self.trunk_share, self.trunk_radius))


def build_skeleton(plan: BodyPlan) -> Skeleton:
    """The skeleton of `plan` in its pose, feet on the plane y = 0."""
    stream = Stream(plan.pose_seed, "pose/skeleton")
    radial = plan.symmetry is Symmetry.RADIAL
    side = -1.0 if abs(plan.view_yaw) <= 90 else 1.0
    crouch = {Pose.CROUCHING: 0.62, Pose.COILED: 0.5}.get(plan.pose, 1.0)
    hip_height, pitch, floating = _stand(plan, crouch)
    share = np.linspace(-0.13, 1.1, _TRUNK_NODES, dtype=np.float32)
    if radial:
        trunk = np.stack(((share - 0.5) * 0.28, 0 * share + hip_height, 0 * share), 1).astype(np.float32)
    else:
        trunk = _trunk_curve(plan, share, pitch, hip_height)
    radius = _trunk_radius(plan, share)
    trunk_up = carry_frame(trunk, UP)[2]
    neck, neck_up, skull = _raise_neck(plan, stream, trunk, radius, side)
    count = len(neck)
    size = plan.head.size
    stump = plan.neck.length < 0.2
    root = (
        plan.spine.girth_chest * 0.9
        if stump
        else min(plan.spine.girth_chest * 0.8, max(plan.neck.thickness * 1.9, plan.spine.girth_chest * 0.45))
    )
    skull_radius = 0.46 * size * float(np.sqrt(plan.head.height * plan.head.width))
    throat = (
        skull_radius
        if stump
        else min(size * 0.36 * min(plan.head.height, plan.head.width), max(plan.neck.thickness, size * 0.2))
    )
    neck_radius = profile(
        (root, 0.7 * root + 0.3 * throat, 0.3 * root + 0.7 * throat, throat)
        if stump
        else (root, plan.neck.thickness * 1.18, plan.neck.thickness, max(throat, plan.neck.thickness)),
        count,
    )
    return Skeleton(trunk, share, radius, trunk_up, neck, neck_radius, neck_up, skull, floating, side, 0.93 * crouch)


def _stand(plan: BodyPlan, crouch: float) -> tuple[float, float, bool]:
    """Height of the hip, pitch of the trunk, and whether the animal floats."""
    spine = plan.spine
    legs = [limb for limb in plan.limbs if limb.kind is LimbKind.LEG]
    pitch = spine.pitch
    if plan.symmetry is Symmetry.RADIAL:
        rest = spine.girth_waist * 0.42 if not legs else _carry(legs[0]) * crouch
        return rest, 0.0, False
    if plan.pose in _FLOATING or not (legs or _lies(plan)):
        low = spine.girth_waist + (0.55 * max((_carry(limb) for limb in legs), default=0.0)) + 0.45
        return low + max(0.0, -np.sin(np.radians(pitch))), pitch, True
    if not legs:
        arms = max((limb.length for limb in plan.limbs if limb.kind is LimbKind.TENTACLE), default=0.0)
        return spine.girth_rump * 0.75 + 0.18 * arms, pitch, False
    front = [limb for limb in legs if limb.at >= 0.5]
    rear = [limb for limb in legs if limb.at < 0.5]
    if plan.pose is Pose.REARING and rear:
        return _carry(rear[-1]) * 0.95, max(52.0, pitch), False
    if front and rear:
        fore, hind = front[0], rear[-1]
        y_fore, y_hind = _carry(fore) * crouch, _carry(hind) * crouch
        if plan.pose is Pose.SITTING:
            y_hind = spine.girth_rump * 0.86
        gap = max(0.3, fore.at - hind.at)
        slope = float(np.degrees(np.arctan2(y_fore - y_hind, gap)))
        slope = float(np.clip(slope, -24, 46))
        return y_hind - np.sin(np.radians(slope)) * hind.at, slope, False
    carrier = front[0] if front else rear[-1]
    height = _carry(carrier) * crouch
    if carrier.stance is Stance.ARTHROPOD or carrier.at > 0.6:
        # The rump of an animal with legs in front only comes to rest on the ground.
        lowest = spine.girth_rump * 0.8 if carrier.stance is not Stance.ARTHROPOD else max(height, spine.girth_rump)
        slope = float(np.degrees(np.arcsin(np.clip((height - lowest) / max(0.4, carrier.at), -0.5, 0.8))))
        if carrier.stance is Stance.ARTHROPOD:
            slope = pitch
            lowest = max(height - np.sin(np.radians(slope)) * carrier.at, spine.girth_rump * 0.9)
        return lowest, slope, False
    return max(height - np.sin(np.radians(pitch)) * carrier.at, spine.girth_rump * 0.5), pitch, False


def _carry(limb: Limb) -> float:
    return limb.length * _REACH[limb.stance]


def _lies(plan: BodyPlan) -> bool:
    return any(limb.kind in (LimbKind.TENTACLE, LimbKind.RAY) for limb in plan.limbs) or plan.pose in (
        Pose.CROUCHING,
        Pose.COILED,
    )


def _trunk_curve(plan: BodyPlan, share: Floats, pitch: float, hip_height: float) -> Floats:
    step = np.diff(share)
    middle = 0.5 * (share[1:] + share[:-1])
    arch = plan.spine.arch * (2.2 if plan.pose is Pose.COILED else 1.0)
    elevation = pitch + np.degrees(np.arctan(np.pi * arch * np.cos(np.pi * np.clip(middle, 0, 1))))
    azimuth = plan.turn * 46 * (middle - 0.4)
    moves = np.stack([heading(float(e), float(a)) * s for e, a, s in zip(elevation, azimuth, step, strict=True)])
    trunk = np.concatenate((np.zeros((1, 3), np.float32), np.cumsum(moves, 0)))
    hip = np.array([np.interp(0.0, share, trunk[:, i]) for i in range(3)])
    return (trunk - hip + np.array((0, hip_height, 0))).astype(np.float32)


def _trunk_radius(plan: BodyPlan, share: Floats) -> Floats:
    spine = plan.spine
    knots = np.array((-0.13, 0.0, 0.22, 0.5, 0.78, 1.0, 1.1), np.float32)
    rump, waist, chest = spine.girth_rump, spine.girth_waist, spine.girth_chest
    values = (rump * 0.62, rump, 0.45 * rump + 0.55 * waist, waist, 0.5 * (waist + chest), chest, chest * 0.72)
    radius = np.interp(share, knots, values)
    if plan.shell.kind is ShellKind.SPIRAL and not any(b.kind is LimbKind.LEG and b.at < 0.4 for b in plan.limbs):
        # The rear of the body hides in the shell.
        radius = radius * np.interp(share, (0.2, 0.55), (0.3, 1.0))
    kernel = np.array((0.2, 0.6, 0.2))
    radius = np.convolve(np.pad(radius, 1, mode="edge"), kernel, "valid")
    return radius.astype(np.float32)


def _raise_neck(
    plan: BodyPlan, stream: Stream, trunk: Floats, radius: Floats, side: float
) -> tuple[Floats, Floats, Frame]:
    neck = plan.neck
    forward = unit(trunk[-1] - trunk[-3])
    trunk_pitch = float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1))))
    trunk_azimuth = float(np.degrees(np.arctan2(-forward[2], forward[0])))
    start = trunk[-3] + UP * radius[-3] * 0.22
    if plan.symmetry is Symmetry.RADIAL:
        start = trunk[len(trunk) // 2] + UP * radius[len(trunk) // 2] * 0.5
    q = (np.arange(_NECK_NODES - 1, dtype=np.float32) + 0.5) / (_NECK_NODES - 1)
    long = neck.length > 0.28
    rise = max(neck.rise, trunk_pitch - 10) if long else neck.rise + 0.6 * trunk_pitch
    if plan.symmetry is Symmetry.RADIAL:
        rise = max(rise, 74.0)
    head_pitch = stream.uniform(-14, 4)
    if plan.pose is Pose.GRAZING and neck.length > 0.3:
        drop = start[1] - plan.head.size * 0.55
        rise = -float(np.degrees(np.arcsin(np.clip(drop / (neck.length + 0.3 * plan.head.size), 0.2, 0.86))))
        head_pitch = rise - 8.0
    elif plan.pose is Pose.REARING:
        rise = max(rise, 58.0)
        head_pitch = stream.uniform(-6, 20)
    elif plan.pose is Pose.SITTING:
        rise = max(rise, 46.0)
    if not long and plan.pose is not Pose.SITTING and plan.spine.pitch < 40:
        head_pitch = 0.5 * trunk_pitch + stream.uniform(-10, 4)
    bend = neck.bend * (0.35 if plan.pose is Pose.GRAZING else 1.0)
    elevation = rise - 82 * bend * np.cos(2 * np.pi * q) * (1 if long else 0.4)
    # The head turns towards the viewer so that the face is seen, and far around when it looks back.
    seen_yaw = plan.view_yaw if side < 0 else (180 - plan.view_yaw if plan.view_yaw > 0 else -180 - plan.view_yaw)
    wanted = stream.uniform(26, 62) - seen_yaw
    limit = 100.0 if long else 30.0
    if plan.pose is Pose.LOOKING_BACK:
        wanted = stream.uniform(100, 135) if long else wanted
        limit = 140.0 if long else limit
    if plan.head.mouth in (Mouth.JAWS, Mouth.ROSTRUM, Mouth.TUBE) and plan.pose is not Pose.LOOKING_BACK:
        wanted = min(wanted, 38 - seen_yaw)
    azimuth_head = float(np.clip(wanted, -30, limit)) * -side + trunk_azimuth
    bending = 0.75 if long else 0.4
    azimuth = trunk_azimuth + (azimuth_head - trunk_azimuth) * bending * q
    step = neck.length / (_NECK_NODES - 1)
    moves = np.stack([heading(float(e), float(a)) * step for e, a in zip(elevation, azimuth, strict=True)])
    points = (start + np.concatenate((np.zeros((1, 3), np.float32), np.cumsum(moves, 0)))).astype(np.float32)
    if neck.length < 1e-3:
        points = (start + forward * np.linspace(0, 0.02, _NECK_NODES)[:, None]).astype(np.float32)
    ahead = heading(head_pitch, azimuth_head)
    tilt = stream.gaussian(0, 7)
    up = unit(UP + cross(ahead, UP) * float(np.sin(np.radians(tilt))))
    size = plan.head.size
    origin = points[-1] + ahead * size * 0.3 + UP * size * (0.08 if long else 0.0)
    if not long:
        sunk = 0.25 if plan.spine.flatness < 1.5 else -0.15
        origin = points[-1] + ahead * (size * 0.34 + sunk * float(radius[-1]))
    ups = carry_frame(points, UP if abs(elevation[0]) < 75 else vector(-1, 0.3, 0))[2]
    return points, ups, frame_towards(origin, ahead, up)
