"""The head: skull, and whatever mouth is in front of it."""

import numpy as np

from postcards_image.engines.creature.anatomy import beaks, snouts
from postcards_image.engines.creature.anatomy.head import Skull, head_bone
from postcards_image.engines.creature.anatomy.skeleton import Skeleton
from postcards_image.engines.creature.geometry.mesh import HEAD
from postcards_species.body.kinds import Mouth, Pose
from postcards_species.body.plan import BodyPlan
from postcards_species.streams import Stream


def grow_skull(plan: BodyPlan, skeleton: Skeleton) -> Skull:
    """The flesh, the horny parts and the face of the head."""
    head, frame = plan.head, skeleton.skull
    size = head.size
    skull = Skull()
    stream = Stream(plan.pose_seed, "pose/mouth")
    radius = 0.47 * size * float(np.sqrt(head.width * head.height))
    flat = head.width / head.height
    back, front = frame.at(-0.16 * size, 0.04 * size, 0), frame.at(0.16 * size, 0, 0)
    skull.bones.append(head_bone(back, front, radius, radius * 0.94, 0.35 * size, frame.up, flat))
    # The neck flows into the skull, not only up to it.
    throat = float(skeleton.neck_radius[-1])
    skull.bones.append(
        head_bone(
            skeleton.neck[-1], frame.at(-0.1 * size, -0.05 * size, 0), throat, radius * 0.86, 0.3 * size, frame.up
        )
    )
    build = {
        Mouth.MUZZLE: snouts.grow_muzzle,
        Mouth.JAWS: snouts.grow_jaws,
        Mouth.ROSTRUM: snouts.grow_rostrum,
        Mouth.MAW: snouts.grow_maw,
        Mouth.TUBE: snouts.grow_tube_snout,
        Mouth.TRUNK: snouts.grow_trunk,
        Mouth.BEAK: beaks.grow_beak,
        Mouth.BILL: beaks.grow_bill,
        Mouth.MANDIBLES: beaks.grow_mandibles,
        Mouth.PROBOSCIS: beaks.grow_proboscis,
    }
    gape = stream.uniform(0, 0.1) if plan.pose is not Pose.GRAZING else 0.03
    if stream.chance(0.22):
        gape = stream.uniform(0.2, 0.42)
    build[head.mouth](head, frame, skull, gape)
    for mesh in skull.meshes:
        mesh.fields[:, HEAD] = 1
    return skull
