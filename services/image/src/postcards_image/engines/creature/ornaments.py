"""What else grows on the animal: horns, antlers, antennae, spines, combs, crests, fins."""

import numpy as np
from postcards_species.body_plan import BodyPlan, CoveringKind, Ornament, OrnamentKind, ShellKind
from postcards_species.streams import Stream

from postcards_image.engines.creature.flesh import Bone, Flesh
from postcards_image.engines.creature.mesh import (
    HEAD,
    TINT,
    Material,
    Mesh,
    ball,
    blank_fields,
    tube,
)
from postcards_image.engines.creature.sheets import fan, feather
from postcards_image.engines.creature.skeleton import Skeleton
from postcards_image.engines.creature.space import UP, Floats, Frame, cross, profile, spline, unit


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
        meshes += _scutes(plan, skeleton, flesh)
    return meshes


def _grow(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    skull, size = skeleton.skull, plan.head.size
    match ornament.kind:
        case OrnamentKind.HORN | OrnamentKind.OSSICONE:
            return _horns(skull, size, flesh, ornament)
        case OrnamentKind.NOSE_HORN:
            return _nose_horns(skull, size, flesh, ornament, plan)
        case OrnamentKind.ANTLER:
            return _antlers(skull, size, flesh, ornament, stream)
        case OrnamentKind.ANTENNA:
            return _antennae(skull, size, flesh, ornament, stream)
        case OrnamentKind.SPINES:
            return [_spines(plan, skeleton, flesh, ornament, stream)]
        case OrnamentKind.CREST:
            return _crest(skull, size, flesh, ornament, plan)
        case OrnamentKind.COMB:
            return [_comb(skull, size, flesh, ornament)]
        case OrnamentKind.WATTLE:
            return _wattles(skull, size, flesh, ornament)
        case OrnamentKind.DORSAL_FIN:
            return _dorsal_fins(plan, skeleton, ornament)
        case OrnamentKind.TUSK:
            return _tusks(skull, size, ornament)
        case OrnamentKind.RUFF:
            return [_ruff(plan, skeleton, ornament)]
        case OrnamentKind.HUMP | OrnamentKind.MANE | OrnamentKind.WHISKERS:
            return []


def _on_head(mesh: Mesh) -> Mesh:
    mesh.fields[:, HEAD] = 1
    return mesh


def _horns(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> list[Mesh]:
    meshes: list[Mesh] = []
    blunt = ornament.kind is OrnamentKind.OSSICONE
    length = ornament.size * size
    for pair in range(min(ornament.count, 3)):
        for side in (-1, 1):
            way = skull.towards(0.12 + 0.4 * pair, 1.0, side * (0.42 + 0.1 * pair))
            root = flesh.skin_along(skull.origin, way, 2 * size) - way * 0.06 * size
            bend = -skull.ahead * ornament.curve * 0.75 + skull.side * side * 0.18
            t = np.linspace(0, 1, 18)[:, None]
            sway = skull.ahead * np.sin(2.6 * t * np.pi / 2) * 0.18 * max(0.0, ornament.curve)
            path = root + (way * t + bend * t * t - sway * 0.0 + UP * 0.25 * t**3 + sway * t) * length
            shape = (0.9, 0.8, 0.8, 0.85, 0.5) if blunt else (1.0, 0.85, 0.62, 0.38, 0.06)
            radii = profile(shape, 18) * min(0.13 * size, 0.2 * length) * (1 - 0.2 * pair)
            if not blunt:
                radii = radii * (1 + 0.09 * np.cos(np.arange(18) * np.pi) * np.linspace(1, 0, 18))
            part = tube(path.astype(np.float32), radii.astype(np.float32), Material.HARD, up=skull.ahead, sides=11)
            if blunt:
                part.material[: 2 * 11 * 11] = Material.HIDE
                part.fields[:, 3:6] = 9.0
                part.fields[:, 10] = 0.4
            meshes.append(_on_head(part))
    return meshes


def _nose_horns(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, plan: BodyPlan) -> list[Mesh]:
    meshes: list[Mesh] = []
    reach = 0.22 + 0.55 * min(plan.head.snout_length, 1.4)
    for i in range(min(ornament.count, 3)):
        x = reach - 0.3 * i
        start = skull.at(x * size, -0.1 * size, 0)
        root = flesh.skin_along(start, skull.up, size) - skull.up * 0.06 * size
        length = ornament.size * size * (1.0 - 0.42 * i)
        t = np.linspace(0, 1, 14)[:, None]
        path = root + (skull.up * (t + 0.1 * t * t) + skull.ahead * (0.42 * t - 0.85 * ornament.curve * t * t)) * length
        radii = profile((1.15, 0.82, 0.6, 0.36, 0.05), 14) * min(0.2 * length, 0.17 * size)
        meshes.append(_on_head(tube(path.astype(np.float32), radii, Material.HARD, up=skull.ahead, sides=12)))
    return meshes


def _antlers(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    meshes: list[Mesh] = []
    length = ornament.size * size * 1.5
    tines = [
        (stream.uniform(0.25, 0.9), stream.uniform(0.25, 0.5), stream.uniform(-0.2, 1.0))
        for _ in range(2 + ornament.count // 2)
    ]
    for side in (-1, 1):
        way = skull.towards(-0.1, 1.0, side * 0.5)
        root = flesh.skin_along(skull.origin, way, 2 * size) - way * 0.05 * size
        out = skull.side * side
        beam = spline(
            np.stack(
                (
                    root,
                    root + (way * 0.4 + out * 0.25 - skull.ahead * 0.15) * length,
                    root + (way * 0.85 + out * 0.42) * length,
                    root + (way * 1.1 + out * 0.3 + skull.ahead * 0.2) * length,
                )
            ),
            16,
        )
        thick = 0.085 * size
        meshes.append(
            _on_head(tube(beam, profile((1.2, 0.8, 0.6, 0.1), 16) * thick, Material.HARD, up=skull.ahead, sides=9))
        )
        for at, long, lean in tines:
            start = beam[int(at * 14)]
            grow = unit(skull.ahead * 0.8 + UP * (0.5 + lean * 0.5) + out * 0.3 * lean)
            path = spline(
                np.stack((start, start + grow * long * 0.5 * length, start + unit(grow + UP * 0.5) * long * length)), 9
            )
            meshes.append(
                _on_head(tube(path, profile((0.65, 0.45, 0.05), 9) * thick, Material.HARD, up=skull.side, sides=8))
            )
    return meshes


def _antennae(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    meshes: list[Mesh] = []
    for pair in range(min(ornament.count, 3)):
        long = ornament.size * size * (1.0 if pair == 0 else 0.5)
        for side in (-1, 1):
            way = skull.towards(0.75, 0.62, side * (0.3 + 0.2 * pair))
            root = flesh.skin_along(skull.origin, way, 2 * size) - way * 0.04 * size
            out = skull.side * side
            lift = stream.uniform(0.4, 0.8)
            elbow = root + unit(skull.ahead * 0.6 + UP * lift + out * 0.4) * long * 0.36
            end = (
                elbow
                + unit(skull.ahead * (0.9 - 1.5 * max(0.0, ornament.curve)) + out * 0.55 + UP * (lift - 0.35))
                * long
                * 0.64
            )
            middle = (elbow + end) / 2 + UP * 0.09 * long
            path = spline(np.stack((root, elbow, middle, end)), 24)
            thick = max(0.034 * size, 0.006)
            shape = (1.3, 1.0, 0.72, 0.42) if ornament.curve >= 0 else (0.9, 0.6, 0.6, 1.9)
            beads = 1 + 0.1 * np.cos(np.arange(24) * np.pi)
            radii = (profile(shape, 24) * thick * beads).astype(np.float32)
            meshes.append(_on_head(tube(path, radii, Material.LEG_SKIN, up=skull.side, sides=7)))
    return meshes


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


def _crest(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, plan: BodyPlan) -> list[Mesh]:
    meshes: list[Mesh] = []
    count = 7 + ornament.count
    feathered = plan.covering.kind in (CoveringKind.FEATHERS, CoveringKind.FUR)
    for i in range(count):
        t = i / (count - 1)
        way = skull.towards(0.5 - 1.2 * t, 0.9 - 0.25 * t, 0.0)
        root = flesh.skin_along(skull.origin, way, 2 * size) - way * 0.05 * size
        grow = unit(way - skull.ahead * 0.35 * (1 + ornament.curve) + skull.side * 0.12 * (i % 3 - 1))
        length = ornament.size * size * (0.7 + 0.5 * np.sin(np.pi * t))
        if feathered:
            meshes.append(
                _on_head(
                    feather(root, grow, skull.side, length, 0.16 * length, bend=-skull.ahead * 0.3, tint=0.9, rows=7)
                )
            )
        else:
            path = np.stack([root + grow * length * s for s in np.linspace(0, 1, 5)]).astype(np.float32)
            part = tube(path, profile((0.16, 0.1, 0.02), 5) * length, Material.HARD, up=skull.side, sides=8)
            meshes.append(_on_head(part))
    return meshes


def _comb(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> Mesh:
    """A lobed ridge of red flesh along the crown."""
    columns, rows = 33, 7
    length = ornament.size * size
    t = np.linspace(0, 1, columns)
    lobes = max(3, ornament.count)
    height = (
        length
        * (0.25 + 0.75 * np.abs(np.sin(np.pi * lobes * t)) ** 0.6)
        * np.sin(np.pi * np.clip(t * 0.9 + 0.08, 0, 1)) ** 0.6
    )
    base = np.stack(
        [
            flesh.skin_along(skull.origin, skull.towards(0.85 - 1.55 * s, 0.75, 0), 2 * size) - skull.up * 0.08 * size
            for s in t
        ]
    )
    thick = 0.07 * size
    profile_rows = np.linspace(-1, 1, rows)
    grid = np.empty((rows, columns, 3), np.float32)
    for i, s in enumerate(profile_rows):
        up = (1 - abs(s)) ** 0.8
        grid[i] = (
            base
            + skull.up * (height * up)[:, None]
            - skull.ahead * (0.3 * height * up)[:, None]
            + skull.side * (np.sign(s) * thick * abs(s) ** 0.5)
        )
    from postcards_image.engines.creature.mesh import sheet

    part = sheet(grid, Material.FLESH)
    return _on_head(part)


def _wattles(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> list[Mesh]:
    meshes: list[Mesh] = []
    length = ornament.size * size
    for side in (-1, 1):
        way = skull.towards(0.62, -0.6, side * 0.25)
        root = flesh.skin_along(skull.origin, way, 2 * size)
        axes = np.stack((-UP, skull.ahead, skull.side)).astype(np.float32)
        centre = root - UP * length * 0.38
        meshes.append(
            _on_head(ball(centre, axes, (length * 0.52, length * 0.26, length * 0.1), Material.FLESH, rings=10))
        )
    return meshes


def _dorsal_fins(plan: BodyPlan, skeleton: Skeleton, ornament: Ornament) -> list[Mesh]:
    meshes: list[Mesh] = []
    sections = ((0.86, 0.18),) if ornament.count == 1 else ((0.9, 0.5), (0.42, 0.08))
    if ornament.count == 1 and plan.covering.kind is CoveringKind.SKIN:
        sections = ((0.64, 0.3),)
    for start, end in sections[: ornament.count]:
        places = np.linspace(start, end, 9)
        base = []
        tips = []
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


def _tusks(skull: Frame, size: float, ornament: Ornament) -> list[Mesh]:
    meshes: list[Mesh] = []
    length = ornament.size * size
    for side in (-1, 1):
        root = skull.at(0.3 * size, -0.3 * size, side * 0.24 * size)
        t = np.linspace(0, 1, 16)[:, None]
        lift = -ornament.curve
        path = (
            root
            + (
                skull.ahead * (0.75 * t + 0.2 * t * t)
                - skull.up * (0.6 * t - (0.55 + 0.5 * lift) * t * t)
                + skull.side * side * 0.16 * t
            )
            * length
        )
        radii = profile((1.0, 0.9, 0.7, 0.42, 0.06), 16) * 0.085 * size
        meshes.append(_on_head(tube(path.astype(np.float32), radii, Material.TOOTH, up=skull.side, sides=11)))
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


def _scutes(plan: BodyPlan, skeleton: Skeleton, flesh: Flesh) -> list[Mesh]:
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
        np.stack(roots).astype(np.float32), np.stack(ways).astype(np.float32),
        np.array(lengths, np.float32), np.full(len(roots), 0.03, np.float32),
    )  # fmt: skip
    mesh.fields[:, 3:6] = 9.0
    mesh.material[:] = Material.HIDE
    mesh.fields[:, 10] = 0.2
    return [mesh]
