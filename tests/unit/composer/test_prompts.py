"""What models are told."""

from dataclasses import replace

import pytest

from postcards_composer.prompts import audio_prompt, image_prompt
from postcards_species.phrase import Intent, Mood, Phrase, Syllable, Word
from postcards_species.species import derive_species
from postcards_species.world import Biome, Finish, TimeOfDay, Weather

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
