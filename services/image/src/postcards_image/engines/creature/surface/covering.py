"""What covers the hide: hair, feathers, scales, bare or armoured skin, as tone and relief in the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.geometry.camera import Camera
from postcards_image.engines.creature.geometry.mesh import ALONG, FLOW, HEAD, LIMB, SHAG, TINT, Material, Mesh
from postcards_image.engines.creature.geometry.raster import Visible
from postcards_image.engines.creature.geometry.space import Floats, cross, smoothstep, unit
from postcards_image.engines.creature.surface.skin import Seen, Skin
from postcards_species.body.kinds import CoveringKind
from postcards_species.body.plan import BodyPlan

_MAX_TILES = 4200


@dataclass(frozen=True)
class Coat:
    """Tone and relief of a covering at the visible pixels."""

    tone: Floats
    """(k,) factor on the albedo."""
    height: Floats
    """(k,) relief in pixels."""
    hair: Floats
    """(k,) length of hair in pixels, 0 where there is none."""


def cover(
    plan: BodyPlan, mesh: Mesh, visible: Visible, seen: Seen, camera: Camera, projected: Floats, seed: int
) -> Coat:
    """The covering of the hide; elsewhere tone 1 and no relief."""
    rng = np.random.default_rng(seed)
    on_hide = seen.material == Material.HIDE
    shag = seen.fields[:, SHAG]
    detail = min(visible.width, visible.height) / 1024
    match plan.covering.kind:
        case CoveringKind.FUR:
            coat = _fur(plan, visible, seen, camera, rng, detail)
        case CoveringKind.FEATHERS:
            coat = _plumage(plan, mesh, visible, seen, camera, projected, rng, detail)
        case CoveringKind.SCALES:
            coat = _scales(plan, mesh, visible, seen, camera, projected, rng, detail)
        case CoveringKind.SKIN:
            coat = _bare(plan, visible, seen, camera, rng, detail)
        case CoveringKind.CHITIN:
            coat = _armour(plan, visible, seen, rng, detail)
    # Ears, paws and snouts wear the covering thinly.
    strength = np.where(on_hide, np.clip(0.35 + 0.75 * shag, 0, 1), 0).astype(np.float32)
    return Coat(1 + (coat.tone - 1) * strength, coat.height * strength, coat.hair * on_hide)


def raise_relief(visible: Visible, skin: Skin, height: Floats, strength: float) -> None:
    """Tilts the normals by the slope of `height` (k,), which is in pixels."""
    picture = visible.image(height)
    inside = visible.image(np.ones(len(height), np.float32))
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    inner = cv2.erode(inside, np.ones((3, 3), np.uint8))
    slope_x = (across * inner).ravel()[visible.pixel] * strength
    slope_y = (down * inner).ravel()[visible.pixel] * strength
    n = skin.normal.copy()
    n[:, 0] -= np.clip(slope_x, -1.2, 1.2)
    n[:, 1] += np.clip(slope_y, -1.2, 1.2)
    skin.normal = unit(n)


def flow_in_picture(seen: Seen, camera: Camera) -> Floats:
    """The direction of the hair (k, 2) in the picture: to the right, down; shorter where it points at the viewer."""
    flow = camera.view(seen.fields[:, FLOW])
    return np.stack((flow[:, 0], -flow[:, 1]), 1)


def _sample(picture: Floats, x: Floats, y: Floats) -> Floats:
    """Bilinear values of `picture` at positions (k,)."""
    count = len(x)
    width = 1024
    rows = -(-count // width)
    padded_x = np.zeros(rows * width, np.float32)
    padded_y = np.zeros(rows * width, np.float32)
    padded_x[:count], padded_y[:count] = x, y
    got = cv2.remap(
        picture,
        padded_x.reshape(rows, width),
        padded_y.reshape(rows, width),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(got, np.float32).ravel()[:count]


def _streaks(noise: Floats, visible: Visible, flow: Floats, length: Floats, steps: int) -> Floats:
    """`noise` smeared along the flow over `length` (k,) pixels (Cabral and Leedom 1993), with unit spread."""
    x = (visible.pixel % visible.width).astype(np.float32)
    y = (visible.pixel // visible.width).astype(np.float32)
    total = np.zeros(len(x), np.float32)
    # Roots weigh more than tips: each hair is darkest where it leaves the skin.
    for i in range(steps):
        at = (i / (steps - 1) - 0.35) * length
        total += _sample(noise, x + flow[:, 0] * at, y + flow[:, 1] * at) * (1 - 0.5 * i / steps)
    return (total / (total.std() + 1e-6)).astype(np.float32)


def _noise(visible: Visible, rng: np.random.Generator, size: float) -> Floats:
    """Noise with features of about `size` pixels, unit spread."""
    height, width = visible.height, visible.width
    if size <= 1.01:
        return rng.standard_normal((height, width), np.float32)
    small = rng.standard_normal((max(3, int(height / size) + 2), max(3, int(width / size) + 2)), np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _fur(plan: BodyPlan, visible: Visible, seen: Seen, camera: Camera, rng: np.random.Generator, detail: float) -> Coat:
    shag = seen.fields[:, SHAG]
    length = camera.pixels * (0.012 + 0.1 * plan.covering.length**1.6) * np.clip(shag, 0.15, 3)
    length = np.clip(length, 4 * detail + 1, 90 * detail + 4).astype(np.float32)
    flow = flow_in_picture(seen, camera)
    sway = _noise(visible, rng, 38 * detail + 2).ravel()[visible.pixel] * (0.12 + 0.5 * plan.covering.length)
    flow = np.stack((flow[:, 0] - flow[:, 1] * sway, flow[:, 1] + flow[:, 0] * sway), 1)
    fine = _streaks(_noise(visible, rng, max(1.0, 1.5 * detail)), visible, flow, length, 9)
    lock = _streaks(
        _noise(visible, rng, max(1.5, (3 + 5 * plan.covering.length) * detail)), visible, flow, length * 1.5, 7
    )
    long = plan.covering.length
    tone = 1 + (0.13 + 0.06 * long) * fine + (0.03 + 0.17 * long**1.3) * lock
    height = (0.35 + 0.6 * long) * fine + (0.15 + 2.4 * long**1.5) * lock
    return Coat(np.clip(tone, 0.35, 1.75), height.astype(np.float32), length)


def _plumage(
    plan: BodyPlan,
    mesh: Mesh,
    visible: Visible,
    seen: Seen,
    camera: Camera,
    projected: Floats,
    rng: np.random.Generator,
    detail: float,
) -> Coat:
    size = 0.042 + 0.05 * plan.covering.length
    along, across, jitter, found = _tiles(mesh, visible, camera, projected, size, 1.75, 0.62, rng)
    flow = flow_in_picture(seen, camera)
    fine = _streaks(
        _noise(visible, rng, max(1.0, 1.4 * detail)), visible, flow, np.full(len(flow), 9 * detail + 2, np.float32), 7
    )
    tip = smoothstep(0.72, 1.0, along)
    tone = 1 + found * (0.16 * jitter - 0.3 * smoothstep(0.4, 0.0, along) + 0.14 * tip) + 0.09 * fine
    rachis = smoothstep(0.14, 0.03, np.abs(across))
    tone = tone + 0.1 * rachis * found
    height = found * camera.pixels * size * 0.16 * (along * (1 - 0.55 * across**2)) + 0.35 * fine
    hair = np.full(len(along), camera.pixels * size * 0.32, np.float32)
    return Coat(np.clip(tone, 0.4, 1.6), height.astype(np.float32), hair)


def _scales(
    plan: BodyPlan,
    mesh: Mesh,
    visible: Visible,
    _seen: Seen,
    camera: Camera,
    projected: Floats,
    rng: np.random.Generator,
    _detail: float,
) -> Coat:
    size = 0.022 + 0.038 * plan.covering.length
    along, across, jitter, found = _tiles(mesh, visible, camera, projected, size, 1.25, 0.8, rng)
    rim = smoothstep(0.72, 0.98, np.sqrt(np.clip((along - 0.42) / 0.58, 0, 1) ** 2 + across**2 * 0.9))
    tone = 1 + found * (0.2 * jitter - 0.36 * smoothstep(0.3, 0.0, along) - 0.18 * rim + 0.12 * along)
    dome = np.sqrt(np.clip(1 - across**2, 0, 1)) * (0.35 + 0.65 * along)
    height = found * camera.pixels * size * 0.2 * dome
    return Coat(np.clip(tone, 0.35, 1.6), height.astype(np.float32), np.zeros(len(along), np.float32))


def _bare(
    plan: BodyPlan, visible: Visible, seen: Seen, camera: Camera, rng: np.random.Generator, detail: float
) -> Coat:
    """Pores, wrinkles across the flow, and warts where the relief is strong."""
    relief = plan.covering.relief
    flow = flow_in_picture(seen, camera)
    across = np.stack((-flow[:, 1], flow[:, 0]), 1)
    reach = np.full(len(flow), (12 + 26 * relief) * detail + 2, np.float32)
    folds = _streaks(_noise(visible, rng, max(1.2, 3.2 * detail)), visible, across, reach, 9)
    folds = -np.abs(folds)
    pores = _noise(visible, rng, max(1.0, 2.0 * detail)).ravel()[visible.pixel]
    warts = _noise(visible, rng, max(2.0, 11 * detail)).ravel()[visible.pixel]
    wet = plan.covering.gloss > 0.6
    wart = smoothstep(0.7, 1.5, warts) * relief * (1.0 if wet else 0.25)
    tone = 1 + 0.14 * relief * folds + 0.035 * pores - 0.16 * wart + 0.05 * relief
    height = (
        (0.15 + 1.5 * relief * (not wet) + 0.35 * relief) * folds + (0.1 + 0.16 * relief) * pores + 3.4 * detail * wart
    )
    return Coat(np.clip(tone, 0.4, 1.5), height.astype(np.float32), np.zeros(len(flow), np.float32))


def _armour(plan: BodyPlan, visible: Visible, seen: Seen, rng: np.random.Generator, detail: float) -> Coat:
    """Pits, knobs and the seams between segments."""
    pits = _noise(visible, rng, max(1.2, 3.0 * detail)).ravel()[visible.pixel]
    knobs = _noise(visible, rng, max(2.0, 8 * detail)).ravel()[visible.pixel]
    relief = plan.covering.relief
    knob = smoothstep(0.8, 1.6, knobs) * relief
    along, limb = seen.fields[:, ALONG], seen.fields[:, LIMB]
    seam = np.zeros(len(along), np.float32)
    if plan.spine.segments:
        place = (along + 0.1) / 1.15 * plan.spine.segments
        gap = np.abs(place - np.round(place))
        slope = 0.055
        seam = smoothstep(slope, 0.3 * slope, gap) * (limb < 0.06) * (along < 1.0)
    tone = 1 + 0.05 * pits * (0.5 + relief) + 0.12 * knob - 0.5 * seam
    height = 0.3 * pits * (0.3 + relief) + 2.6 * detail * knob - 2.2 * detail * seam
    return Coat(np.clip(tone, 0.3, 1.5), height.astype(np.float32), np.zeros(len(along), np.float32))


def _tiles(
    mesh: Mesh,
    visible: Visible,
    camera: Camera,
    projected: Floats,
    size: float,
    long: float,
    wide: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Overlapping tiles laid along the flow, head over tail.

    Returns for each visible pixel: place along its tile (0 root, 1 tip), place across (-1 to 1), a random number of
    the tile (-1 to 1), and whether there is a tile (0 or 1).
    """
    centre = _tile_places(mesh, camera, size, rng)
    along = np.zeros(visible.width * visible.height, np.float32)
    across = np.zeros_like(along)
    winner = np.full(len(along), -1, np.int32)
    if not len(centre):
        none = np.zeros(len(visible.pixel), np.float32)
        return none, none, none, none
    fields = mesh.fields[centre]
    order = np.argsort(
        fields[:, ALONG] - 1.2 * fields[:, LIMB] + 0.02 * rng.standard_normal(len(centre)), kind="stable"
    )
    centre, fields = centre[order], fields[order]
    flow = fields[:, FLOW]
    side = unit(cross(mesh.normal[centre], flow))
    pixels = camera.pixels * size * (0.72 + 0.28 * np.clip(fields[:, SHAG], 0, 1.4) - 0.25 * fields[:, HEAD])
    ahead = camera.view(flow)[:, :2] * (1, -1) * (pixels * long)[:, None]
    aside = camera.view(side)[:, :2] * (1, -1) * (pixels * wide)[:, None]
    longest = float(np.sqrt((ahead**2).sum(1)).max())
    widest = float(np.sqrt((aside**2).sum(1)).max())
    a, b = np.meshgrid(
        np.linspace(0, 1, int(np.clip(longest * 1.25, 4, 44)), dtype=np.float32),
        np.linspace(-1, 1, int(np.clip(widest * 2.5, 4, 40)), dtype=np.float32),
    )
    a, b = a.ravel(), b.ravel()
    # Rounded at the tip, narrow at the root.
    inside = np.abs(b) < np.where(a > 0.42, np.sqrt(np.clip(1 - ((a - 0.42) / 0.59) ** 2, 0, 1)), 0.8 + 0.2 * a / 0.42)
    a, b = a[inside], b[inside]
    x = projected[centre, 0:1] + ahead[:, 0:1] * (a - 0.42) + aside[:, 0:1] * b
    y = projected[centre, 1:2] + ahead[:, 1:2] * (a - 0.42) + aside[:, 1:2] * b
    column, row = x.astype(np.int32), y.astype(np.int32)
    good = (column >= 0) & (column < visible.width) & (row >= 0) & (row < visible.height)
    place = np.where(good, row * visible.width + column, 0)
    depth = np.full(visible.width * visible.height, -1e9, np.float32)
    depth[visible.pixel] = visible.interpolate(projected[:, 2])
    good &= np.abs(depth[place] - projected[centre, 2:3]) < 1.6 * size + 0.03
    number = np.broadcast_to(np.arange(len(centre), dtype=np.int32)[:, None], place.shape)
    spot, which = place[good], number[good]
    np.maximum.at(winner, spot, which)
    won = winner[spot] == which
    along[spot[won]] = np.broadcast_to(a, place.shape)[good][won]
    across[spot[won]] = np.broadcast_to(b, place.shape)[good][won]
    chosen = winner[visible.pixel]
    tone = rng.uniform(-1, 1, len(centre)).astype(np.float32)
    found = (chosen >= 0).astype(np.float32)
    return along[visible.pixel], across[visible.pixel], tone[np.maximum(chosen, 0)] * found, found


def _tile_places(mesh: Mesh, camera: Camera, size: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Vertices of the hide that face the viewer, about `size` apart."""
    hide = np.zeros(len(mesh.position), bool)
    hide[mesh.triangles[mesh.material == Material.HIDE].ravel()] = True
    hide &= (mesh.normal @ camera.towards > -0.1) & (mesh.fields[:, TINT] < 0.3)
    candidates = rng.permutation(np.flatnonzero(hide))
    spacing = size
    while True:
        key = np.floor(mesh.position[candidates] / (spacing * 0.72)).astype(np.int64)
        flat = (key[:, 0] * 73856093) ^ (key[:, 1] * 19349663) ^ (key[:, 2] * 83492791)
        _, first = np.unique(flat, return_index=True)
        if len(first) <= _MAX_TILES:
            return candidates[first]
        spacing *= 1.15
