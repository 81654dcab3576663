"""The whole body: everything that grows, joined into one mesh."""

from dataclasses import dataclass

import numpy as np

from postcards_image.engines.creature.anatomy.eyes import Eye, brow_bones, grow_eyes
from postcards_image.engines.creature.anatomy.head import Face
from postcards_image.engines.creature.anatomy.legs import grow_limbs
from postcards_image.engines.creature.anatomy.membranes import grow_ears
from postcards_image.engines.creature.anatomy.ornaments import grow_ornaments, ornament_bones
from postcards_image.engines.creature.anatomy.shells import grow_shell
from postcards_image.engines.creature.anatomy.skeleton import Skeleton, build_skeleton
from postcards_image.engines.creature.anatomy.skull import grow_skull
from postcards_image.engines.creature.anatomy.tails import grow_tail
from postcards_image.engines.creature.anatomy.wings import grow_wings
from postcards_image.engines.creature.geometry.flesh import Bone, Flesh, chain
from postcards_image.engines.creature.geometry.mesh import Mesh, join
from postcards_image.engines.creature.geometry.space import Floats
from postcards_species.body.kinds import OrnamentKind, Symmetry
from postcards_species.body.plan import BodyPlan


@dataclass(frozen=True)
class Bones:
    """The bones of an animal before the flesh is computed."""

    skeleton: Skeleton
    bones: tuple[Bone, ...]
    meshes: tuple[Mesh, ...]
    face: Face


@dataclass(frozen=True)
class Body:
    """A body as it is drawn: its surface in trunk lengths, and where its face and its eyes are on it."""

    mesh: Mesh
    flesh: Flesh
    skeleton: Skeleton
    face: Face
    eyes: tuple[Eye, ...]


def lay_bones(plan: BodyPlan) -> Bones:
    """Skeleton, limbs, head and tail of `plan`, not yet fleshed out."""
    skeleton = build_skeleton(plan)
    skull = grow_skull(plan, skeleton)
    bones = _trunk_bones(plan, skeleton) + _neck_bones(plan, skeleton) + skull.bones + brow_bones(plan, skeleton)
    bones += ornament_bones(plan, skeleton)
    meshes = list(skull.meshes)
    for growth in (grow_tail(plan, skeleton), grow_limbs(plan, skeleton), grow_wings(plan, skeleton)):
        bones += growth.bones
        meshes += growth.meshes
    return Bones(skeleton, tuple(bones), tuple(meshes), skull.face)


def grow_body(plan: BodyPlan, frame: Bones, towards_viewer: Floats, cells: int) -> Body:
    """The body around `frame`; `towards_viewer` (3,) is where the eyes look, `cells` how fine the flesh is."""
    flesh = Flesh(frame.bones, cells)
    skeleton = frame.skeleton
    meshes = [flesh.mesh(skeleton.skull, plan.head.size), *frame.meshes]
    eyeballs, eyes = grow_eyes(plan, skeleton, flesh, towards_viewer)
    meshes += eyeballs
    meshes += grow_ears(plan, skeleton, flesh)
    meshes += grow_shell(plan, skeleton)
    meshes += grow_ornaments(plan, skeleton, flesh)
    return Body(join(meshes), flesh, skeleton, frame.face, eyes)


def _trunk_bones(plan: BodyPlan, skeleton: Skeleton) -> list[Bone]:
    radii = skeleton.trunk_radius
    points, ups = skeleton.trunk, skeleton.trunk_up
    if plan.spine.segments:
        count = plan.spine.segments * 3 + 1
        index = np.linspace(0, len(points) - 1, count)
        points = np.stack([np.interp(index, np.arange(len(points)), points[:, i]) for i in range(3)], 1).astype(
            np.float32
        )
        ups = np.stack([np.interp(index, np.arange(len(ups)), ups[:, i]) for i in range(3)], 1).astype(np.float32)
        radii = np.interp(index, np.arange(len(radii)), radii)
        radii = (radii * np.tile((1.05, 1.02, 0.93), count // 3 + 1)[:count]).astype(np.float32)
    blend = 0.02 if plan.spine.segments else 0.12 * plan.spine.girth_waist
    mane = any(ornament.kind is OrnamentKind.MANE for ornament in plan.ornaments)
    radial = plan.symmetry is Symmetry.RADIAL
    return chain(
        points,
        radii,
        blend,
        ups,
        flatness=plan.spine.flatness,
        along=(-0.1, 1.05) if not radial else (0.4, 0.6),
        shag=1.15 if mane else 1.0,
    )


def _neck_bones(plan: BodyPlan, skeleton: Skeleton) -> list[Bone]:
    mane = any(ornament.kind is OrnamentKind.MANE for ornament in plan.ornaments)
    blends = np.linspace(0.55, 0.25, len(skeleton.neck)).astype(np.float32) * plan.spine.girth_chest
    return chain(
        skeleton.neck,
        skeleton.neck_radius,
        blends,
        skeleton.neck_up,
        along=(0.96, 1.28),
        shag=2.6 if mane else 0.9,
        flatness=0.92,
    )
