"""What every pixel of the animal is like before light falls on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.anatomy.eyes import Eye
from postcards_image.engines.creature.anatomy.head import Face
from postcards_image.engines.creature.geometry.mesh import (
    ALONG,
    DORSAL,
    HEAD,
    LIMB,
    LOCAL,
    TINT,
    Material,
)
from postcards_image.engines.creature.geometry.space import Floats, smoothstep
from postcards_species.body.kinds import CoveringKind, PatternKind
from postcards_species.body.plan import BodyPlan, Colour


@dataclass
class Skin:
    """The surface at the visible pixels, all arrays of k rows."""

    albedo: Floats
    """(k, 3) linear colour."""
    normal: Floats
    """(k, 3) unit, view space."""
    gloss: Floats
    """(k,) 0 matt to 1 wet."""
    sheen: Floats
    """(k,) strength of highlights."""
    soft: Floats
    """(k,) how far light wanders under the surface, 0 to 1."""
    thin: Floats
    """(k,) how much light passes from behind, 0 to 1."""
    glow: Floats
    """(k, 3) light added after shading: catch-lights."""
    ink: Floats
    """(k,) painted lines, for finishes that draw."""


@dataclass(frozen=True)
class Seen:
    """What the rasteriser found at each visible pixel."""

    fields: Floats
    """(k, FIELD_COUNT) interpolated."""
    material: NDArray[np.uint8]
    """(k,)."""
    normal: Floats
    """(k, 3) unit, view space, towards the viewer."""
    mark: Floats
    """(k,) how far inside a mark."""
    tone: Floats
    """(k,) uneven tone, about -1 to 1."""
    grain: Floats
    """(k,) fine noise of the picture, about -1 to 1."""


def linear(colour: Colour) -> Floats:
    """An sRGB colour as linear light (3,)."""
    encoded = np.array((colour.red, colour.green, colour.blue), np.float32)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def blend(a: Floats, b: Floats, share: Floats) -> Floats:
    """Colours `a` and `b` ((k, 3) or (3,)) mixed by `share` (k,)."""
    return a + (b - a) * share[:, None]


def hide(plan: BodyPlan, face: Face, eyes: Sequence[Eye], seen: Seen) -> Skin:
    """Every pixel as if it were the animal's own hide; other materials are painted over it afterwards."""
    colours, pattern = plan.palette, plan.pattern
    base, belly, mark, accent = (linear(c) for c in (colours.base, colours.belly, colours.mark, colours.accent))
    dorsal, limb, head, along = (seen.fields[:, i] for i in (DORSAL, LIMB, HEAD, ALONG))
    count = len(dorsal)
    tone = seen.tone
    colour = np.broadcast_to(base, (count, 3)) * (1 + 0.16 * tone[:, None])
    colour = colour * (1 - 0.18 * smoothstep(0.2, 1.0, dorsal) * (0.3 + 0.7 * pattern.countershade))[:, None]
    under = (
        smoothstep(0.12, -0.62, dorsal + 0.14 * tone) * pattern.countershade * (1 - 0.35 * smoothstep(0.25, 0.7, limb))
    )
    colour = blend(colour, belly, under)
    where = pattern.trunk * (1 - smoothstep(0.02, 0.2, limb)) * (1 - head) + pattern.limbs * smoothstep(0.02, 0.2, limb)
    rump = smoothstep(0.34, 0.0, along) * max(pattern.trunk, 0.95 * pattern.limbs)
    where = np.maximum(where, rump * (1 - head)) * (1 - head) + pattern.head * head
    where *= 1 - 0.75 * under * (pattern.kind is not PatternKind.PATCHES)
    level = seen.mark - 1.35 * (1 - np.clip(where, 0, 1)) * (where < 0.98)
    amount = smoothstep(-0.1, 0.1, level) * pattern.contrast * np.clip(where * 3, 0, 1)
    if pattern.kind is PatternKind.ROSETTES:
        heart = smoothstep(0.75, 1.15, level)
        colour = blend(colour, 0.6 * base + 0.4 * accent, smoothstep(0.0, 0.5, level) * pattern.contrast * 0.8)
        amount = amount * (1 - 0.95 * heart)
    colour = blend(colour, mark * (1 + 0.1 * tone[:, None]), amount)
    if plan.covering.kind is CoveringKind.FEATHERS and pattern.kind is PatternKind.SADDLE:
        colour = blend(colour, accent, 0.4 * smoothstep(0.8, 1.15, along) * (1 - head) * (1 - limb))
    socks = smoothstep(1.02 - 0.95 * pattern.socks, 1.16 - 0.95 * pattern.socks, limb + 0.06 * tone) * (
        pattern.socks > 0.02
    )
    colour = blend(colour, mark, socks * 0.92)
    ear = (seen.material == Material.HIDE) & (head > 0.5) & (head < 0.6) & (seen.fields[:, LOCAL.start] > 8.9)
    hollow = seen.fields[:, TINT] * ear
    colour = blend(colour, 0.55 * accent + 0.45 * belly, smoothstep(0.25, 0.8, hollow) * 0.85)
    if pattern.socks > 0.6 or (pattern.kind is PatternKind.SPOTS and pattern.head > 0.4):
        colour = blend(colour, mark, ear.astype(np.float32) * 0.9)
    skin = Skin(
        albedo=colour.astype(np.float32),
        normal=seen.normal,
        gloss=np.full(count, 0.08 + 0.8 * plan.covering.gloss, np.float32),
        sheen=np.full(count, 1.0, np.float32),
        soft=np.full(count, 0.9 if plan.covering.kind is not CoveringKind.CHITIN else 0.25, np.float32),
        thin=(0.75 * ear).astype(np.float32),
        glow=np.zeros((count, 3), np.float32),
        ink=np.zeros(count, np.float32),
    )
    _paint_face(plan, face, eyes, seen, skin, mark)
    return skin


