"""What a language model wrote, heard as sounds of one species."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_language.engines.openai.phrases.transcription import MOST_SYLLABLES, Transcriber, distance, nearest
from postcards_language.realisation.lexicon import lexicon_of
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phonology import Phonology, Spelling

SEEDS = st.integers(0, 2**64 - 1)
SYMBOLS = st.sampled_from(sorted(INVENTORY))
SMALL = Phonology(("k", "g", "r", "s"), ("a", "o"), ("k", "r"), shapes=("CV", "CVC", "CCV"), clusters=("k.r",))


def tongue(seed: int) -> Phonology:
    return derive_phonology(seed, choose_parents(seed))


def heard(text: str, phonology: Phonology = SMALL) -> str:
    return " ".join("-".join(syllable) for syllable in Transcriber(phonology).transcribe(text).syllables)


@settings(max_examples=60)
@given(SEEDS, st.text(max_size=40))
def test_whatever_is_written_is_said_with_the_sounds_of_the_species(seed: int, text: str) -> None:
    phonology = tongue(seed)
    for syllable in Transcriber(phonology).transcribe(text).syllables:
        peaks = [i for i, symbol in enumerate(syllable) if symbol in phonology.nuclei]
        assert peaks, syllable
        assert set(syllable) <= {*phonology.onsets, *phonology.nuclei, *phonology.codas}
        assert len(syllable) <= 6


@settings(max_examples=6)
@given(SEEDS)
def test_words_of_the_species_are_heard_as_they_are(seed: int) -> None:
    lexicon = lexicon_of(tongue(seed))
    transcriber = Transcriber(lexicon.phonology)
    roots = {morpheme for key in lexicon for morpheme in lexicon[key]}
    alike = 0
    for root in roots:
        sounds = [symbol for syllable in root.syllables for symbol in syllable.phonemes]
        again = transcriber.transcribe(root.text)
        assert not again.replaced
        alike += sounds == [symbol for syllable in again.syllables for symbol in syllable]
    # The rest could be read in two ways: "kh" may be one sound or two.
    assert alike > 0.6 * len(roots)


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("", ""),
        ("...", ""),
        ("kak", "k-a-k"),
        ("krako", "k-r-a k-o"),
        ("gaaar", "g-a-a-r"),
        ("k", "k-a"),
        ("kakra", "k-a k-r-a"),
        ("karka", "k-a-r k-a"),
        ("GRA", "g-a r-a"),
        ("kasra", "k-a-k r-a"),
        ("kékô", "k-a k-o"),
        ("tak", "k-a-k"),
        ("ka\u4e16ka", "k-a k-a"),
    ],
)
def test_syllables(text: str, syllables: str) -> None:
    assert heard(text) == syllables


def test_foreign_letters_are_noted() -> None:
    assert Transcriber(SMALL).transcribe("thak").replaced == {"th": "s"}


def test_spellings_of_the_species_come_first() -> None:
    odd = Phonology(("k", "g"), ("a", "o"), (), spellings=(Spelling("k", "x", "x"), Spelling("a", "u", "u")))
    assert heard("xugu", odd) == "k-a g-a"


def test_the_fewest_foreign_letters_win() -> None:
    """The longest spelling at each place would leave letters that nobody can say."""
    two = Phonology(("k", "rh", "kh"), ("a",), (), shapes=("CV", "CCV"), clusters=("k.rh",))
    assert heard("khra", two) == "kh-a k-a" or heard("krha", two) == "k-rh-a"
    assert heard("krha", two) == "k-rh-a"


def test_a_growl_carries_a_syllable_where_no_vowel_does() -> None:
    growling = Phonology(("k", "grr"), ("a", "grr"), ("grr",), shapes=("CV", "CVC"))
    assert heard("kgrr", growling) == "k-grr"
    assert heard("kagrr", growling) == "k-a-grr"
    assert heard("grra", growling) == "grr-a"


def test_endless_howls_end() -> None:
    assert len(Transcriber(SMALL).transcribe("ka" * 500).syllables) == MOST_SYLLABLES
    assert heard("a" * 500) == "a-a"


@given(SYMBOLS, SYMBOLS)
def test_distance_is_one_of_equals(one: str, other: str) -> None:
    there = distance(INVENTORY[one], INVENTORY[other])
    assert there == distance(INVENTORY[other], INVENTORY[one])
    assert (there == 0) == (one == other)


@pytest.mark.parametrize(
    ("symbol", "among", "expected"),
    [("t", "k m a", "k"), ("ii", "a i o", "i"), ("hrr", "rh s m", "rh"), ("mm", "m k l", "m"), ("sh", "s g r", "s")],
)
def test_the_nearest_sound(symbol: str, among: str, expected: str) -> None:
    assert nearest(symbol, among.split()) == expected
