"""Habitats: always the same, always finite, lit from where they say, clear where the animal goes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_image.engines.creature.layers import Light, Scenery
from postcards_image.engines.creature.scenery import paint_scenery
from postcards_image.engines.creature.scenery.colour import luminance
from postcards_image.engines.creature.scenery.palette import burning
from postcards_image.engines.creature.scenery.stage import set_stage
from postcards_species.place.scene import Scene
from postcards_species.surroundings import Biome, Finish, TimeOfDay, Weather

SIZE = 64
SCENES = st.builds(
    Scene,
    biome=st.sampled_from(Biome),
    weather=st.sampled_from(Weather),
    time_of_day=st.sampled_from(TimeOfDay),
    finish=st.sampled_from(Finish),
    hue=st.floats(0, 1),
    density=st.floats(0, 1),
    flora_seed=st.integers(0, 2**64 - 1),
)


def scene(biome: Biome, weather: Weather = Weather.CLEAR, hour: TimeOfDay = TimeOfDay.DAY) -> Scene:
    return Scene(biome, weather, hour, Finish.CAMERA_TRAP, 0.3, 0.7, 4711)


def check(scenery: Scenery, width: int, height: int) -> None:
    assert scenery.backdrop.shape == (height, width, 3)
    assert scenery.foreground.shape == (height, width, 4)
    for image in (scenery.backdrop, scenery.foreground):
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert image.max() <= 1
    alpha = scenery.foreground[..., 3:]
    assert (scenery.foreground[..., :3] <= alpha + 1e-3).all()
    assert 0.5 < scenery.ground_y < 1
    assert 0 < scenery.scale <= 1
    assert 0 <= scenery.haze_amount <= 1
    check_light(scenery.light)


def check_light(light: Light) -> None:
    assert light.direction.shape == (3,)
    assert abs(float(np.linalg.norm(light.direction)) - 1) < 1e-5
    assert light.direction[1] > 0, "light comes from above"
    assert light.direction[2] > 0, "and a little from the viewer's side, so that the animal's face is lit"
    for colour in (light.colour, light.sky, light.ground, light.rim):
        assert colour.shape == (3,)
        assert np.isfinite(colour).all()
        assert (colour >= 0).all()
    assert luminance(light.colour) > 0.03


@pytest.mark.parametrize("hour", TimeOfDay)
@pytest.mark.parametrize("weather", Weather)
@pytest.mark.parametrize("biome", Biome)
def test_every_combination_is_painted(biome: Biome, weather: Weather, hour: TimeOfDay) -> None:
    scenery = paint_scenery(scene(biome, weather, hour), SIZE, SIZE, 5)
    check(scenery, SIZE, SIZE)
    assert scenery.submerged is biome.submerged
    assert scenery.backdrop.std() > 0.004, "something is to be seen"


@settings(max_examples=12, deadline=None)
@given(SCENES, st.integers(0, 2**64 - 1), st.sampled_from([(64, 64), (160, 64), (64, 200), (104, 96)]))
def test_any_scene_at_any_shape(any_scene: Scene, seed: int, size: tuple[int, int]) -> None:
    check(paint_scenery(any_scene, *size, seed), *size)


@pytest.mark.parametrize("biome", Biome)
def test_the_same_arguments_paint_the_same(biome: Biome) -> None:
    first, second = (paint_scenery(scene(biome, Weather.STORM), 96, 80, 9) for _ in range(2))
    np.testing.assert_array_equal(first.backdrop, second.backdrop)
    np.testing.assert_array_equal(first.foreground, second.foreground)
    np.testing.assert_array_equal(first.light.direction, second.light.direction)


@pytest.mark.parametrize("biome", Biome)
@pytest.mark.parametrize(
    "change", [{"weather": Weather.MIST}, {"time_of_day": TimeOfDay.DUSK}, {"hue": 0.8}, {"flora_seed": 5}]
)
def test_every_choice_of_a_scene_is_visible(biome: Biome, change: dict[str, object]) -> None:
    plain = scene(biome)
    first = paint_scenery(plain, SIZE, SIZE, 3)
    second = paint_scenery(replace(plain, **change), SIZE, SIZE, 3)
    assert np.abs(first.backdrop - second.backdrop).mean() > 0.002


def test_another_seed_is_another_place() -> None:
    first, second = (paint_scenery(scene(Biome.JUNGLE), SIZE, SIZE, seed).backdrop for seed in (1, 2))
    assert np.abs(first - second).mean() > 0.01


@pytest.mark.parametrize("biome", Biome)
@pytest.mark.parametrize("weather", [Weather.DRIFT, Weather.STORM])
def test_nothing_hides_the_middle(biome: Biome, weather: Weather) -> None:
    for seed in range(2):
        alpha = paint_scenery(replace(scene(biome, weather), density=1.0), 128, 128, seed).foreground[..., 3]
        middle = alpha[int(128 * 0.22) : int(128 * 0.80), int(128 * 0.25) : int(128 * 0.75)]
        assert middle.mean() < 0.06
        assert (middle > 0.5).mean() < 0.02


@pytest.mark.parametrize("hour", [TimeOfDay.DAWN, TimeOfDay.DUSK, TimeOfDay.NIGHT])
def test_light_comes_from_where_the_sun_is_painted(hour: TimeOfDay) -> None:
    sides = set()
    for seed in range(5):
        stage = set_stage(scene(Biome.SAVANNA, hour=hour), 120, 120, seed)
        side = np.sign(stage.orb[0] - 60)
        assert np.sign(stage.palette.light.direction[0]) == side
        sky = luminance(paint_scenery(stage.scene, 120, 120, seed).backdrop[: int(stage.horizon)])
        left, right = sky[:, :60].mean(), sky[:, 60:].mean()
        assert (right > left) == (side > 0), "the brighter half of the sky has the sun in it"
        sides.add(side)
    assert sides == {-1.0, 1.0}


def test_day_is_brighter_than_dusk_than_night() -> None:
    for biome in (Biome.SAVANNA, Biome.COAST, Biome.MOUNTAIN, Biome.REEF):
        day, dusk, night = (
            luminance(paint_scenery(scene(biome, hour=hour), SIZE, SIZE, 3).backdrop).mean()
            for hour in (TimeOfDay.DAY, TimeOfDay.DUSK, TimeOfDay.NIGHT)
        )
        assert day > dusk > night > 0.003


def test_the_sun_is_lower_at_dusk_than_at_noon() -> None:
    low = set_stage(scene(Biome.DESERT, hour=TimeOfDay.DUSK), 100, 100, 1)
    high = set_stage(scene(Biome.DESERT), 100, 100, 1)
    assert low.palette.light.direction[1] < high.palette.light.direction[1]
    assert low.orb[1] > high.orb[1]


def test_hell_has_embers_wherever_it_is() -> None:
    hell = replace(scene(Biome.TUNDRA, Weather.DRIFT, TimeOfDay.DUSK), hue=0.02)
    assert burning(hell)
    assert burning(scene(Biome.VOLCANIC))
    for milder in ({"hue": 0.6}, {"time_of_day": TimeOfDay.DAY}, {"weather": Weather.CLEAR}, {"biome": Biome.REEF}):
        assert not burning(replace(hell, **milder))
    warm, cold = (set_stage(any_scene, 64, 64, 1).palette.light.ground for any_scene in (hell, replace(hell, hue=0.6)))
    assert warm[0] - warm[2] > cold[0] - cold[2]


def test_a_small_picture_is_the_large_one_made_small() -> None:
    """Previews must promise what the picture keeps."""
    for biome in (Biome.SAVANNA, Biome.MOUNTAIN, Biome.FUNGAL_FOREST):
        small = paint_scenery(scene(biome), 96, 96, 7).backdrop
        large = paint_scenery(scene(biome), 384, 384, 7).backdrop.reshape(96, 4, 96, 4, 3).mean(axis=(1, 3))
        likeness = np.corrcoef(small.ravel(), large.ravel())[0, 1]
        assert likeness > 0.85
