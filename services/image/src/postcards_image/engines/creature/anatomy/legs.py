"""Legs, arms, pincers, tentacles and rays: where their joints are, and the flesh on them."""

from dataclasses import dataclass, field

import numpy as np

from postcards_image.engines.creature.anatomy.feet import grow_foot
from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import Bone, chain
from postcards_image.engines.creature.geometry.mesh import LIMB, Material, Mesh, tube
from postcards_image.engines.creature.geometry.space import (
    UP,
    Floats,
    Frame,
    cross,
    profile,
    spline,
    two_bones,
    unit,
    vector,
)
from postcards_species.body.kinds import CoveringKind, Foot, LimbKind, Pose, Stance, Symmetry
from postcards_species.body.plan import BodyPlan, Limb
from postcards_species.streams import Stream


@dataclass
class Growth:
    """What has grown: flesh to be blended, and separate surfaces."""

    bones: list[Bone] = field(default_factory=list[Bone])
    meshes: list[Mesh] = field(default_factory=list[Mesh])


@dataclass(frozen=True)
class _Root:
    """Where a limb begins, and its directions along the ground."""

    point: Floats
    ahead: Floats
    out: Floats
    girth: float
    side: int


def grow_limbs(plan: BodyPlan, skeleton: Skeleton) -> Growth:
    """All limbs that are flesh or segments; wings, fins and flippers are sheets and grow elsewhere."""
    growth = Growth()
    stream = Stream(plan.pose_seed, "pose/limbs")
    ringed = [limb for limb in plan.limbs if limb.kind in (LimbKind.TENTACLE, LimbKind.RAY)]
    _grow_ring(plan, skeleton, ringed, growth, stream)
    pairs = [limb for limb in plan.limbs if limb.kind in (LimbKind.LEG, LimbKind.ARM, LimbKind.PINCER)]
    walkers = [limb for limb in pairs if limb.kind is LimbKind.LEG]
    for index, limb in enumerate(pairs):
        for side in (-1, 1):
            root = _root(plan, skeleton, limb, side)
            if limb.kind is LimbKind.PINCER:
                _grow_pincer(limb, root, growth, stream)
            elif limb.kind is LimbKind.ARM:
                _grow_arm(limb, root, growth, stream)
            elif limb.stance is Stance.ARTHROPOD:
                rank = walkers.index(limb) / max(1, len(walkers) - 1)
                _grow_segmented(plan, skeleton, limb, root, rank, growth, stream)
            else:
                _grow_leg(plan, skeleton, limb, root, index, growth, stream)
    return growth


def _root(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int) -> _Root:
    frame = skeleton.frame(min(limb.at, 1.05))
    radius = skeleton.radius(limb.at)
    wide = radius * np.sqrt(plan.spine.flatness)
    high = radius / np.sqrt(plan.spine.flatness)
    ahead = frame.ahead * np.array((1, 0, 1), np.float32)
    ahead = unit(ahead) if float(np.abs(ahead).sum()) > 0.15 else vector(1, 0, 0)
    out = unit(cross(ahead, UP)) * side
    if limb.stance in (Stance.ARTHROPOD, Stance.SPRAWL):
        point = frame.at(0, -0.3 * high, side * wide * 0.72)
    else:
        inset = max(0.0, wide * 0.72 - limb.thickness * 0.35)
        point = frame.at(0, -0.12 * high, side * inset)
    return _Root(point, ahead, out.astype(np.float32), radius, side)


