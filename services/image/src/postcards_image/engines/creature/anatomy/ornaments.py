"""What else grows on the animal: humps, quills, fins along the back, frills, and what is on the head."""

import numpy as np

from postcards_image.engines.creature.anatomy import headgear
from postcards_image.engines.creature.anatomy.membranes import fan
from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.flesh import Bone, Flesh
from postcards_image.engines.creature.geometry.mesh import TINT, Material, Mesh, blank_fields
from postcards_image.engines.creature.geometry.space import Floats, cross, unit
from postcards_species.body.kinds import CoveringKind, OrnamentKind, ShellKind
from postcards_species.body.plan import BodyPlan, Ornament
from postcards_species.streams import Stream


def ornament_bones(plan: BodyPlan, skeleton: Skeleton) -> list[Bone]:
    """The flesh of humps (the plan's own, and the ornament)."""
    bones: list[Bone] = []
    heights = [(0.9, plan.spine.hump)] if plan.spine.hump > 0.02 else []
    heights += [(0.5, o.size * 0.3) for o in plan.ornaments if o.kind is OrnamentKind.HUMP]
    for at, height in heights:
        frame = skeleton.frame(at)
        radius = skeleton.radius(at)
        top = frame.at(0, radius * 0.55 + height * 0.6, 0)
        bones.append(
            Bone(
                frame.at(-0.08, radius * 0.3, 0),
                top,
                radius * 0.8,
                radius * 0.55,
                0.2,
                frame.up,
                0.8,
                (at, at),
                shag=1.5,
            )
        )
    return bones


def grow_ornaments(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh) -> list[Mesh]:
    """Everything that is not flesh."""
    meshes: list[Mesh] = []
    stream = Stream(plan.pose_seed, "pose/ornaments")
    for ornament in plan.ornaments:
        meshes += _grow(plan, skeleton, flesh, ornament, stream)
    if plan.shell.kind is ShellKind.PLATES and plan.shell.height >= 0.1:
        meshes += _scutes(plan, skeleton)
    return meshes


