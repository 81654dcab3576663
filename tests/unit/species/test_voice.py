"""Voices derived from parents."""

import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.voice.derive import (
    CallGesture,
    VocalTract,
    allometric_length_cm,
    allometric_pitch_hz,
    derive_voice,
)
from postcards_species.voice.traits.table import VOICE_TRAITS

SEEDS = st.integers(0, 2**64 - 1)
SHARES = st.floats(0, 1)


def within_limits(voice: VocalTract) -> bool:
    for field in fields(VocalTract):
        value, limits = getattr(voice, field.name), field.metadata
        items = value if isinstance(value, tuple) else ()
        if not limits.get("min_length", 0) <= len(items) <= limits.get("max_length", len(items)):
            return False
        numbers = [item for item in items if isinstance(item, float)] if items or value == () else [value]
        low, high = limits.get("item_ge", limits.get("ge")), limits.get("item_le", limits.get("le"))
        if not all(math.isfinite(number) and low <= number <= high for number in numbers):
            return False
    return True


@given(SEEDS, SHARES)
@settings(max_examples=150, deadline=None)
def test_every_voice_is_within_its_limits(seed, strangeness):
    assert within_limits(derive_voice(seed, choose_parents(seed), strangeness))


@given(SEEDS, SHARES)
@settings(max_examples=30, deadline=None)
def test_the_same_seed_gives_the_same_voice(seed, strangeness):
    parents = choose_parents(seed)
    assert derive_voice(seed, parents, strangeness) == derive_voice(seed, parents, strangeness)


def test_every_animal_has_a_voice_and_no_other_has():
    assert set(VOICE_TRAITS) == set(ANIMALS)


@pytest.mark.parametrize("animal", sorted(VOICE_TRAITS))
def test_the_gestures_of_every_animal_are_known(animal):
    gestures = VOICE_TRAITS[animal].gestures
    assert 1 <= len(gestures) <= 3
    assert len({CallGesture(gesture) for gesture in gestures}) == len(gestures)


@pytest.mark.parametrize("animal", sorted(VOICE_TRAITS))
def test_a_pure_descendant_sounds_like_its_parent(animal):
    traits = VOICE_TRAITS[animal]
    other = next(name for name in VOICE_TRAITS if name != animal)
    expected = traits.pitch_hz or allometric_pitch_hz(ANIMALS[animal].mass_kg)
    ratios = []
    for seed in range(40):
        voice = derive_voice(seed, (Parent(animal, 1.0), Parent(other, 0.0)), 0.0)
        ratios.append(math.log2(voice.pitch_hz / expected))
        assert voice.gestures[0].value in traits.gestures
    assert abs(sum(ratios) / len(ratios)) < 0.2


def test_large_animals_have_lower_voices_and_longer_tracts():
    masses = [10.0**power for power in range(-2, 5)]
    pitches = [allometric_pitch_hz(mass) for mass in masses]
    lengths = [allometric_length_cm(mass) for mass in masses]
    assert pitches == sorted(pitches, reverse=True)
    assert lengths == sorted(lengths)
    assert allometric_pitch_hz(70) == pytest.approx(139, rel=0.02)
    assert allometric_length_cm(70) == pytest.approx(16.9, rel=0.02)


def test_strangeness_bends_the_voice_away_from_the_parents():
    def distance(strangeness: float) -> float:
        total = 0.0
        for seed in range(60):
            parents = choose_parents(seed)
            own, bent = derive_voice(seed, parents, 0.0), derive_voice(seed, parents, strangeness)
            total += abs(math.log2(bent.pitch_hz / own.pitch_hz)) + abs(bent.roughness - own.roughness)
        return total

    assert 0 < distance(0.3) < distance(0.7) < distance(1.0)


def test_voices_are_varied():
    voices = [derive_voice(seed, choose_parents(seed), 0.5) for seed in range(400)]
    assert len({voice.pitch_hz for voice in voices}) > 350
    assert {voice.folds for voice in voices} >= {1, 2, 3}
    assert {gesture for voice in voices for gesture in voice.gestures} == set(CallGesture)
    assert any(voice.stridulation == 0 for voice in voices)
    assert any(voice.stridulation > 0.5 for voice in voices)