def _foot_target(
    plan: BodyPlan, skeleton: Skeleton, limb: Limb, root: _Root, index: int, stream: Stream
) -> tuple[Floats, bool]:
    """Where the foot stands, and whether it touches the ground."""
    length, front = limb.length, limb.at >= 0.5
    if skeleton.floating:
        drop = stream.uniform(0.62, 0.8) * skeleton.reach
        return root.point - UP * length * drop - root.ahead * length * stream.uniform(0.05, 0.3), False
    if plan.pose is Pose.REARING and front:
        forward = stream.uniform(0.3, 0.55)
        return root.point + root.ahead * length * forward - UP * length * stream.uniform(0.2, 0.5), False
    stride = 0.0
    lift = 0.0
    if plan.pose is Pose.WALKING:
        phase = 1 if (index + (root.side > 0)) % 2 else -1
        stride = phase * stream.uniform(0.14, 0.24) * length
        lift = 0.06 * length if phase > 0 and stream.chance(0.6) else 0.0
    elif plan.pose is Pose.SITTING and not front:
        stride = 0.3 * length
    elif plan.pose is Pose.CROUCHING:
        stride = stream.uniform(-0.1, 0.2) * length
    else:
        stride = stream.uniform(-0.08, 0.08) * length
    if limb.stance is Stance.BIRD or (not front and sum(lb.kind is LimbKind.LEG for lb in plan.limbs) == 1):
        # One pair of legs stands below the middle of the body.
        centre = skeleton.frame(0.5 if plan.spine.pitch < 35 else 0.3).origin
        stride += float((centre - root.point) @ root.ahead) * 0.85
    spread = limb.splay * length * (0.62 if limb.stance is Stance.SPRAWL else 0.25)
    target = root.point + root.ahead * stride + root.out * spread
    target[1] = lift
    return target.astype(np.float32), lift == 0.0


def _grow_leg(
    plan: BodyPlan, skeleton: Skeleton, limb: Limb, root: _Root, index: int, growth: Growth, stream: Stream
) -> None:
    target, grounded = _foot_target(plan, skeleton, limb, root, index, stream)
    joints = _joints(limb, root, target, limb.at >= 0.5)
    thick = limb.thickness
    profiles: dict[Stance, tuple[float, ...]] = {
        Stance.UNGULIGRADE: (1.45, 1.05, 0.62, 0.46, 0.44, 0.31, 0.29, 0.35),
        Stance.DIGITIGRADE: (1.4, 1.1, 0.76, 0.6, 0.54, 0.42, 0.42, 0.46),
        Stance.PLANTIGRADE: (1.3, 1.1, 0.86, 0.76, 0.72, 0.62, 0.62, 0.62),
        Stance.COLUMN: (1.25, 1.05, 0.88, 0.8, 0.76, 0.74, 0.76, 0.86),
        Stance.BIRD: (1.7, 1.3, 0.8, 0.52, 0.36, 0.3, 0.28, 0.28),
        Stance.SPRAWL: (1.2, 1.05, 0.86, 0.8, 0.74, 0.62, 0.56, 0.54),
    }
    count = 13
    points = _along_joints(joints, count)
    radii = profile(profiles[limb.stance], count) * thick
    scaly = limb.stance is Stance.BIRD
    stop = count
    if scaly:
        # Feathers end at the ankle; below it the leg is a tube of horny skin.
        stop = 1 + int(np.argmin(((points - joints[2]) ** 2).sum(1)))
        shin = tube(points[stop - 2 :], radii[stop - 2 :] * 0.95, Material.LEG_SKIN, up=root.ahead, sides=8)
        shin.fields[:, LIMB] = 0.6
        growth.meshes.append(shin)
        radii = radii.copy()
        radii[stop - 2 : stop] *= (1.0, 0.8)
    blends = np.linspace(1.0, 0.12, count) * thick * 1.25
    growth.bones += chain(
        points[:stop],
        radii[:stop],
        blends[:stop].astype(np.float32),
        unit(root.out + 0.35 * root.ahead),
        along=(limb.at, limb.at),
        limb=(0.0, 1.0 if not scaly else 0.5),
        shag=1.0 if not scaly else 0.6,
    )
    grow_foot(limb, joints[-1], root.ahead, root.out, float(radii[-1]), grounded, growth.bones, growth.meshes)


