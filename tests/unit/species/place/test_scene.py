"""A species has one home, seen in many ways."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.place.scene import Scene, derive_scene, describe_scene
from postcards_species.place.theme import WORDS, read_theme
from postcards_species.surroundings import Biome, Finish, TimeOfDay, Weather

SEEDS = st.integers(0, 2**64 - 1)


@given(SEEDS, st.text(max_size=60))
def test_a_scene_is_valid_and_always_the_same(seed: int, theme: str) -> None:
    parents = choose_parents(seed)
    scene = derive_scene(seed, parents, theme)
    assert scene == derive_scene(seed, parents, theme)
    for f in fields(Scene):
        if f.metadata:
            assert f.metadata["ge"] <= getattr(scene, f.name) <= f.metadata["le"]


@given(SEEDS, st.text(max_size=60))
def test_a_theme_never_moves_the_species(seed: int, theme: str) -> None:
    parents = choose_parents(seed)
    plain, themed = derive_scene(seed, parents), derive_scene(seed, parents, theme)
    assert (plain.biome, plain.flora_seed) == (themed.biome, themed.flora_seed)


@given(SEEDS, st.sampled_from(sorted(WORDS)))
def test_a_theme_is_obeyed(seed: int, word: str) -> None:
    scene, wanted = derive_scene(seed, choose_parents(seed), word), read_theme(word)
    for choice in ("time_of_day", "weather", "finish", "hue", "density"):
        if getattr(wanted, choice) is not None:
            assert getattr(scene, choice) == getattr(wanted, choice)


@given(SEEDS, st.text(alphabet="bdgklmrstvz", min_size=4, max_size=12))
def test_an_unknown_theme_changes_what_is_seen(seed: int, theme: str) -> None:
    parents = choose_parents(seed)
    assert derive_scene(seed, parents, theme) != derive_scene(seed, parents)


def test_species_live_where_their_parents_do() -> None:
    at_home = 0
    for seed in range(500):
        parents = choose_parents(seed)
        homes = {biome for parent in parents for biome in ANIMALS[parent.animal].biomes}
        at_home += derive_scene(seed, parents).biome in homes
    assert 400 < at_home < 500


def test_every_kind_of_scene_occurs() -> None:
    scenes = [derive_scene(seed, choose_parents(seed)) for seed in range(600)]
    assert {scene.biome for scene in scenes} == set(Biome)
    assert {scene.weather for scene in scenes} == set(Weather)
    assert {scene.time_of_day for scene in scenes} == set(TimeOfDay)
    assert {scene.finish for scene in scenes} == set(Finish)


def test_a_scene_needs_no_known_parents() -> None:
    assert derive_scene(7, ()) == derive_scene(7, ())


def test_it_does_not_rain_on_the_sea_floor() -> None:
    parents = (Parent("nautilus", 1.0),)
    scenes = [derive_scene(seed, parents) for seed in range(300)]
    wet = [scene for scene in scenes if scene.biome.submerged]
    assert len(wet) > 200
    assert Weather.RAIN not in {scene.weather for scene in wet}


@pytest.mark.parametrize("biome", Biome)
def test_every_scene_has_words_of_its_own(biome: Biome) -> None:
    texts = {
        describe_scene(Scene(biome, weather, hour, Finish.RISOGRAPH, 0.5, 0.5, 1))
        for weather in Weather
        for hour in TimeOfDay
    }
    assert len(texts) == len(Weather) * len(TimeOfDay)
    assert all("{" not in text and text.split()[0] in {"in", "on"} for text in texts)


def test_a_description_reads_like_english() -> None:
    scene = Scene(Biome.SWAMP, Weather.MIST, TimeOfDay.DUSK, Finish.FIELD_PLATE, 0.1, 0.2, 3)
    assert describe_scene(scene) == "in a misty swamp at dusk"
