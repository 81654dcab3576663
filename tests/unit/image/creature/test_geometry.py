import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.engines.creature.geometry.camera import aim
from postcards_image.engines.creature.geometry.flesh import Bone, Flesh
from postcards_image.engines.creature.geometry.mesh import Material, ball, tube
from postcards_image.engines.creature.geometry.raster import rasterise
from postcards_image.engines.creature.geometry.space import UP, frame_towards, spline, two_bones, vector
from postcards_image.engines.creature.surface.pattern_growth import grow_pattern
from postcards_species.body.kinds import PatternKind
from postcards_species.body.plan import Pattern


def bone(x0: float, x1: float, radius: float, blend: float = 0.0) -> Bone:
    return Bone(vector(x0, 0, 0), vector(x1, 0, 0), radius, radius, blend, UP)


def volume(position: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (position[triangles[:, i]] for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_flesh_on_one_bone_is_a_capsule_that_faces_outwards() -> None:
    flesh = Flesh([bone(-0.5, 0.5, 0.25)], 90)
    mesh = flesh.mesh(frame_towards(vector(0, 0, 0), vector(1, 0, 0), UP), 1.0)
    expected = np.pi * 0.25**2 * 1.0 + 4 / 3 * np.pi * 0.25**3
    assert volume(mesh.position, mesh.triangles) == pytest.approx(expected, rel=0.03)
    radial = mesh.position * (0, 1, 1)
    assert ((mesh.normal * radial).sum(1) > -1e-3).all()


def test_every_edge_of_the_flesh_belongs_to_two_triangles() -> None:
    flesh = Flesh([bone(-0.5, 0.5, 0.2), Bone(vector(0, 0, 0), vector(0.1, 0.7, 0.2), 0.15, 0.08, 0.1, UP)], 60)
    triangles = flesh.mesh(frame_towards(vector(0, 0, 0), vector(1, 0, 0), UP), 1.0).triangles
    edges = np.sort(np.concatenate((triangles[:, :2], triangles[:, 1:], triangles[:, ::2])), 1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts % 2) == {0}


def test_blending_fills_the_crease_and_adds_nothing_elsewhere() -> None:
    sharp = Flesh([bone(-0.6, 0, 0.2), Bone(vector(0, 0, 0), vector(0, 0.6, 0), 0.2, 0.2, 0.0, UP)], 80)
    soft = Flesh([bone(-0.6, 0, 0.2), Bone(vector(0, 0, 0), vector(0, 0.6, 0), 0.2, 0.2, 0.2, UP)], 80)
    crease, far = vector(-0.22, 0.22, 0)[None], vector(-0.7, 0.5, 0.2)[None]
    assert float(soft.distance(crease)[0]) < float(sharp.distance(crease)[0]) - 0.01
    assert float(soft.distance(far)[0]) > 0.05


@pytest.mark.parametrize(
    "mesh",
    [
        tube(spline(np.array(((0, 0, 0), (1, 0.4, 0), (1.5, 1, 0.3))), 12), np.full(12, 0.1), Material.HARD, up=UP),
        ball(vector(1, 2, 3), np.eye(3), (0.3, 0.2, 0.1), Material.EYE),
    ],
    ids=["tube", "ball"],
)
def test_closed_parts_face_outwards(mesh) -> None:
    assert volume(mesh.position - mesh.position.mean(0), mesh.triangles) > 0


def test_the_nearer_triangle_is_seen() -> None:
    seen = np.array(((2, 2, 0), (2, 30, 0), (30, 2, 0), (2, 2, 1), (2, 12, 1), (12, 2, 1)), np.float32)
    triangles = np.array(((0, 1, 2), (3, 4, 5)), np.int32)
    visible = rasterise(seen, triangles, np.array((True, True)), 32, 32)
    picture = visible.image(visible.triangle.astype(np.float32), -1)
    assert picture[4, 4] == 1
    assert picture[20, 4] == 0
    assert picture[30, 30] == -1


def test_pixels_between_triangles_are_not_lost() -> None:
    seen = np.array(((1, 1, 0), (1, 61, 0), (61, 61, 0), (61, 1, 0)), np.float32)
    visible = rasterise(seen, np.array(((0, 1, 2), (0, 2, 3)), np.int32), np.array((True, True)), 64, 64)
    assert len(visible.pixel) == 60 * 60
    column = visible.interpolate(seen[:, 0])
    assert np.abs(column - (visible.pixel % 64 + 0.5)).max() < 1e-2


def test_triangles_that_face_away_are_left_out() -> None:
    seen = np.array(((2, 2, 0), (2, 30, 0), (30, 2, 0)), np.float32)
    front, back = np.array(((0, 1, 2),), np.int32), np.array(((0, 2, 1),), np.int32)
    one_sided = np.array((False,))
    assert len(rasterise(seen, front, one_sided, 32, 32).pixel) > 0
    assert len(rasterise(seen, back, one_sided, 32, 32).pixel) == 0


@given(
    st.floats(-180, 180), st.floats(-20, 60), st.sampled_from(((64, 64), (200, 64), (72, 320))), st.booleans(),
    st.floats(0.3, 0.9),
)  # fmt: skip
def test_the_camera_keeps_the_whole_animal_in_the_picture(
    yaw: float, pitch: float, size: tuple[int, int], standing: bool, share: float
) -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform((-1, 0, -0.4), (1.4, 1.2, 0.4), (60, 3)).astype(np.float32)
    width, height = size
    flat = aim(points, yaw, pitch, width, height, 0.85, share, standing).project(points)
    assert flat[:, 0].min() >= 0
    assert flat[:, 0].max() <= width
    assert flat[:, 1].min() >= -1e-3
    assert flat[:, 1].max() <= height


@given(st.floats(0.2, 1.4), st.floats(0.1, 0.8), st.floats(0.1, 0.8))
def test_two_bones_keep_their_lengths_where_they_can_reach(distance: float, upper: float, lower: float) -> None:
    root, end = vector(0, 1, 0), vector(distance * 0.6, 1 - distance * 0.8, 0)
    joint = two_bones(root, end, upper, lower, vector(1, 0, 0.2))
    if abs(upper - lower) * 1.01 < distance < (upper + lower) * 0.99:
        assert np.linalg.norm(joint - root) == pytest.approx(upper, rel=1e-3)
        assert np.linalg.norm(joint - end) == pytest.approx(lower, rel=1e-3)
    assert np.isfinite(joint).all()


@pytest.mark.parametrize("kind", [PatternKind.SPOTS, PatternKind.STRIPES, PatternKind.MAZE, PatternKind.PATCHES])
def test_marks_cover_the_share_of_the_skin_that_was_asked_for(kind: PatternKind) -> None:
    flesh = Flesh([bone(-0.5, 0.5, 0.3)], 90)
    mesh = flesh.mesh(frame_towards(vector(9, 0, 0), vector(1, 0, 0), UP), 1.0)
    pattern = Pattern(kind, 0.15, 0.35, 1, 1, 1, 1, 0, 0, 0)
    mark = grow_pattern(mesh, pattern, flesh.cell, 5)
    assert (mark > 0).mean() == pytest.approx(0.35, abs=0.08)
    assert mark.std() > 0.5
    assert np.array_equal(mark, grow_pattern(mesh, pattern, flesh.cell, 5))