def _paint_face(plan: BodyPlan, face: Face, eyes: Sequence[Eye], seen: Seen, skin: Skin, mark: Floats) -> None:
    """Mask, bare nose, nostrils and the line of the mouth."""
    on_skull = (
        (seen.fields[:, HEAD] > 0.6) & (seen.material == Material.HIDE) & (np.abs(seen.fields[:, LOCAL]).max(1) < 4)
    )
    index = np.flatnonzero(on_skull)
    if not len(index):
        return
    ahead, up, side = seen.fields[index, LOCAL].T
    colour = skin.albedo[index]
    if plan.pattern.mask > 0.02:
        colour = _mask(plan, eyes, seen.fields[index, LOCAL], colour, mark)
    # The lids' edges are dark on every animal.
    for eye in eyes:
        far = np.sqrt(((seen.fields[index, LOCAL] - eye.place) ** 2).sum(1)) / eye.radius
        colour = colour * (1 - 0.6 * smoothstep(1.5, 1.08, far))[:, None]
    # Light around mouth and chin, as on most mammals.
    if plan.pattern.countershade > 0.15 and face.mouth is not None:
        pale = smoothstep(face.mouth[1] + 0.12, face.mouth[1] - 0.14, up) * smoothstep(-0.1, 0.4, ahead)
        colour = blend(colour, linear(plan.palette.belly), 0.7 * pale * plan.pattern.countershade)
    if face.nose is not None:
        x, y, r = face.nose
        far = np.sqrt((ahead - x) ** 2 + ((up - y) * 1.25) ** 2 + side**2)
        bare = smoothstep(r * 1.12, r * 0.92, far)
        dark = 0.25 * linear(plan.palette.mark) + 0.12 * linear(plan.palette.accent)
        colour = blend(colour, dark, bare * 0.92)
        skin.gloss[index] = np.maximum(skin.gloss[index], 0.62 * bare)
        skin.ink[index] = np.maximum(skin.ink[index], 0.6 * bare)
    if face.nostril is not None:
        x, y, z, r = face.nostril
        far = np.sqrt((ahead - x) ** 2 + ((up - y) * 1.5) ** 2 + (np.abs(side) - z) ** 2)
        hole = smoothstep(r * 1.4, r * 0.6, far)
        colour *= 1 - 0.93 * hole[:, None]
        skin.ink[index] = np.maximum(skin.ink[index], hole)
    if face.mouth is not None:
        line = _mouth_line(face.mouth, ahead, up)
        colour *= 1 - 0.82 * line[:, None]
        skin.ink[index] = np.maximum(skin.ink[index], line)
    skin.albedo[index] = colour


def _mouth_line(mouth: tuple[float, float, float, float, float], ahead: Floats, up: Floats) -> Floats:
    x0, y0, x1, y1, sag = mouth
    t = (ahead - x0) / max(x1 - x0, 1e-3)
    height = y0 + (y1 - y0) * t - sag * 4 * t * (1 - t) + 0.06 * np.clip(0.12 - t, 0, 1)
    width = 0.024 * smoothstep(-0.06, 0.15, t) + 0.004
    on = smoothstep(-0.05, 0.05, t) * smoothstep(1.35, 1.0, t)
    return smoothstep(width * 1.6, width * 0.5, np.abs(up - height)) * on


def _mask(plan: BodyPlan, eyes: Sequence[Eye], place: Floats, colour: Floats, mark: Floats) -> Floats:
    """Marks around the eyes, longer towards the cheek."""
    near = np.zeros(len(place), np.float32)
    strength = plan.pattern.mask
    for eye in eyes:
        offset = place - eye.place
        down = np.clip(-offset[:, 1], 0, None) * 0.35
        far = np.sqrt((offset**2).sum(1)) - down
        reach = max(eye.radius * (1.5 + 0.5 * strength), 0.1 + 0.13 * strength)
        near = np.maximum(near, smoothstep(reach * 1.12, reach * 0.82, far))
    return blend(colour, mark, near * strength)
