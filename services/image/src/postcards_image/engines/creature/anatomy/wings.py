"""Wings, fins and flippers."""

import numpy as np

from postcards_image.engines.creature.anatomy.legs import Growth
from postcards_image.engines.creature.anatomy.membranes import fan, feather, insect_wing
from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import Bone, chain
from postcards_image.engines.creature.geometry.mesh import LIMB, TINT, Material
from postcards_image.engines.creature.geometry.space import Floats, Frame, cross, profile, spline, unit
from postcards_species.body.kinds import CoveringKind, LimbKind, Pose, Stance
from postcards_species.body.plan import BodyPlan, Limb
from postcards_species.streams import Stream

_FEATHERED = (CoveringKind.FEATHERS, CoveringKind.FUR)
_PAINTED, _CLEAR = 1.0, 0.0


def grow_wings(plan: BodyPlan, skeleton: Skeleton) -> Growth:
    """All wings, fins and flippers."""
    growth = Growth()
    stream = Stream(plan.pose_seed, "pose/wings")
    spread = plan.pose is Pose.HOVERING or skeleton.floating or stream.chance(0.16)
    beat = stream.uniform(0.2, 0.95)
    for limb in plan.limbs:
        for side in (-1, 1):
            if limb.kind is LimbKind.WING:
                if limb.stance is Stance.ARTHROPOD:
                    _insect(plan, skeleton, limb, side, beat, growth)
                elif spread:
                    _spread_wing(plan, skeleton, limb, side, beat, growth)
                else:
                    _folded_wing(plan, skeleton, limb, side, growth)
            elif limb.kind in (LimbKind.FIN, LimbKind.FLIPPER):
                _fin(plan, skeleton, limb, side, growth, stream)
    return growth


def _shoulder(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int, up: float) -> tuple[Frame, Floats]:
    frame = skeleton.frame(limb.at) if limb.at < 1.06 else skeleton.skull
    radius = skeleton.radius(limb.at) if limb.at < 1.06 else plan.head.size * 0.4
    wide = radius * np.sqrt(plan.spine.flatness)
    high = radius / np.sqrt(plan.spine.flatness)
    return frame, frame.at(0, up * high, side * wide * float(np.sqrt(max(0.1, 1 - up * up))) * 0.92)


def _insect(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int, beat: float, growth: Growth) -> None:
    frame, root = _shoulder(plan, skeleton, limb, side, 0.75)
    rear = any(other.kind is LimbKind.WING and other.at > limb.at for other in plan.limbs)
    painted = plan.covering.kind in _FEATHERED
    lift = 0.35 + 0.75 * beat + (0.0 if not rear else -0.12)
    out = frame.side * side
    way = unit(out * (1.05 - 0.5 * beat) + frame.up * lift + frame.ahead * (0.3 if not rear else -0.5))
    back = unit(-frame.ahead * 1.0 + out * (0.25 if rear else 0.05) - frame.up * 0.1)
    back = unit(back - way * float(back @ way))
    face = unit(cross(way, back)) * side
    if painted:
        outline = (0.12, 0.42, 0.6, 0.66, 0.3) if not rear else (0.2, 0.62, 0.82, 0.74, 0.28)
    else:
        outline = (0.07, 0.17, 0.21, 0.2, 0.06) if not rear else (0.1, 0.28, 0.27, 0.22, 0.06)
    growth.meshes.append(insect_wing(root, way, back, face, limb.length, outline, _PAINTED if painted else _CLEAR))


def _spread_wing(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int, beat: float, growth: Growth) -> None:
    frame, root = _shoulder(plan, skeleton, limb, side, 0.45)
    out, length = frame.side * side, limb.length * 1.25
    lift = 0.25 + 0.75 * beat
    elbow = root + unit(out + frame.up * lift - frame.ahead * 0.35) * length * 0.28
    wrist = elbow + unit(out * 0.8 + frame.up * lift * 1.1 + frame.ahead * 0.65) * length * 0.3
    tip = wrist + unit(out + frame.up * (lift - 0.2) - frame.ahead * 0.2) * length * 0.24
    arm = spline(np.stack((root, elbow, wrist, tip)), 13)
    radii = profile((1.0, 0.8, 0.6, 0.2), 13) * limb.thickness * 1.1
    growth.bones += chain(arm, radii, 0.7 * limb.thickness, frame.up, limb=(0.0, 0.6), along=(limb.at, limb.at))
    face = unit(frame.up * 1.0 - out * lift * 0.75)
    back = -frame.ahead
    if plan.covering.kind not in _FEATHERED:
        _bat_membrane(arm, root, wrist, tip, back, out, length, frame, plan, skeleton, limb, side, growth)
        return
    count = 19
    for layer, (scale, tint, offset) in enumerate(((1.0, 0.55, 0.0), (0.62, 0.25, 0.014), (0.36, 0.0, 0.028))):
        points = spline(arm[2:], count)
        for i in range(count):
            t = i / (count - 1)
            way = unit(back * (1.0 - 0.75 * t**2) + out * (0.1 + 0.95 * t**1.7) + frame.up * lift * 0.8 * t**2)
            long = length * (0.36 + 0.26 * t - 0.02 * layer) * scale
            part = feather(
                points[i] + face * offset,
                way,
                face,
                long,
                0.115 * length * (1.05 - 0.3 * t),
                tint=tint + 0.3 * (t > 0.6) * (layer == 0),
                bend=-face * 0.1,
                point=0.5,
            )
            part.fields[:, LIMB] = 0.5
            growth.meshes.append(part)


