"""Three prints of one animal."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from postcards_image.engines.creature.finish import finish_picture
from postcards_image.engines.creature.finish.camera_trap import read_record
from postcards_image.engines.creature.finish.composition import compose, shown
from postcards_image.engines.creature.finish.field_plate import roman
from postcards_image.engines.creature.finish.lettering import Face, letter
from postcards_image.engines.creature.finish.risograph import PAIRS, inks_of
from postcards_image.engines.creature.layers import Animal, Scenery
from postcards_image.engines.creature.scenery import paint_scenery
from postcards_species.place.scene import Scene
from postcards_species.species import derive_species
from postcards_species.surroundings import Biome, Finish, TimeOfDay, Weather

CAPTION = ("Okapia testudo", "found in a misty swamp at dusk")


def scene(finish: Finish, hour: TimeOfDay = TimeOfDay.DAY, biome: Biome = Biome.SAVANNA) -> Scene:
    return Scene(biome, Weather.CLEAR, hour, finish, 0.6, 0.5, 99)


def ball(scenery: Scenery, width: int, height: int) -> Animal:
    """A lit ball with a dark half, standing on the ground."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = min(width, height) * 0.25
    u, v = (x - width / 2) / radius, (scenery.ground_y * height - radius - y) / radius
    inside = u * u + v * v < 1
    depth = np.sqrt(np.maximum(0, 1 - u * u - v * v))
    normal = np.where(inside[..., None], np.dstack([u, v, depth]), 0).astype(np.float32)
    albedo = np.where((u > 0)[..., None], np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.12, 0.2])).astype(np.float32)
    lit = np.clip(normal @ scenery.light.direction, 0, 1)[..., None] * scenery.light.colour + scenery.light.sky
    shadow = 1 - 0.6 * np.exp(-(u**2) - ((v + 1) / 0.15) ** 2)
    return Animal(
        colour=(albedo * lit).astype(np.float32),
        alpha=inside.astype(np.float32),
        shadow=shadow.astype(np.float32),
        albedo=albedo,
        depth=np.where(inside, depth, -np.inf).astype(np.float32),
        normal=normal,
        ink=(np.abs(u * u + v * v - 1) < 0.06).astype(np.float32),
    )


def nothing(width: int, height: int) -> Animal:
    """An animal that is out of the picture."""
    empty, black = np.zeros((height, width), np.float32), np.zeros((height, width, 3), np.float32)
    return Animal(black, empty, np.ones_like(empty), black, np.full_like(empty, -np.inf), black, empty)


def printed(any_scene: Scene, width: int = 240, height: int = 240, caption: tuple[str, ...] = CAPTION) -> np.ndarray:
    scenery = paint_scenery(any_scene, width, height, 3)
    return finish_picture(any_scene, scenery, ball(scenery, width, height), caption)


@pytest.mark.parametrize("finish", Finish)
@pytest.mark.parametrize("size", [(64, 64), (200, 64), (64, 200), (320, 240)])
def test_a_print_of_any_shape(finish: Finish, size: tuple[int, int]) -> None:
    picture = printed(scene(finish), *size)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.std() > 12


@pytest.mark.parametrize("finish", Finish)
@pytest.mark.parametrize("hour", TimeOfDay)
@pytest.mark.parametrize("biome", [Biome.ABYSS, Biome.TUNDRA, Biome.CAVE])
def test_prints_are_the_same_each_time(finish: Finish, hour: TimeOfDay, biome: Biome) -> None:
    np.testing.assert_array_equal(
        printed(scene(finish, hour, biome), 96, 96), printed(scene(finish, hour, biome), 96, 96)
    )


def test_any_two_finishes_are_strongly_different() -> None:
    prints = {finish: printed(scene(finish)).astype(float) / 255 for finish in Finish}
    for one, other in itertools.combinations(Finish, 2):
        assert np.abs(prints[one] - prints[other]).mean() > 0.15, (one, other)


@pytest.mark.parametrize("finish", Finish)
def test_a_print_without_an_animal(finish: Finish) -> None:
    scenery = paint_scenery(scene(finish), 96, 96, 3)
    assert finish_picture(scene(finish), scenery, nothing(96, 96), ()).std() > 5


@pytest.mark.parametrize("finish", Finish)
def test_the_animal_stands_out(finish: Finish) -> None:
    """Where it stands, the print is clearly another one."""
    for biome in Biome:
        for hour in (TimeOfDay.DAY, TimeOfDay.NIGHT):
            any_scene = scene(finish, hour, biome)
            scenery = paint_scenery(any_scene, 96, 96, 3)
            without = finish_picture(any_scene, scenery, nothing(96, 96), CAPTION).astype(float)
            animal = ball(scenery, 96, 96)
            with_it = finish_picture(any_scene, scenery, animal, CAPTION).astype(float)
            inside = animal.alpha > 0.5
            assert np.abs(with_it - without)[inside].mean() > 14


