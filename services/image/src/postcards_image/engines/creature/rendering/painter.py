"""From a body plan to a lit animal, stage by stage."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from postcards_image.engines.creature.anatomy.body import Body, Bones, grow_body
from postcards_image.engines.creature.geometry.camera import Camera, aim
from postcards_image.engines.creature.geometry.mesh import TINT, Material, Mesh
from postcards_image.engines.creature.geometry.raster import Visible, rasterise
from postcards_image.engines.creature.geometry.space import Floats, smoothstep, unit
from postcards_image.engines.creature.layers import Animal, Light, Scenery
from postcards_image.engines.creature.rendering import lighting
from postcards_image.engines.creature.surface import covering
from postcards_image.engines.creature.surface.part_materials import paint_parts
from postcards_image.engines.creature.surface.pattern_growth import grow_pattern, mottle
from postcards_image.engines.creature.surface.skin import Seen, Skin, hide
from postcards_image.engines.creature.surface.strands import choose_strokes, draw_strokes
from postcards_image.engines.creature.surface.whiskers import whisker_strokes
from postcards_species.body.kinds import OrnamentKind
from postcards_species.body.plan import BodyPlan

_BOTH_SIDES = (Material.SHELL, Material.MEMBRANE, Material.FEATHER, Material.FLESH, Material.QUILL)


@dataclass(frozen=True)
class Canvas:
    """The size of the picture, and where the animal goes in it."""

    width: int
    height: int
    ground_y: float = 0.86
    share: float = 0.8


@dataclass(frozen=True)
class View:
    """The body as the camera sees it: everything solid, and clear wings apart."""

    camera: Camera
    projected: Floats
    solid: Visible
    glass: Visible | None


@dataclass(frozen=True)
class Clad:
    """The body in its skin."""

    seen: Seen
    skin: Skin
    coat: covering.Coat
    glass: tuple[Seen, Skin] | None


def towards_viewer(plan: BodyPlan) -> Floats:
    """The direction (3,) in body space from the animal to the viewer."""
    a, e = np.radians(plan.view_yaw), np.radians(plan.view_pitch)
    return np.array((np.sin(a) * np.cos(e), np.sin(e), -np.cos(a) * np.cos(e)), np.float32)


def fineness(canvas: Canvas) -> int:
    """Cells along the body that the picture can show."""
    return int(np.clip(min(canvas.width, canvas.height) / 7.2, 56, 138))


def flesh_out(plan: BodyPlan, bones: Bones, canvas: Canvas) -> Body:
    """The body of `plan` around `bones`, meshed as finely as it will be seen on `canvas`."""
    return grow_body(plan, bones, towards_viewer(plan), fineness(canvas))


def look(plan: BodyPlan, body: Body, canvas: Canvas) -> View:
    """What is seen of the body."""
    mesh = body.mesh
    standing = not body.skeleton.floating
    camera = aim(
        mesh.position,
        plan.view_yaw,
        plan.view_pitch,
        canvas.width,
        canvas.height,
        canvas.ground_y,
        canvas.share,
        standing,
    )
    projected = camera.project(mesh.position)
    clear = (mesh.material == Material.MEMBRANE) & (mesh.fields[mesh.triangles[:, 0], TINT] < 0.05)
    clear &= mesh.fields[mesh.triangles[:, 0], 5] > 30
    both = np.isin(mesh.material, _BOTH_SIDES)
    solid = rasterise(projected, mesh.triangles[~clear], both[~clear], canvas.width, canvas.height)
    solid = _renumber(solid, np.flatnonzero(~clear))
    glass = None
    if clear.any():
        glass = rasterise(projected, mesh.triangles[clear], both[clear], canvas.width, canvas.height)
        glass = _renumber(glass, np.flatnonzero(clear))
    return View(camera, projected, solid, glass)


def _renumber(visible: Visible, numbers: NDArray[np.intp]) -> Visible:
    return Visible(
        visible.width, visible.height, visible.pixel, numbers[visible.triangle], visible.corners, visible.share
    )


def bare_normals(body: Body, view: View) -> Floats:
    """Normals (k, 3) of the visible pixels in view space, before anything covers the body."""
    return unit(view.camera.view(view.solid.interpolate(body.mesh.normal)))


def dress(plan: BodyPlan, body: Body, view: View) -> Clad:
    """The skin: pattern, face, parts and covering."""
    mesh, seed = body.mesh, plan.pose_seed
    mark = grow_pattern(mesh, plan.pattern, body.flesh.cell, seed % 2**32)
    tone = 0.6 * mottle(mesh, 9.0, seed % 2**31) + 0.4 * mottle(mesh, 31.0, seed % 2**30)
    seen = _see(mesh, view.solid, view.camera, mark, tone, seed)
    skin = hide(plan, body.face, body.eyes, seen)
    paint_parts(plan, seen, skin)
    coat = covering.cover(plan, mesh, view.solid, seen, view.camera, view.projected, seed % 2**32)
    on_parts = seen.material != Material.HIDE
    skin.albedo = np.clip(skin.albedo * np.where(on_parts, 1, coat.tone)[:, None], 0.002, 1).astype(np.float32)
    covering.raise_relief(view.solid, skin, coat.height, 0.55)
    glass = None
    if view.glass is not None:
        wing = _see(mesh, view.glass, view.camera, mark, tone, seed)
        wing_skin = hide(plan, body.face, body.eyes, wing)
        paint_parts(plan, wing, wing_skin)
        glass = (wing, wing_skin)
    return Clad(seen, skin, coat, glass)


def _see(mesh: Mesh, visible: Visible, camera: Camera, mark: Floats, tone: Floats, seed: int) -> Seen:
    values = np.concatenate((mesh.fields, mesh.normal, mark[:, None], tone[:, None]), 1).astype(np.float32)
    found = visible.interpolate(values)
    count = mesh.fields.shape[1]
    normal = unit(camera.view(found[:, count : count + 3]))
    normal = np.where(normal[:, 2:3] < 0, normal * np.array((1, 1, -1), np.float32), normal)
    grain = np.random.default_rng(seed % 2**32 + 1).standard_normal(len(found), np.float32) * 0.5
    return Seen(
        found[:, :count],
        mesh.material[visible.triangle],
        normal.astype(np.float32),
        found[:, count + 3],
        found[:, count + 4],
        grain,
    )


def illuminate(plan: BodyPlan, body: Body, view: View, clad: Clad, scenery: Scenery, canvas: Canvas) -> Animal:
    """The animal in the light of its habitat."""
    mesh, camera, visible = body.mesh, view.camera, view.solid
    light = scenery.light
    bulk = lighting.fill_space(body.flesh, mesh)
    direction = lighting.ground_direction(camera, light)
    standing = not body.skeleton.floating
    ambient = lighting.occlusion(bulk, mesh, standing)
    direct = lighting.shadow_on_self(bulk, mesh, direction)
    shares = visible.interpolate(np.stack((ambient, direct), 1))
    radiance = lighting.shade(clad.skin, shares[:, 0], shares[:, 1], light)
    radiance = radiance * lighting.expose(clad.skin, radiance)
    nearness = visible.interpolate(view.projected[:, 2])
    near_picture = visible.image(nearness, -np.inf)
    colour, alpha = _soften(visible, radiance, near_picture)
    flow = covering.flow_in_picture(clad.seen, camera)
    strokes = choose_strokes(
        visible, radiance, clad.skin.normal, flow, clad.coat.hair, nearness, plan.pose_seed % 2**32
    )
    if strokes is not None:
        colour, alpha = draw_strokes(colour, alpha, near_picture, strokes)
    if any(ornament.kind is OrnamentKind.WHISKERS for ornament in plan.ornaments):
        hairs = whisker_strokes(plan, body, camera, light)
        colour, alpha = draw_strokes(colour, alpha, near_picture, hairs)
    if view.glass is not None and clad.glass is not None:
        colour, alpha = _glaze(view.glass, clad.glass, colour, alpha, near_picture, ambient, direct, view, light)
    shadow = lighting.shadow_on_ground(
        bulk, camera, direction, canvas.width, canvas.height, canvas.ground_y, not standing
    )
    return Animal(
        colour=colour,
        alpha=alpha,
        shadow=shadow.astype(np.float32),
        albedo=_spread(visible, clad.skin.albedo, alpha),
        depth=near_picture,
        normal=visible.image(clad.skin.normal),
        ink=_ink(visible, clad.skin, near_picture),
    )


def _soften(visible: Visible, radiance: Floats, nearness: Floats) -> tuple[Floats, Floats]:
    """Colour and coverage without staircases: along the outline, and where one part stands before another."""
    window = visible.window(6)
    alpha = visible.image(np.ones(len(radiance), np.float32))
    colour = visible.image(radiance)
    inside, sharp, near = alpha[window], colour[window], nearness[window]
    blurred = cv2.GaussianBlur(inside, (5, 5), 0.85)
    spread = cv2.GaussianBlur(sharp, (5, 5), 0.85) / np.maximum(blurred, 1e-3)[..., None]
    finite = np.maximum(near, -1e3)
    step = cv2.dilate(finite, np.ones((3, 3), np.uint8)) - cv2.erode(finite, np.ones((3, 3), np.uint8))
    share = np.where(inside > 0, smoothstep(0.03, 0.08, step) * 0.85, 1)[..., None]
    colour[window] = sharp + (spread - sharp) * share
    alpha[window] = np.clip((blurred - 0.5) * 1.7 + 0.5, 0, 1)
    return colour, alpha


def _spread(visible: Visible, albedo: Floats, alpha: Floats) -> Floats:
    """Albedo as a picture, carried outwards under the hairs."""
    window = visible.window(10)
    picture = visible.image(albedo)
    inside = visible.image(np.ones(len(albedo), np.float32))[window]
    sharp = picture[window]
    wide = cv2.blur(sharp, (15, 15)) / np.maximum(cv2.blur(inside, (15, 15)), 1e-3)[..., None]
    picture[window] = np.where(inside[..., None] > 0, sharp, wide * (alpha[window][..., None] > 0))
    return picture


def _glaze(
    visible: Visible,
    glass: tuple[Seen, Skin],
    colour: Floats,
    alpha: Floats,
    nearness: Floats,
    ambient: Floats,
    direct: Floats,
    view: View,
    light: Light,
) -> tuple[Floats, Floats]:
    """Clear wings over everything behind them."""
    _, skin = glass
    shares = visible.interpolate(np.stack((ambient, direct), 1))
    radiance = lighting.shade(skin, shares[:, 0], shares[:, 1], light)
    near = visible.interpolate(view.projected[:, 2])
    edge = 1 - np.abs(skin.normal[:, 2])
    share = np.clip(0.2 + 0.72 * skin.ink + 0.4 * edge**2, 0, 0.95)
    share = share * (near > nearness.ravel()[visible.pixel])
    cover = cv2.GaussianBlur(visible.image(share.astype(np.float32)), (0, 0), 0.7)
    light_picture = cv2.GaussianBlur(visible.image((radiance * share[:, None]).astype(np.float32)), (0, 0), 0.7)
    both = cover + alpha * (1 - cover)
    mixed = (light_picture + colour * (alpha * (1 - cover))[..., None]) / np.maximum(both, 1e-4)[..., None]
    return np.where(both[..., None] > 1e-4, mixed, colour).astype(np.float32), both.astype(np.float32)


def _ink(visible: Visible, skin: Skin, nearness: Floats) -> Floats:
    """Where a pen would draw: the outline, edges of parts, painted lines."""
    finite = np.where(np.isfinite(nearness), nearness, nearness[np.isfinite(nearness)].min() - 1.0).astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.dilate(finite, kernel) - cv2.erode(finite, kernel)
    drawn = visible.image(skin.ink)
    detail = min(visible.width, visible.height) / 1024
    line = np.maximum(smoothstep(0.05, 0.12, step), drawn)
    return cv2.GaussianBlur(line, (0, 0), max(0.5, 0.7 * detail)).clip(0, 1)
