"""What grows on a head: horns, antlers, antennae, crests, combs, wattles, tusks."""

import numpy as np

from postcards_image.engines.creature.anatomy.membranes import feather
from postcards_image.engines.creature.geometry.flesh import Flesh
from postcards_image.engines.creature.geometry.mesh import HEAD, Material, Mesh, ball, sheet, tube
from postcards_image.engines.creature.geometry.space import UP, Frame, profile, spline, unit
from postcards_species.body.kinds import CoveringKind, OrnamentKind
from postcards_species.body.plan import BodyPlan, Ornament
from postcards_species.streams import Stream


def _on_head(mesh: Mesh) -> Mesh:
    mesh.fields[:, HEAD] = 1
    return mesh


def grow_horns(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> list[Mesh]:
    """Pairs of horns, ringed or blunt."""
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
            path = root + (way * t + bend * t * t + UP * 0.25 * t**3 + sway * t) * length
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


def grow_nose_horns(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, plan: BodyPlan) -> list[Mesh]:
    """Horns in a row on the snout."""
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


def grow_antlers(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    """A pair of antlers as meshes, with 2 + count // 2 tines at either side that `stream` places."""
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


def grow_antennae(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, stream: Stream) -> list[Mesh]:
    """Up to three pairs of jointed antennae as meshes, bent at an elbow; the first pair is the longest."""
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


def grow_crest(skull: Frame, size: float, flesh: Flesh, ornament: Ornament, plan: BodyPlan) -> list[Mesh]:
    """Feathers or spikes on the crown."""
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


def grow_comb(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> Mesh:
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
    part = sheet(grid, Material.FLESH)
    return _on_head(part)


def grow_wattles(skull: Frame, size: float, flesh: Flesh, ornament: Ornament) -> list[Mesh]:
    """Drops of flesh below the beak."""
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


def grow_tusks(skull: Frame, size: float, ornament: Ornament) -> list[Mesh]:
    """Tusks beside the mouth."""
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