@pytest.mark.parametrize("finish", [Finish.FIELD_PLATE, Finish.RISOGRAPH])
def test_the_caption_is_printed(finish: Finish) -> None:
    plain, named = printed(scene(finish)), printed(scene(finish), caption=("Entirely other words", "and more"))
    changed = np.flatnonzero((plain != named).any(axis=(1, 2)))
    assert len(changed) > 3
    assert changed.min() > 240 * 0.85


@pytest.mark.parametrize("finish", [Finish.FIELD_PLATE, Finish.RISOGRAPH])
@pytest.mark.parametrize("caption", [(), ("",), ("a" * 500, "b" * 500), ("Ñandú ʘ 🦎 漢字",), ("x", "y", "z")])
def test_any_caption_fits(finish: Finish, caption: tuple[str, ...]) -> None:
    assert printed(scene(finish), caption=caption).shape == (240, 240, 3)


def test_the_record_of_a_photograph_follows_from_its_scene() -> None:
    noon = scene(Finish.CAMERA_TRAP)
    assert read_record(noon) == read_record(noon)
    assert read_record(noon) != read_record(replace(noon, flora_seed=100))
    hours = {hour: int(read_record(scene(Finish.CAMERA_TRAP, hour)).stamp.split()[1][:2]) for hour in TimeOfDay}
    assert 5 <= hours[TimeOfDay.DAWN] <= 6
    assert 9 <= hours[TimeOfDay.DAY] <= 15
    assert 18 <= hours[TimeOfDay.DUSK] <= 19
    assert hours[TimeOfDay.NIGHT] >= 22 or hours[TimeOfDay.NIGHT] <= 3
    cold = read_record(scene(Finish.CAMERA_TRAP, biome=Biome.TUNDRA))
    assert cold.celsius < read_record(noon).celsius


def test_some_nights_are_infrared_and_have_no_colour() -> None:
    nights = [replace(scene(Finish.CAMERA_TRAP, TimeOfDay.NIGHT), flora_seed=seed) for seed in range(12)]
    grey, coloured = (
        next(night for night in nights if read_record(night).infrared is infrared) for infrared in (True, False)
    )

    def saturation(any_scene: Scene) -> float:
        picture = printed(any_scene, 128, 128).astype(float)
        return float((picture.max(axis=2) - picture.min(axis=2)).mean())

    assert saturation(grey) < 14 < saturation(coloured)
    assert not any(read_record(scene(Finish.CAMERA_TRAP, TimeOfDay.DAY)).infrared for _ in range(1))


def test_a_risograph_has_two_inks() -> None:
    """Every pixel lies near the paper, one of the inks, or their overprint, or between them: two dimensions."""
    picture = printed(scene(Finish.RISOGRAPH)).reshape(-1, 3).astype(float) / 255
    density = -np.log(np.clip(picture, 0.02, 1))
    inks = inks_of(scene(Finish.RISOGRAPH))
    basis = -np.log(np.clip(np.array([inks.bright, inks.dark]) / 255, 0.02, 1))
    amounts, *_ = np.linalg.lstsq(basis.T, density.T, rcond=None)
    rest = density - (basis.T @ amounts).T
    assert np.abs(rest).mean() < 0.25 * density.mean()
    assert all(column.mean() > 0.02 for column in amounts)


def test_the_hue_of_a_scene_chooses_the_inks() -> None:
    chosen = [inks_of(replace(scene(Finish.RISOGRAPH), hue=hue)) for hue in np.linspace(0, 1, 60)]
    assert set(chosen) == set(PAIRS)


def test_composing_keeps_what_is_not_covered() -> None:
    scenery = paint_scenery(scene(Finish.CAMERA_TRAP), 96, 96, 3)
    composed = compose(scenery, nothing(96, 96))
    clear = scenery.foreground[..., 3] < 1e-4
    assert clear.any()
    np.testing.assert_allclose(composed[clear], scenery.backdrop[clear], atol=1e-3)


def test_highlights_are_compressed_and_not_cut() -> None:
    light = np.array([0.0, 0.5, 0.8, 1.0, 1.5, 3.0], np.float32)
    encoded = shown(light)
    assert (np.diff(encoded) > 0).all()
    assert encoded.max() <= 1.0


@pytest.mark.parametrize(
    ("number", "text"), [(1, "I"), (4, "IV"), (49, "XLIX"), (388, "CCCLXXXVIII"), (1994, "MCMXCIV")]
)
def test_roman_numerals(number: int, text: str) -> None:
    assert roman(number) == text


@pytest.mark.parametrize("face", [Face.PLATE, Face.PRINT])
def test_a_print_has_every_letter_that_names_are_spelled_with(face: Face) -> None:
    def drawn(letter_: str) -> bytes:
        mask = np.zeros((40, 40), np.float32)
        letter(mask, letter_, (20, 20), 24, face=face, anchor="mm")
        return mask.tobytes()

    letters = {character for seed in range(400) for character in derive_species(seed).name if character.strip()}
    assert "ç" in letters
    assert not [character for character in letters if drawn(character) == drawn("\uffff")]
