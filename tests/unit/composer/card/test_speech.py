from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from postcards_composer.card.text.pronunciation import pronunciation, read_aloud
from postcards_composer.card.text.speech import shown_words
from postcards_composer.postcards.manifest import WordTiming
from postcards_species.species import derive_species
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word


def phrase(text: str, *words: Word) -> Phrase:
    return Phrase(text, "Something.", Intent.TELLING, Mood.CALM, words)


def plain_word(*syllables: str, text: str = "") -> Word:
    return Word(text or "".join(syllables), "thing", tuple(Syllable(("k", "a"), syllable) for syllable in syllables))


def test_punctuation_joints_and_the_capital_come_from_the_written_phrase():
    words = shown_words(
        phrase("Ka'rro ti, moo!", plain_word("ka", "rro", text="ka'rro"), plain_word("ti"), plain_word("moo")), ()
    )
    assert [[s.text for s in word.syllables] for word in words] == [
        ["Ka\N{RIGHT SINGLE QUOTATION MARK}", "rro"],
        ["ti"],
        ["moo"],
    ]
    assert [word.after for word in words] == ["", ",", "!"]


def test_a_phrase_written_otherwise_than_its_words_is_shown_by_its_words():
    words = shown_words(phrase("something else", plain_word("ka", "rro"), plain_word("ti")), ())
    assert [[s.text for s in word.syllables] for word in words] == [["ka", "rro"], ["ti"]]
    assert [word.after for word in words] == ["", ""]


syllables = st.lists(st.sampled_from(sorted(INVENTORY)), min_size=1, max_size=4).map(tuple)


@given(st.lists(syllables, min_size=1, max_size=6), st.floats(0, 50), st.floats(0.05, 4))
def test_syllables_share_the_time_of_their_word(parts: list[tuple[str, ...]], start: float, length: float):
    word = Word("x" * len(parts), "thing", tuple(Syllable(part, "x") for part in parts))
    shown = shown_words(phrase("x", word), (WordTiming(0, start, start + length),))
    spans = [syllable.spans[0] for syllable in shown[0].syllables]
    assert abs(spans[0][0] - start) < 0.002
    assert abs(spans[-1][1] - (start + length)) < 0.002
    assert all(abs(first[1] - second[0]) < 0.002 and first[0] <= first[1] for first, second in pairwise(spans))


def test_every_repetition_sounds():
    timings = (WordTiming(0, 0, 1), WordTiming(1, 1, 2), WordTiming(0, 4, 6))
    shown = shown_words(phrase("ka ti", plain_word("ka"), plain_word("ti")), timings)
    assert shown[0].syllables[0].spans == ((0, 1), (4, 6))
    assert shown[1].syllables[0].spans == ((1, 2),)


def test_a_timing_of_a_word_that_is_not_there_is_nobodys():
    shown = shown_words(phrase("ka", plain_word("ka")), (WordTiming(7, 0, 1),))
    assert shown[0].syllables[0].spans == ()


@given(st.integers(0, 2**64 - 1))
def test_every_name_can_be_read_aloud(seed: int):
    species = derive_species(seed)
    read = read_aloud(species.name, species.phonology)
    assert 1 <= len(read) <= 8
    assert all(symbol in INVENTORY for syllable in read for symbol in syllable)
    assert pronunciation(species.name, species.phonology)


def test_who_has_no_phonology_is_not_pronounced():
    assert pronunciation("Grrau", None) == ""
