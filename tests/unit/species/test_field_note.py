"""Field notes read as written by a person."""

import re

import pytest

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.body.plan import OrnamentKind, ShellKind
from postcards_species.field_note.anatomy import features_of, name_feature, remarks_on
from postcards_species.field_note.parents import GIFTS, plural_of, with_article
from postcards_species.field_note.sentences import DETAILS, FEATURE_OPENINGS, HABITS, OPENINGS, PLACES
from postcards_species.field_note.speech import remarks_on_speech
from postcards_species.species import derive_species
from postcards_species.surroundings import Biome

NOTES = [derive_species(seed, seed % 11 / 10) for seed in range(1500)]


@pytest.mark.parametrize(
    "rule", [r"\ba [aeiou]", r"\ban (?!hour)[^aeiou]", r"  ", r"[{}]", r"\bone eyes", r",,", r"\.\.", r" ,"]
)
def test_grammar(rule: str) -> None:
    for species in NOTES:
        note = species.field_note.replace(species.name, "Hrrgh")
        found = re.search(rule, note, re.IGNORECASE if rule.startswith(r"\b") else 0)
        # "a one..." and "a u..." that begin with a consonant sound do not occur in these texts.
        assert not found, note


def test_three_sentences_of_readable_length() -> None:
    for species in NOTES:
        note = species.field_note
        assert 120 <= len(note) <= 600
        assert note.endswith((".", "”."))
        sentences = re.split(r"(?<=[.”]) (?=[A-Z])", note.replace(species.name, "Hrrgh"))
        assert len(sentences) == 3, note
        assert species.name in note


def test_hardly_two_notes_are_alike() -> None:
    assert len({species.field_note.replace(species.name, "") for species in NOTES}) > 0.99 * len(NOTES)


def test_every_animal_hands_something_down() -> None:
    assert GIFTS.keys() == ANIMALS.keys()
    for animal in ANIMALS:
        assert len(set(GIFTS[animal])) >= 3
        assert len(set(ANIMALS[animal].habits)) >= 3
        assert plural_of(animal)
        assert with_article(animal).endswith(animal)


def test_every_biome_has_places() -> None:
    assert PLACES.keys() == set(Biome)
    assert all(len(places) >= 3 for places in PLACES.values())
    assert not any("," in place for places in PLACES.values() for place in places), "a comma would break the sentence"


def test_sentences_end() -> None:
    for line in (*OPENINGS, *FEATURE_OPENINGS, *HABITS, *DETAILS):
        assert line.endswith((".", "”."))


def test_every_feature_has_a_name_and_remarks() -> None:
    seen: set[str] = set()
    for species in NOTES:
        for key in features_of(species.body_plan):
            seen.add(key)
            assert name_feature(key, species.body_plan)
            for remark in remarks_on(key, species.body_plan):
                assert remark[0].isupper()
                assert remark.endswith(".")
    assert {"horn", "wing", "tentacle", "eyes"} <= seen


def test_a_note_only_tells_of_what_is_there() -> None:
    for species in NOTES:
        keys = features_of(species.body_plan)
        kinds = {ornament.kind for ornament in species.body_plan.ornaments}
        assert ("horn" in keys) == (OrnamentKind.HORN in kinds)
        assert ("spiral" in keys) == (species.body_plan.shell.kind is ShellKind.SPIRAL)


def test_remarks_on_tongues() -> None:
    for species in NOTES[:200]:
        assert remarks_on_speech(species.phonology)
