import numpy as np
import pytest

from postcards_image.engines.creature.anatomy.body import lay_bones
from postcards_image.engines.creature.layers import Animal, Light, Scenery
from postcards_image.engines.creature.rendering import painter
from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.body.derive import BodyPlan, derive_body

SIZE = 72
NAMES = tuple(ANIMALS)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def daylight(size: int = SIZE) -> Scenery:
    direction = floats(0.5, 0.7, 0.5)
    light = Light(
        direction / np.linalg.norm(direction),
        floats(1, 0.95, 0.9),
        floats(0.3, 0.35, 0.4),
        floats(0.1, 0.1, 0.08),
        floats(0.3, 0.3, 0.3),
    )
    empty = np.full((size, size, 3), 0.4, np.float32)
    return Scenery(empty, np.zeros((size, size, 4), np.float32), 0.84, light, floats(0.5, 0.5, 0.5), 0.1, False, 0.7)


def draw(plan: BodyPlan, size: int = SIZE) -> Animal:
    canvas = painter.Canvas(size, size, 0.84, 0.7)
    body = painter.flesh_out(plan, lay_bones(plan), canvas)
    view = painter.look(plan, body, canvas)
    clad = painter.dress(plan, body, view)
    return painter.illuminate(plan, body, view, clad, daylight(size), canvas)


def check(animal: Animal) -> None:
    for name in ("colour", "alpha", "shadow", "albedo", "normal", "ink"):
        values = getattr(animal, name)
        assert values.dtype == np.float32, name
        assert np.isfinite(values).all(), name
    assert animal.alpha.min() >= 0
    assert animal.alpha.max() <= 1.0001
    assert animal.colour.min() >= 0
    assert animal.shadow.min() >= 0
    assert animal.shadow.max() <= 1
    filled = (animal.alpha > 0.5).mean()
    assert 0.015 < filled < 0.7
    rows, columns = np.nonzero(animal.alpha > 0.5)
    assert max(np.ptp(rows), np.ptp(columns)) > 0.45 * SIZE
    border = np.concatenate((animal.alpha[0], animal.alpha[-1], animal.alpha[:, 0], animal.alpha[:, -1]))
    assert border.max() < 0.5


@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_every_animal_is_drawn_alone_and_with_another(index: int) -> None:
    check(draw(derive_body(index, (Parent(NAMES[index], 1.0),), 0.0)))
    partner = NAMES[(index * 5 + 7) % len(NAMES)]
    if partner != NAMES[index]:
        check(draw(derive_body(index, (Parent(NAMES[index], 0.6), Parent(partner, 0.4)), 0.5)))


@pytest.mark.parametrize("seed", range(1000, 1016))
def test_the_strangest_species_are_drawn(seed: int) -> None:
    check(draw(derive_body(seed, choose_parents(seed), 1.0)))


def test_no_two_seeds_are_recolourings_of_one_another() -> None:
    shapes = [draw(derive_body(seed, choose_parents(seed), 0.5)).alpha > 0.5 for seed in range(40, 60)]
    for i, one in enumerate(shapes):
        for other in shapes[i + 1 :]:
            # Intersection over union of the silhouettes, mirrored ones too.
            for shape in (other, other[:, ::-1]):
                assert (one & shape).sum() / (one | shape).sum() < 0.8


def test_an_animal_that_stands_throws_its_shadow_at_its_feet() -> None:
    animal = draw(derive_body(5, (Parent("llama", 1.0),), 0.0))
    rows, columns = np.nonzero(animal.alpha > 0.5)
    feet = int(rows.max())
    under = animal.shadow[feet - 3 : feet + 3, columns.min() : columns.max()]
    assert under.min() < 0.7
    assert animal.shadow[: feet // 2].min() > 0.95