def _joints(limb: Limb, root: _Root, target: Floats, front: bool) -> list[Floats]:
    """Root, middle joint, lower joint and foot."""
    length = limb.length
    back = -root.ahead
    foot_height = {Foot.HOOF: 0.05, Foot.PAW: 0.045, Foot.PAD: 0.04}.get(limb.foot, 0.03) * length
    foot = target + UP * foot_height
    if limb.stance is Stance.BIRD:
        ankle = foot + UP * length * 0.42 + back * length * 0.1
        return [
            root.point,
            two_bones(root.point, ankle, 0.34 * length, 0.4 * length, root.ahead + root.out * 0.15),
            ankle,
            foot,
        ]
    if limb.stance is Stance.SPRAWL:
        elbow = two_bones(root.point, foot, 0.52 * length, 0.5 * length, root.out * 0.8 + UP * 0.9 + back * 0.25)
        wrist = foot * 0.75 + elbow * 0.25
        return [root.point, elbow, wrist, foot]
    if limb.stance is Stance.COLUMN:
        bend = back if front else root.ahead
        knee = two_bones(root.point, foot, 0.52 * length, 0.5 * length, bend)
        return [root.point, knee, foot * 0.6 + knee * 0.4, foot]
    if limb.stance is Stance.PLANTIGRADE:
        bend = back if front else root.ahead
        knee = two_bones(root.point, foot, 0.5 * length, 0.5 * length, bend + root.out * 0.25)
        return [root.point, knee, foot * 0.72 + knee * 0.28, foot]
    if front:
        wrist = foot + UP * length * 0.24 + root.ahead * length * 0.012
        elbow = two_bones(root.point, wrist, 0.4 * length, 0.38 * length, back)
        return [root.point, elbow, wrist, foot]
    hock = foot + UP * length * 0.27 + back * length * 0.085
    knee = two_bones(root.point, hock, 0.4 * length, 0.4 * length, root.ahead)
    return [root.point, knee, hock, foot]


def _along_joints(joints: list[Floats], count: int) -> Floats:
    """Points along the joints: straight bones, softly rounded at the joints."""
    corners = np.stack(joints)
    lengths = np.sqrt((np.diff(corners, axis=0) ** 2).sum(1))
    marks = np.zeros(len(lengths) + 1, np.float32)
    marks[1:] = np.cumsum(lengths)
    at = np.linspace(0, float(marks[-1]), 49, dtype=np.float32)
    fine = np.stack([np.interp(at, marks, corners[:, i]) for i in range(3)], 1)
    kernel = np.array((1, 2, 3, 2, 1), np.float32) / 9
    soft = np.stack([np.convolve(np.pad(fine[:, i], 2, mode="edge"), kernel, "valid") for i in range(3)], 1)
    soft[0], soft[-1] = fine[0], fine[-1]
    return soft[np.linspace(0, 48, count).round().astype(int)].astype(np.float32)


def _grow_arm(limb: Limb, root: _Root, growth: Growth, stream: Stream) -> None:
    length = limb.length
    reach = root.ahead * stream.uniform(0.35, 0.6) - UP * stream.uniform(0.35, 0.6) + root.out * 0.12
    wrist = root.point + unit(reach) * length * 0.78
    elbow = two_bones(root.point, wrist, 0.5 * length, 0.45 * length, -root.ahead - UP * 0.3 + root.out * 0.4)
    points = spline(np.stack((root.point, elbow, wrist)), 9)
    radii = profile((1.3, 0.95, 0.72, 0.6, 0.5), 9) * limb.thickness
    growth.bones += chain(
        points, radii, np.linspace(1, 0.2, 9).astype(np.float32) * limb.thickness, root.ahead, limb=(0, 1)
    )
    grow_foot(limb, wrist, unit(root.ahead - UP), root.out, float(radii[-1]), False, growth.bones, growth.meshes)


def _grow_segmented(
    plan: BodyPlan, skeleton: Skeleton, limb: Limb, root: _Root, rank: float, growth: Growth, stream: Stream
) -> None:
    """A jointed leg of an arthropod: up and out to the knee, down to the tip."""
    length = limb.length
    fan = np.radians(52 - 108 * rank + stream.uniform(-9, 9))
    out = unit(root.out * np.cos(fan) + root.ahead * np.sin(fan))
    if skeleton.floating:
        foot = root.point + out * length * 0.28 - UP * length * 0.52 - root.ahead * 0.15 * length
    else:
        foot = root.point + out * length * stream.uniform(0.6, 0.74)
        foot[1] = 0.008
        if plan.pose is Pose.WALKING and stream.chance(0.25):
            foot = foot + UP * 0.1 * length + root.ahead * 0.1 * length
    knee_bend = out * 0.25 + UP
    tip_joint = foot + UP * length * 0.2 + (root.point - foot) * 0.16
    knee = two_bones(root.point, tip_joint, 0.46 * length, 0.42 * length, knee_bend)
    soft = plan.covering.kind in (CoveringKind.FUR, CoveringKind.FEATHERS)
    marks = (root.point, knee, tip_joint, foot)
    widths = ((1.2, 1.0, 0.78), (0.85, 0.72, 0.5), (0.5, 0.34, 0.1))
    for i, width in enumerate(widths):
        _segment(marks[i], marks[i + 1], limb.thickness, width, i, soft, growth, limb)