def _grow(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    skull, size = skeleton.skull, plan.head.size
    match ornament.kind:
        case OrnamentKind.HORN | OrnamentKind.OSSICONE:
            return headgear.grow_horns(skull, size, flesh, ornament)
        case OrnamentKind.NOSE_HORN:
            return headgear.grow_nose_horns(skull, size, flesh, ornament, plan)
        case OrnamentKind.ANTLER:
            return headgear.grow_antlers(skull, size, flesh, ornament, stream)
        case OrnamentKind.ANTENNA:
            return headgear.grow_antennae(skull, size, flesh, ornament, stream)
        case OrnamentKind.SPINES:
            return [_spines(plan, skeleton, flesh, ornament, stream)]
        case OrnamentKind.CREST:
            return headgear.grow_crest(skull, size, flesh, ornament, plan)
        case OrnamentKind.COMB:
            return [headgear.grow_comb(skull, size, flesh, ornament)]
        case OrnamentKind.WATTLE:
            return headgear.grow_wattles(skull, size, flesh, ornament)
        case OrnamentKind.DORSAL_FIN:
            return _dorsal_fins(plan, skeleton, ornament)
        case OrnamentKind.TUSK:
            return headgear.grow_tusks(skull, size, ornament)
        case OrnamentKind.RUFF:
            return [_ruff(plan, skeleton, ornament)]
        case OrnamentKind.HUMP | OrnamentKind.MANE | OrnamentKind.WHISKERS:
            return []


def _spines(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh, ornament: Ornament, stream: Stream) -> Mesh:
    """Hundreds of quills over the back, or knobs if they are short."""
    rng = np.random.default_rng(stream.seed())
    dense = int(np.clip(ornament.count, 3, 12))
    count = 90 * dense
    share = rng.uniform(-0.06, 1.04, count)
    angle = rng.normal(0, 0.75, count).clip(-1.6, 1.6)
    length = ornament.size * (0.75 if ornament.size > 0.1 else 0.8) * rng.uniform(0.7, 1.15, count)
    roots = np.empty((count, 3), np.float32)
    ways = np.empty((count, 3), np.float32)
    for i in range(count):
        frame = skeleton.frame(float(share[i]))
        radius = skeleton.radius(float(share[i]))
        out = unit(frame.up * np.cos(angle[i]) + frame.side * np.sin(angle[i]))
        flat = plan.spine.flatness
        roots[i] = (
            frame.origin
            + (frame.up * (np.cos(angle[i]) / np.sqrt(flat)) + frame.side * (np.sin(angle[i]) * np.sqrt(flat)))
            * radius
            * 0.97
        )
        ways[i] = unit(out * 0.9 - frame.ahead * (0.55 + ornament.curve * 0.5) + rng.normal(0, 0.13, 3))
    inside = flesh.distance(roots)
    roots -= ways * np.maximum(inside, 0)[:, None]
    length = np.minimum(length, 0.28)
    thick = np.clip(0.055 * length, 0.004, 0.014) * (2.2 if ornament.size < 0.1 else 1.0)
    return _quills(roots, ways, length.astype(np.float32), thick.astype(np.float32))


def _quills(roots: Floats, ways: Floats, length: Floats, thick: Floats) -> Mesh:
    count = len(roots)
    aside = unit(cross(ways, np.broadcast_to(np.array((0.3, 0.2, 0.93), np.float32), ways.shape)))
    third = cross(ways, aside)
    ring = [aside * np.cos(a) + third * np.sin(a) for a in np.arange(4) * np.pi / 2]
    bottom = [roots + r * thick[:, None] for r in ring]
    tip = roots + ways * length[:, None]
    position = np.concatenate((*bottom, tip)).astype(np.float32)
    normal = unit(np.concatenate((*ring, ways)))
    fields = blank_fields(5 * count, np.tile(ways, (5, 1)))
    fields[:, 3] = np.concatenate((np.zeros(4 * count), np.ones(count)))
    fields[:, 6] = 0.7
    base = np.arange(count)
    triangles = np.concatenate(
        [np.stack((base + i * count, base + ((i + 1) % 4) * count, base + 4 * count), 1) for i in range(4)]
    ).astype(np.int32)
    return Mesh(position, normal, fields, triangles, np.full(len(triangles), Material.QUILL, np.uint8))


def _dorsal_fins(plan: BodyPlan, skeleton: Skeleton, ornament: Ornament) -> list[Mesh]:
    meshes: list[Mesh] = []
    sections = ((0.86, 0.18),) if ornament.count == 1 else ((0.9, 0.5), (0.42, 0.08))
    if ornament.count == 1 and plan.covering.kind is CoveringKind.SKIN:
        sections = ((0.64, 0.3),)
    for start, end in sections[: ornament.count]:
        places = np.linspace(start, end, 9)
        base: list[Floats] = []
        tips: list[Floats] = []
        for i, at in enumerate(places):
            frame = skeleton.frame(float(at))
            high = skeleton.radius(float(at)) / np.sqrt(plan.spine.flatness)
            t = i / 8
            rise = ornament.size * (
                np.sin(np.pi * (0.12 + 0.8 * t**0.75))
                if ornament.count > 1 or plan.covering.kind is not CoveringKind.SKIN
                else (1 - t) ** 0.6 * 1.1
            )
            root = frame.at(0, high * 0.86, 0)
            base.append(root)
            sweep = 0.35 + 0.6 * max(0.0, ornament.curve)
            tips.append(root + frame.up * rise - frame.ahead * rise * sweep)
        smooth = plan.covering.kind is CoveringKind.SKIN
        part = fan(
            np.stack(base),
            np.stack(tips),
            Material.MEMBRANE,
            rays=3 if smooth else 11,
            notch=0.0 if smooth else 0.14,
            columns=33,
        )
        part.fields[:, TINT] = 0.9 if smooth else 0.35
        meshes.append(part)
    return meshes


def _ruff(plan: BodyPlan, skeleton: Skeleton, ornament: Ornament) -> Mesh:
    """A frill that stands around the neck."""
    skull = skeleton.skull
    index = max(2, len(skeleton.neck) - 3)
    centre, size = skeleton.neck[index], plan.head.size
    around = np.linspace(0, 2 * np.pi, 41)
    inner = np.stack(
        [
            centre + (skull.up * np.cos(a) + skull.side * np.sin(a)) * float(skeleton.neck_radius[index]) * 0.8
            for a in around
        ]
    )
    reach = min(ornament.size, 1.2) * size
    outer = np.stack(
        [
            centre
            - skull.ahead * 0.3 * reach
            + (skull.up * np.cos(a) + skull.side * np.sin(a)) * (float(skeleton.neck_radius[index]) + reach)
            for a in around
        ]
    )
    part = fan(inner, outer, Material.MEMBRANE, columns=81, rays=16, notch=0.12, rows=7)
    part.fields[:, TINT] = 0.35
    return part


def _scutes(plan: BodyPlan, skeleton: Skeleton) -> list[Mesh]:
    """Rows of keeled plates along a crocodile's back."""
    roots: list[Floats] = []
    ways: list[Floats] = []
    lengths: list[float] = []
    for row in (-1.5, -0.5, 0.5, 1.5):
        for at in np.linspace(-0.1, 1.0, 15):
            frame = skeleton.frame(float(at) + 0.02 * (row % 2))
            radius = skeleton.radius(float(at))
            flat = plan.spine.flatness
            a = row * 0.3
            roots.append(
                frame.origin
                + (frame.up * np.cos(a) / np.sqrt(flat) + frame.side * np.sin(a) * np.sqrt(flat)) * radius * 0.93
            )
            ways.append(unit(frame.up * np.cos(a) + frame.side * np.sin(a) - frame.ahead * 0.75))
            lengths.append(0.045 + 0.3 * plan.shell.height * radius * (1.2 if abs(row) < 1 else 0.9))
    mesh = _quills(
        np.stack(roots).astype(np.float32),
        np.stack(ways).astype(np.float32),
        np.array(lengths, np.float32),
        np.full(len(roots), 0.03, np.float32),
    )
    mesh.fields[:, 3:6] = 9.0
    mesh.material[:] = Material.HIDE
    mesh.fields[:, 10] = 0.2
    return [mesh]
