"""Every seed gives a tongue that its throat can say and a reader can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.anatomy import GUTTURAL_BASE, SOUNDS
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import plain_letters, reads_as_english
from postcards_species.speech.phonemes import INVENTORY, Manner
from postcards_species.speech.phonology import Harmony, Phonology, Spelling
from postcards_species.speech.words import coin_word, spell_syllable, write_syllables
from postcards_species.streams import Stream

SEEDS = st.integers(0, 2**64 - 1)
FRONT, BACK = {"e", "i", "ii", "y", "oe", "ae"}, {"a", "aa", "o", "oo", "u", "uu"}


def tongue(seed: int) -> Phonology:
    return derive_phonology(seed, choose_parents(seed))


def test_every_animal_has_sounds_of_the_inventory() -> None:
    assert SOUNDS.keys() == ANIMALS.keys()
    for sounds in SOUNDS.values():
        assert {*sounds.consonants, *sounds.nuclei} <= INVENTORY.keys()
        assert not any(INVENTORY[symbol].manner is Manner.VOWEL for symbol in sounds.consonants)


@given(SEEDS)
def test_same_seed_same_tongue(seed: int) -> None:
    assert tongue(seed) == tongue(seed)


@given(SEEDS)
def test_a_tongue_is_guttural_and_complete(seed: int) -> None:
    phonology = tongue(seed)
    consonants = {*phonology.onsets, *phonology.codas}
    assert {*consonants, *phonology.nuclei} <= INVENTORY.keys()
    assert sum(INVENTORY[symbol].place >= 0.65 for symbol in consonants) >= 4
    assert len(consonants & {*GUTTURAL_BASE}) >= 1
    assert sum(INVENTORY[symbol].manner is Manner.VOWEL for symbol in phonology.nuclei) >= 3
    assert 8 <= len(phonology.onsets) <= 24
    assert 1 <= len(phonology.codas) <= 24
    written = [entry.rest for entry in phonology.spellings]
    assert len(set(written)) == len(written), "two phonemes are written alike"


@given(SEEDS)
def test_every_pair_of_a_cluster_is_of_the_onsets(seed: int) -> None:
    phonology = tongue(seed)
    for pair in phonology.clusters:
        assert set(pair.split(".")) <= set(phonology.onsets)


@given(SEEDS, st.integers(1, 4), st.booleans())
def test_words_are_said_written_and_stressed_consistently(seed: int, count: int, closed: bool) -> None:
    phonology = tongue(seed)
    word = coin_word(phonology, Stream(seed, "test"), count, closed=closed)
    assert len(word) >= count
    assert [syllable.stressed for syllable in word].count(True) == 1
    for syllable in word:
        assert syllable.text == spell_syllable(phonology, syllable.phonemes)
        assert set(syllable.phonemes) <= {*phonology.onsets, *phonology.nuclei, *phonology.codas}
        assert any(symbol in phonology.nuclei for symbol in syllable.phonemes)
        assert -12 <= syllable.tone <= 12
    text = write_syllables(word)
    assert not reads_as_english(text)
    assert text.replace("'", "") == "".join(syllable.text for syllable in word).replace("'", "")


@given(SEEDS)
def test_words_keep_vowel_harmony(seed: int) -> None:
    phonology = tongue(seed)
    if phonology.harmony is not Harmony.BACKNESS:
        return
    for i in range(20):
        sounds = {symbol for s in coin_word(phonology, Stream(seed, f"test/{i}"), 2) for symbol in s.phonemes}
        assert not (sounds & FRONT and sounds & BACK)


def test_tongues_without_tones_are_level() -> None:
    level = next(phonology for phonology in map(tongue, range(100)) if phonology.tones == 1)
    tonal = next(phonology for phonology in map(tongue, range(100)) if phonology.tones > 1)
    assert {s.tone for i in range(50) for s in coin_word(level, Stream(i, "test"), 2)} == {0.0}
    assert len({s.tone for i in range(50) for s in coin_word(tonal, Stream(i, "test"), 2)}) == tonal.tones


def test_a_tongue_that_spells_english_is_outgrown() -> None:
    phonology = Phonology(
        onsets=("k",),
        nuclei=("a",),
        codas=("t",),
        shapes=("CVC",),
        spellings=(Spelling("k", "c", "c"),),
    )
    word = write_syllables(coin_word(phonology, Stream(1, "test"), 1))
    assert word != "cat"
    assert not reads_as_english(word)


@pytest.mark.parametrize(
    "word", ["water", "Water", "wa-ter-water", "grr'the", "wätér", "naïve", "no·hrrgh", "the-", "a", "x", "", "ffuckh"]
)
def test_english_is_recognised(word: str) -> None:
    assert reads_as_english(word)


@pytest.mark.parametrize("word", ["hrraagh-kho", "ngluu'k", "grrom", "krxaa", "ghöghrr"])
def test_growls_are_not_english(word: str) -> None:
    assert not reads_as_english(word)


def test_accents_are_seen_through() -> None:
    assert plain_letters("Âøæß") == "aoaess"