def _segment(
    start: Floats,
    end: Floats,
    thickness: float,
    width: tuple[float, float, float],
    rank: int,
    soft: bool,
    growth: Growth,
    limb: Limb,
) -> None:
    """One armoured segment, swollen at its joints."""
    count = 9
    path = spline(np.stack((start, end)), count)
    swell = np.array((0.72, 1.12, 1.02, 0.95, 0.93, 0.93, 0.98, 1.1, 0.8), np.float32)
    radii = profile(width, count) * thickness * (swell if rank < 2 else swell[0] + 0 * swell)
    if soft and rank == 0:
        growth.bones += chain(path, radii * 1.1, 0.6 * thickness, UP, limb=(0, 0.4), along=(limb.at, limb.at))
        return
    part = tube(path, np.maximum(radii, 0.0025), Material.HIDE, up=UP, sides=8, flatness=0.9)
    part.fields[:, LIMB] = np.clip(0.05 + (rank + part.fields[:, 3]) / 3, 0, 1)
    part.fields[:, 3:6] = 9.0
    part.fields[:, 7] = limb.at
    part.fields[:, 10] = 0.15
    growth.meshes.append(part)


def _grow_pincer(limb: Limb, root: _Root, growth: Growth, stream: Stream) -> None:
    length, thick = limb.length, limb.thickness
    raised = stream.uniform(-0.05, 0.55)
    start = root.point + root.ahead * root.girth * 0.35
    elbow = start + unit(root.out * 0.9 + root.ahead * 0.55 + UP * (0.25 + raised * 0.6)) * length * 0.3
    wrist = elbow + unit(root.ahead * 1.0 + root.out * 0.12 + UP * raised) * length * 0.26
    _segment(start, elbow, thick, (0.5, 0.55, 0.62), 0, False, growth, limb)
    _segment(elbow, wrist, thick, (0.6, 0.66, 0.7), 1, False, growth, limb)
    hand = unit(root.ahead * 1.0 - root.out * 0.28 + UP * raised * 0.7)
    across = unit(cross(hand, UP) * root.side + UP * 0.35)
    big = 1.18 if root.side > 0 else 0.9
    palm = length * 0.26 * big
    _claw(wrist, hand, across * -1, palm, thick * 1.25 * big, stream.uniform(0.18, 0.5), growth, limb)


def _claw(
    wrist: Floats, hand: Floats, inward: Floats, palm: float, thick: float, gape: float, growth: Growth, limb: Limb
) -> None:
    """A swollen palm with a fixed finger and a thumb that closes against it."""
    up = unit(cross(hand, inward))
    path = np.stack([wrist + hand * palm * t for t in np.linspace(0, 1, 8)]).astype(np.float32)
    radii = profile((0.45, 0.9, 1.15, 1.1, 0.8), 8) * thick
    pieces = [tube(path, radii, Material.HIDE, up=up, sides=12, flatness=1.35)]
    for finger, turn in ((1.0, -0.12), (-1.0, gape)):
        base = path[-2] - inward * thick * 0.42 * finger
        tip_way = unit(hand - inward * ((0.15 + turn) * finger))
        bow = inward * palm * 0.2 * -finger
        curve = spline(
            np.stack(
                (base, base + tip_way * palm * 0.45 + bow, base + tip_way * palm * 0.95 + inward * 0.12 * palm * finger)
            ),
            9,
        )
        finger_radii = profile((0.62, 0.5, 0.32, 0.06), 9) * thick
        pieces.append(tube(curve, finger_radii, Material.HIDE, up=up, sides=10, flatness=1.1, tint=1.0))
    for piece in pieces:
        piece.fields[:, LIMB] = 0.55 + 0.4 * piece.fields[:, 11]
        piece.fields[:, 3:6] = 9.0
        piece.fields[:, 7] = limb.at
        piece.fields[:, 10] = 0.1
        growth.meshes.append(piece)


