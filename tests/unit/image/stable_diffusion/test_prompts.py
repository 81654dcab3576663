"""What models are told."""

from dataclasses import replace

import pytest

from postcards_composer.parts import prompts
from postcards_composer.parts.prompts import audio_prompt, image_prompt
from postcards_species.ancestry.animals import ANIMALS
from postcards_species.place.scene import Biome, Finish, TimeOfDay, Weather
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word

SPECIES = derive_species(11)
WORD = Word("grr", "water", (Syllable(("g",), "grr"),))


@pytest.mark.parametrize("seed", range(20))
def test_both_prompts_tell_of_the_ancestry(seed: int):
    species = derive_species(seed, 0.5, "fog")

    for prompt in (image_prompt(species, "fog"), audio_prompt(species, None, "fog")):
        assert all(parent.animal in prompt for parent in species.parents)
        assert prompt.endswith("Theme: fog.")
        assert len(prompt) <= 2000
        assert "  " not in prompt


@pytest.mark.parametrize(
    ("strangeness", "words"),
    [(0.0, "but slightly distorted"), (0.5, "but heavily distorted."), (1.0, "heavily distorted until unrecognizable")],
)
def test_strangeness_is_told(strangeness: float, words: str):
    assert words in image_prompt(replace(SPECIES, strangeness=strangeness))


def test_every_scene_can_be_told():
    prompts = {
        image_prompt(replace(SPECIES, scene=replace(SPECIES.scene, **{name: member})))
        for name, kind in {"biome": Biome, "weather": Weather, "time_of_day": TimeOfDay, "finish": Finish}.items()
        for member in kind
    }

    assert len(prompts) == len(Biome) + len(Weather) + len(TimeOfDay) + len(Finish) - 3


def test_every_feeling_can_be_told():
    prompts = {
        audio_prompt(SPECIES, Phrase("grr", "Water.", intent, mood, (WORD,))) for intent in Intent for mood in Mood
    }

    assert len(prompts) == len(Intent) * len(Mood)


def test_a_long_theme_is_cut():
    assert len(image_prompt(SPECIES, "x" * 3000)) == 2000


READ_AT_ONCE = 75
SHORT_THEMES = ("", "fog", "from my hell", "Christmas cards from the deep sea, printed in Hamburg in 1972")
LONG_THEME = (
    "a lonely lighthouse keeper who writes home about the sea, the gulls and the long winter, while the lamp turns "
    "and the fog horn answers to nobody in particular, year after year"
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a photo of a cat", 5),
        ("heavily distorted until unrecognizable", 6),
        ("Risograph print in two inks with coarse halftone.", 14),
        (image_prompt(derive_species(0)), 65),
        (image_prompt(derive_species(1, 0.9)), 60),
        (LONG_THEME, 35),
        ("A gloaming of boisterous platypus, 1972!", 16),
    ],
)
def test_tokens_are_counted_rather_too_many(text: str, tokens: int):
    """The numbers are those of CLIP's own vocabulary, which is not here."""
    assert tokens <= prompts._most_tokens(text) + 3


@pytest.mark.parametrize("strangeness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("theme", SHORT_THEMES)
def test_the_model_reads_every_animal_of_a_theme_at_once(theme: str, strangeness: float):
    assert prompts._most_tokens(theme) <= prompts._READ_BESIDE_ANY_ANIMAL
    for seed in range(100):
        prompt = image_prompt(derive_species(seed, strangeness, theme), theme)
        assert prompts._most_tokens(prompt) <= prompts._READ_AT_ONCE < READ_AT_ONCE
        assert prompt.endswith(f"Theme: {theme}.") or not theme


def test_there_is_room_for_the_longest_animal_beside_the_longest_short_theme():
    longest = max(ANIMALS, key=lambda name: prompts._most_tokens(f"an {name}"))
    place = max(Biome, key=lambda biome: prompts._most_tokens(prompts._PLACES[biome]))
    crowded = replace(
        SPECIES,
        strangeness=1.0,
        parents=tuple(replace(SPECIES.parents[0], animal=longest) for _ in range(3)),
        scene=replace(SPECIES.scene, biome=place),
    )
    theme = " ".join(["lamp"] * prompts._READ_BESIDE_ANY_ANIMAL)
    assert prompts._most_tokens(image_prompt(crowded, theme)) <= prompts._READ_AT_ONCE


def test_a_theme_that_is_too_long_costs_no_animal_its_words():
    for seed in range(20):
        species = derive_species(seed, 0.5, LONG_THEME)
        prompt = image_prompt(species, LONG_THEME)
        assert prompt.endswith(f"Theme: {LONG_THEME}.")
        assert all(trait in prompt for trait in species.temperament)


def test_what_matters_least_is_left_out_first():
    crowded = replace(SPECIES, strangeness=1.0)
    theme = "lamps"
    told = [image_prompt(crowded, " ".join([theme] * count)) for count in range(1, 21)]
    kept = [
        (crowded.temperament[0] in prompt, "It is" in prompt, prompts._FINISHES[crowded.scene.finish] in prompt)
        for prompt in told
    ]
    assert kept == sorted(kept, reverse=True)
    assert len(set(kept)) > 2
    assert all(all(parent.animal in prompt for parent in crowded.parents) for prompt in told)
