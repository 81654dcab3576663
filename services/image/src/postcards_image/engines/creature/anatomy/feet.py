"""How limbs end: paws, hooves, claws, talons, webs and pads."""

import numpy as np

from postcards_image.engines.creature.geometry.flesh import Bone
from postcards_image.engines.creature.geometry.mesh import LIMB, Material, Mesh, sheet, tube
from postcards_image.engines.creature.geometry.space import UP, Floats, profile, spline, unit
from postcards_species.body.kinds import Foot
from postcards_species.body.plan import Limb


def grow_foot(
    limb: Limb,
    ankle: Floats,
    ahead: Floats,
    out: Floats,
    radius: float,
    grounded: bool,
    bones: list[Bone],
    meshes: list[Mesh],
) -> None:
    """Adds the foot below `ankle` to `bones` and `meshes`. `ahead` and `out` are unit directions along the ground."""
    ahead = unit(ahead - UP * (0.0 if grounded else 0.55))
    match limb.foot:
        case Foot.HOOF:
            _hoof(ankle, ahead, radius, limb, grounded, bones, meshes)
        case Foot.PAW | Foot.CLAW | Foot.WEB:
            _paw(ankle, ahead, out, radius, limb, grounded, bones, meshes)
        case Foot.TALON:
            _talons(ankle, ahead, out, limb, grounded, meshes)
        case Foot.PAD:
            _pad(ankle, ahead, out, radius, grounded, bones, meshes)
        case Foot.POINT:
            pass


def _bone(start: Floats, end: Floats, r0: float, r1: float, blend: float, flatness: float = 1.0) -> Bone:
    return Bone(
        np.asarray(start, np.float32),
        np.asarray(end, np.float32),
        r0,
        r1,
        blend,
        UP,
        flatness,
        limb=(0.95, 1.0),
        shag=0.5,
    )


def _hoof(
    ankle: Floats, ahead: Floats, radius: float, limb: Limb, grounded: bool, bones: list[Bone], meshes: list[Mesh]
) -> None:
    size = max(radius * 1.5, 0.05 * limb.length)
    drop = max(float(ankle[1]), size * 0.6) if grounded else size
    toe = ankle + ahead * size * 0.5 - UP * drop * 0.9
    path = spline(np.stack((ankle + UP * size * 0.25, ankle * 0.5 + toe * 0.5, toe)), 7)
    meshes.append(
        tube(path, profile((0.62, 0.78, 0.98, 1.08), 7) * size * 0.8, Material.HARD, up=ahead, sides=12, flatness=1.0)
    )
    bones.append(_bone(ankle + UP * size * 0.55, ankle, radius, radius * 1.28, radius * 0.5))


def _paw(
    ankle: Floats,
    ahead: Floats,
    out: Floats,
    radius: float,
    limb: Limb,
    grounded: bool,
    bones: list[Bone],
    meshes: list[Mesh],
) -> None:
    size = max(radius, 0.045 * limb.length)
    sole = ankle - UP * (max(0.0, float(ankle[1]) - size * 0.72) if grounded else 0.0)
    reach = size * (2.0 if limb.foot is not Foot.PAW else 1.35)
    bones.append(_bone(ankle, sole + ahead * size * 0.55, size * 0.95, size * 0.95, size * 0.7))
    spread = 0.62 if limb.foot is Foot.PAW else 0.95
    toes: list[Floats] = []
    for i in range(4):
        turn = (i - 1.5) * spread
        way = unit(ahead + out * turn * 0.55)
        knuckle = sole + ahead * size * 0.5 + out * turn * size * 0.62
        tip = knuckle + way * reach
        tip[1] = max(float(tip[1]), size * 0.3) if grounded else tip[1]
        bones.append(_bone(knuckle, tip, size * 0.52, size * 0.46, size * 0.16))
        toes.append(tip)
        long = 1.5 if limb.foot is Foot.CLAW else 0.8
        claw = spline(
            np.stack(
                (tip + UP * size * 0.1, tip + way * size * 0.5 * long, tip + way * size * 0.75 * long - UP * size * 0.4)
            ),
            6,
        )
        meshes.append(tube(claw, profile((0.24, 0.17, 0.03), 6) * size, Material.HARD, up=UP, sides=6))
    if limb.foot is Foot.WEB:
        rim = np.stack([tip - UP * size * 0.12 for tip in toes])
        _web(sole + ahead * size * 0.3, rim, meshes)


def _web(root: Floats, rim: Floats, meshes: list[Mesh]) -> None:
    edge = spline(rim, 13)
    share = np.linspace(0, 1, 13)
    hollow = 1 - 0.22 * np.abs(np.sin(share * np.pi * (len(rim) - 1)))
    grid = np.stack([root + (edge - root) * (hollow[:, None] * t) for t in np.linspace(0.05, 1, 5)]).astype(np.float32)
    web = sheet(grid, Material.MEMBRANE)
    web.fields[:, LIMB] = 1
    meshes.append(web)


def _talons(ankle: Floats, ahead: Floats, out: Floats, limb: Limb, grounded: bool, meshes: list[Mesh]) -> None:
    size = 0.17 * limb.length**0.75
    thick = max(limb.thickness * 0.3, 0.012)
    flat = np.array((1, 0, 1), np.float32)
    for turn, long in ((-0.75, 0.85), (0.0, 1.1), (0.75, 0.85), (None, 0.55)):
        way = unit(ahead + out * turn) if turn is not None else -ahead
        tip = ankle * flat + way * size * long + UP * thick * 0.4
        if not grounded:
            tip = ankle + unit(way - UP * 0.9) * size * long
        rise = ankle * 0.4 + tip * 0.6 + UP * thick * 0.9
        toe = spline(np.stack((ankle, rise, tip)), 8)
        part = tube(toe, profile((1.05, 0.9, 1.0, 0.75), 8) * thick, Material.LEG_SKIN, up=UP, sides=7)
        part.fields[:, LIMB] = 1
        meshes.append(part)
        claw = spline(
            np.stack((tip, tip + way * size * 0.16 + UP * thick * 0.2, tip + way * size * 0.3 - UP * thick * 0.4)), 6
        )
        meshes.append(tube(claw, profile((0.72, 0.5, 0.06), 6) * thick, Material.HARD, up=UP, sides=6))


def _pad(
    ankle: Floats, ahead: Floats, out: Floats, radius: float, grounded: bool, bones: list[Bone], meshes: list[Mesh]
) -> None:
    sole = ankle * np.array((1, 0, 1), np.float32) + UP * radius * 0.62 if grounded else ankle - UP * radius * 0.4
    bones.append(_bone(ankle, sole + ahead * radius * 0.22, radius * 1.02, radius * 1.14, radius * 0.5))
    for turn in (-0.85, -0.3, 0.3, 0.85):
        way = unit(ahead + out * turn)
        nail = sole + ahead * radius * 0.22 + way * radius * 1.02 - UP * radius * 0.18
        path = np.stack(
            (nail - way * radius * 0.12 + UP * radius * 0.16, nail, nail + way * radius * 0.06 - UP * radius * 0.2)
        )
        meshes.append(
            tube(spline(path, 5), profile((0.16, 0.24, 0.2), 5) * radius, Material.HARD, up=way, sides=8, flatness=1.5)
        )