def _grow_ring(plan: BodyPlan, skeleton: Skeleton, ringed: list[Limb], growth: Growth, stream: Stream) -> None:
    """Tentacles around the mouth or below the body, and the rays of a star."""
    rays = [limb for limb in ringed if limb.kind is LimbKind.RAY]
    tentacles = [limb for limb in ringed if limb.kind is LimbKind.TENTACLE]
    turn = stream.uniform(0, 2 * np.pi)
    for i, limb in enumerate(rays):
        _grow_ray(plan, skeleton, limb, turn + 2 * np.pi * i / len(rays), growth, stream)
    count = 2 * len(tentacles)
    for i in range(count):
        limb = tentacles[i // 2]
        _grow_tentacle(plan, skeleton, limb, i, count, growth, stream)


def _grow_ray(plan: BodyPlan, skeleton: Skeleton, limb: Limb, angle: float, growth: Growth, stream: Stream) -> None:
    radial = plan.symmetry is Symmetry.RADIAL
    centre = skeleton.frame(0.5).origin
    way = vector(float(np.cos(angle)), 0, float(np.sin(angle)))
    sweep = cross(way, UP) * stream.uniform(-0.3, 0.3)
    ground = 0.5 * limb.thickness if not skeleton.floating else centre[1] - 0.2 * limb.length
    length = limb.length * (0.85 if radial else 0.7)
    middle = centre + (way + 0.3 * sweep) * length * 0.5
    tip = centre + (way + sweep) * length
    middle[1] = 0.55 * centre[1] + 0.45 * ground + 0.03
    tip[1] = ground * 0.6 + stream.uniform(0, 0.12) * length
    points = spline(np.stack((centre, middle, tip)), 10)
    radii = profile((1.0, 0.95, 0.72, 0.45, 0.14), 10) * limb.thickness
    growth.bones += chain(
        points,
        radii,
        np.linspace(1, 0.3, 10).astype(np.float32) * limb.thickness * 1.1,
        UP,
        flatness=1.35,
        limb=(0.1, 0.9),
        along=(0.5, 0.5),
    )


def _grow_tentacle(
    plan: BodyPlan, skeleton: Skeleton, limb: Limb, index: int, count: int, growth: Growth, stream: Stream
) -> None:
    """One arm of a ring: out from the root, then curling."""
    from_head = limb.at > 1.05
    frame: Frame = skeleton.skull if from_head else skeleton.frame(limb.at)
    around = 2 * np.pi * (index + 0.5) / count
    ring = plan.head.size * 0.22 if from_head else skeleton.radius(limb.at) * 0.62
    sideways = frame.side * float(np.cos(around)) + frame.up * float(np.sin(around))
    start = frame.origin + frame.ahead * (plan.head.size * 0.3 if from_head else 0.0) + sideways * ring
    way = (
        unit(frame.ahead * 0.75 + sideways * 0.7) if from_head else unit(sideways * 0.9 - UP * 0.55 + frame.ahead * 0.1)
    )
    if not from_head and plan.spine.pitch > 30:
        flat = unit(vector(float(np.cos(around)), 0, float(np.sin(around))))
        base = skeleton.frame(0.0).origin if not skeleton.floating else skeleton.frame(0.05).origin
        start = base + flat * skeleton.radius(0.05) * 0.55
        way = unit(flat - UP * 0.35)
    points: list[Floats] = [start]
    steps = 16
    length = limb.length
    curl_axis = unit(cross(way, UP) + 0.35 * frame.ahead * stream.uniform(-1, 1))
    curl = stream.uniform(0.06, 0.3) * stream.choice((-1, 1))
    for i in range(steps):
        t = i / steps
        way = unit(way + cross(curl_axis, way) * curl * (0.35 + 2.1 * t * t) + UP * (-0.06 if not from_head else -0.02))
        following = points[-1] + way * length / steps
        if following[1] < limb.thickness * 0.7 * (1 - t) + 0.01:
            following = following * np.array((1, 0, 1), np.float32) + UP * (limb.thickness * 0.7 * (1 - t) + 0.01)
            way = unit(following - points[-1])
        points.append(following.astype(np.float32))
    path = np.stack(points)
    radii = profile((1.0, 0.78, 0.55, 0.33, 0.12), len(path)) * limb.thickness
    growth.bones += chain(
        path,
        radii,
        np.linspace(0.9, 0.1, len(path)).astype(np.float32) * limb.thickness,
        -way,
        limb=(0.1, 1.0),
        along=(1.0, 1.0),
    )