def _bat_membrane(
    arm: Floats,
    root: Floats,
    wrist: Floats,
    tip: Floats,
    back: Floats,
    out: Floats,
    length: float,
    frame: Frame,
    plan: BodyPlan,
    skeleton: Skeleton,
    limb: Limb,
    side: int,
    growth: Growth,
) -> None:
    """A skin stretched between long fingers."""
    fingers = [tip + unit(out * 0.9 + frame.up * 0.2 + back * 0.35) * length * 0.36]
    fingers.append(wrist + unit(out * 0.62 + back * 0.75) * length * 0.62)
    fingers.append(wrist + unit(out * 0.2 + back) * length * 0.6)
    ankle = _shoulder(plan, skeleton, limb, side, 0.2)[1] + back * min(0.5, limb.at) + out * 0.05
    rim = spline(np.stack((fingers[0], fingers[1], fingers[2], ankle)), 25)
    base = spline(np.stack((arm[-1], arm[8], arm[4], root)), 25)
    membrane = fan(base, rim, Material.MEMBRANE, rows=11, columns=33, notch=0.16, rays=4, bow=frame.up * 0.05 * length)
    membrane.fields[:, TINT] = 0.5
    growth.meshes.append(membrane)
    growth.bones.append(Bone(wrist, tip, limb.thickness * 0.5, limb.thickness * 0.3, 0.01, frame.up, limb=(0.5, 0.6)))


def _folded_wing(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int, growth: Growth) -> None:
    """Feathers laid along the flank like roof tiles, the longest underneath, each on the curve of the body."""
    length = min(limb.length, 1.1)
    feathered = plan.covering.kind in _FEATHERED
    rows = ((0.0, 0.86, 8, 0.55, 0.5), (0.016, 0.52, 9, 0.25, 0.34), (0.03, 0.3, 9, 0.0, 0.2))
    for layer, (lift, scale, count, tint, back) in enumerate(rows):
        for i in range(count):
            t = i / (count - 1)
            share = limb.at - back * (0.25 + 0.4 * t)
            root, out = _flank(plan, skeleton, share, side, -0.25 + 1.0 * t, 0.02 + lift)
            end, end_out = _flank(plan, skeleton, share - 0.5 * length * scale, side, 0.0 + 0.62 * t, 0.03 + lift)
            way = unit(end - root)
            face = unit(0.6 * out + 0.4 * end_out)
            long = length * scale * (0.8 + 0.3 * t)
            wide = length * (0.15 if feathered else 0.22)
            part = feather(
                root,
                way,
                face,
                long,
                wide,
                tint=tint + 0.2 * t * (layer == 0),
                bend=-face * 0.1 - skeleton.frame(0).up * 0.05,
            )
            part.fields[:, LIMB] = 0.5
            if not feathered:
                part.material[:] = Material.MEMBRANE
                part.fields[:, TINT] = 0.5
                part.fields[:, 5] = 3
            growth.meshes.append(part)


def _flank(
    plan: BodyPlan, skeleton: Skeleton, share: float, side: int, height: float, off: float
) -> tuple[Floats, Floats]:
    """A point `off` trunks off the flank, `height` radians above its widest line, and the direction outwards."""
    frame = skeleton.frame(share)
    radius = skeleton.radius(share)
    wide = radius * float(np.sqrt(plan.spine.flatness)) + off
    high = radius / float(np.sqrt(plan.spine.flatness)) + off
    point = frame.at(0, float(np.sin(height)) * high, side * float(np.cos(height)) * wide)
    out = unit(frame.side * (side * np.cos(height) / wide) + frame.up * (np.sin(height) / high))
    return point, out


def _fin(plan: BodyPlan, skeleton: Skeleton, limb: Limb, side: int, growth: Growth, stream: Stream) -> None:
    frame, root = _shoulder(plan, skeleton, limb, side, -0.45)
    out = frame.side * side
    length = limb.length
    way = unit(
        out * (0.5 + 0.6 * limb.splay) - frame.up * stream.uniform(0.25, 0.6) - frame.ahead * stream.uniform(0.25, 0.6)
    )
    if limb.kind is LimbKind.FLIPPER:
        count = 11
        bend = -frame.ahead * 0.35
        t = np.linspace(0, 1, count)[:, None]
        path = (root + way * (length * t) + bend * (length * t * t)).astype(np.float32)
        chord = profile((0.8, 1.25, 1.15, 0.8, 0.12), count) * limb.thickness * 1.7
        normal = unit(cross(way, -frame.ahead))
        growth.bones += chain(
            path,
            (chord * 0.62).astype(np.float32),
            np.linspace(0.9, 0.1, count).astype(np.float32) * limb.thickness,
            normal,
            flatness=5.0,
            limb=(0.1, 1.0),
            along=(limb.at, limb.at),
        )
        return
    behind = unit(-frame.ahead + frame.up * 0.1)
    base = np.stack((root + frame.ahead * 0.08 * length, root - frame.ahead * 0.2 * length))
    tips = np.stack(
        (
            root + way * length * 0.9,
            root + unit(way + behind * 0.6) * length * 1.05,
            root + unit(way * 0.6 + behind) * length * 0.8,
        )
    )
    part = fan(base, spline(tips, 9), Material.MEMBRANE, notch=0.1, rays=9)
    part.fields[:, TINT] = 0.35
    part.fields[:, LIMB] = 0.7
    growth.meshes.append(part)
