"""What Stable Audio is told of a species."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.stable_audio.prompts import AUTHORS_PROMPT, write_prompt
from postcards_audio.engines.vocal_tract.rendering import Score, read_score
from postcards_species.ancestry.parents import Parent
from postcards_species.place.scene import Biome, Weather
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.voice.derive import CallGesture

SPECIES = derive_species(11)
REQUEST = AudioRequest(
    seed=11,
    vocal_tract=SPECIES.vocal_tract,
    scene=SPECIES.scene,
    temperament=SPECIES.temperament,
    parents=SPECIES.parents,
    theme="fog",
)
SCORE = read_score(REQUEST, 5.0)


def written(request: AudioRequest = REQUEST, score: Score = SCORE, words: int = 1000) -> str:
    return write_prompt(request, score, lambda text: len(text.split()) <= words)


def test_it_is_a_recording_of_this_animal():
    prompt = written()
    assert prompt.startswith("Wildlife documentary field recording")
    assert all(parent.animal in prompt for parent in SPECIES.parents)
    assert all(trait in prompt for trait in SPECIES.temperament)
    assert " Theme: fog. " in prompt
    assert "Theme" not in written(replace(REQUEST, theme=" "))


def test_who_says_nothing_of_the_ancestry_gets_that_of_the_seed():
    assert written(replace(REQUEST, temperament=(), parents=())) == written()


def test_every_feeling_sound_and_place_can_be_told():
    phrases = [replace(SCORE.phrase, intent=intent, mood=mood) for intent in Intent for mood in Mood]
    assert len({written(score=replace(SCORE, phrase=phrase)) for phrase in phrases}) == len(phrases)
    voices = [replace(SPECIES.vocal_tract, gestures=(gesture,)) for gesture in CallGesture]
    assert len({written(score=replace(SCORE, vocal_tract=voice)) for voice in voices}) == len(voices)
    for biome in Biome:
        scenes = [replace(SCORE.scene, biome=biome, weather=weather) for weather in Weather]
        told = {written(score=replace(SCORE, scene=scene)) for scene in scenes}
        assert len(told) == (1 if biome.submerged or biome is Biome.CAVE else 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pitch_hz": 60.0}, "Deep guttural"),
        ({"pitch_hz": 200.0}, "Throaty"),
        ({"pitch_hz": 900.0}, "High, birdlike"),
        ({"folds": 3}, "three voices at once"),
        ({"roughness": 0.9}, "torn growls"),
        ({"breathiness": 0.9}, "breathy hisses"),
        ({"stridulation": 0.5}, "insectoid chittering"),
        ({"chambers_hz": (300.0,)}, "hollow resonating chambers"),
    ],
)
def test_the_anatomy_is_heard(changes: dict[str, object], words: str):
    voice = replace(SPECIES.vocal_tract, folds=1, chambers_hz=(), roughness=0.1, breathiness=0.1, stridulation=0.0)
    score = replace(SCORE, vocal_tract=replace(voice, **changes))
    assert words.lower() in written(score=score).lower()


def test_no_place_by_the_sea_brings_gulls():
    for biome in Biome:
        prompt = written(score=replace(SCORE, scene=replace(SCORE.scene, biome=biome)))
        assert not {"shore", "beach", "coast", "waves", "ocean"} & set(prompt.lower().replace(".", " ").split())


def test_what_matters_least_is_left_out_first():
    told = [written(words=words) for words in range(len(written().split()), len(AUTHORS_PROMPT.split()) + 1, -1)]
    kept = [
        ("microphone" in prompt, "descends" in prompt, " animal, " in prompt, "resonances" in prompt) for prompt in told
    ]
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) == 5
    assert all("Theme: fog." in prompt for prompt in told)


names = st.text(min_size=1, max_size=64)


@given(st.lists(names, min_size=1, max_size=4), st.text(max_size=200), st.lists(st.text(max_size=32), max_size=3))
def test_it_can_be_put_back_into_a_request(animals: list[str], theme: str, temperament: list[str]):
    parents = tuple(Parent(animal, 0.5) for animal in animals)
    asked = replace(REQUEST, theme=theme, temperament=tuple(temperament), parents=parents)
    assert 0 < len(written(asked, words=0)) <= 2000
