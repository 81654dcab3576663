"""Whiskers."""

import numpy as np

from postcards_image.engines.creature.anatomy.body import Body
from postcards_image.engines.creature.geometry.camera import Camera
from postcards_image.engines.creature.geometry.space import Floats, unit
from postcards_image.engines.creature.layers import Light
from postcards_image.engines.creature.surface.strands import Strokes
from postcards_species.body.kinds import OrnamentKind
from postcards_species.body.plan import BodyPlan


def whisker_strokes(plan: BodyPlan, body: Body, camera: Camera, light: Light) -> Strokes:
    """Long stiff hairs on both sides of the snout."""
    rng = np.random.default_rng(plan.pose_seed % 2**32 + 7)
    skull, size = body.skeleton.skull, plan.head.size
    whiskers = next(o for o in plan.ornaments if o.kind is OrnamentKind.WHISKERS)
    reach = 0.26 + 0.66 * min(plan.head.snout_length, 1.6)
    roots: list[Floats] = []
    tips: list[Floats] = []
    middles: list[Floats] = []
    for side in (-1, 1):
        for row in range(3):
            for i in range(max(2, min(whiskers.count, 8) - 1)):
                start = skull.at((reach - 0.07 * i) * size, (-0.16 - 0.07 * row) * size, side * 0.1 * size)
                root = body.flesh.skin_along(start, skull.side * side, size)
                way = unit(
                    skull.side * side * 1.0
                    - skull.ahead * (0.25 + 0.2 * i / 4)
                    + skull.up * (0.25 - 0.3 * row + rng.normal(0, 0.1))
                )
                length = whiskers.size * size * rng.uniform(0.7, 1.1)
                roots.append(root)
                tips.append(root + way * length)
                middles.append(skull.up * -0.12 * length)
    start = camera.project(np.stack(roots).astype(np.float32))
    end = camera.project(np.stack(tips).astype(np.float32))
    sag = camera.view(np.stack(middles).astype(np.float32))[:, :2] * (1, -1) * camera.pixels
    count = len(roots)
    tone = 0.55 * (light.colour + light.sky)
    return Strokes(
        start[:, :2] + rng.normal(0, 0.15, (count, 2)),
        end[:, :2] - start[:, :2],
        sag,
        np.broadcast_to(tone, (count, 3)),
        np.maximum(start[:, 2], end[:, 2]),
        np.full(count, 0.35 + 0.35 * min(1.0, camera.pixels / 400)),
    )
