"""Each species has words of its own, and keeps them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_language.meaning.inventory import ALL
from postcards_language.meaning.notation import read_sentence
from postcards_language.realisation.grammar import ClauseRealiser
from postcards_language.realisation.lexicon import Lexicon, join, lengthened, lexicon_of
from postcards_language.realisation.sentences import realise_sentence
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phonology import (
    Grammar,
    Intensity,
    Phonology,
    Placement,
    Plural,
    Reduplication,
    WordOrder,
)
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.speech.words import spell_syllable
from postcards_species.streams import Stream

SEEDS = st.integers(0, 2**64 - 1)


def tongue(seed: int) -> Phonology:
    return derive_phonology(seed, choose_parents(seed))


def glosses(clause: str, **grammar: object) -> str:
    """The glosses of a clause in a grammar."""
    phonology = replace(tongue(5), grammar=replace(Grammar(), **grammar))  # type: ignore[arg-type]
    sentence = read_sentence(clause, str)
    return " ".join(word.gloss for word in ClauseRealiser(lexicon_of(phonology)).clause(sentence.clauses[0]))


@pytest.mark.parametrize("seed", range(8))
def test_a_lexicon_is_persistent_and_without_homonyms(seed: int) -> None:
    phonology = tongue(seed)
    one, other = Lexicon(phonology), Lexicon(phonology)
    words = {key: join(phonology, one[key])[0] for key in one}
    assert words == {key: join(phonology, other[key])[0] for key in other}
    assert words.keys() == {concept.key for concept in ALL}
    assert len(set(words.values())) == len(words)
    assert not [word for word in words.values() if reads_as_english(word)]


@settings(max_examples=6)
@given(SEEDS)
def test_words_sound_like_their_language(seed: int) -> None:
    phonology = tongue(seed)
    lexicon = lexicon_of(phonology)
    sounds = {*phonology.onsets, *phonology.nuclei, *phonology.codas}
    for key in lexicon:
        for morpheme in lexicon[key]:
            for syllable in morpheme.syllables:
                assert set(syllable.phonemes) <= sounds
                assert syllable.text == spell_syllable(phonology, syllable.phonemes)


def test_compounds_are_made_of_their_parts() -> None:
    lexicon = lexicon_of(tongue(3))
    assert sorted(part.gloss for part in lexicon["river"]) == ["path", "water"]
    assert {part.text for part in lexicon["river"]} == {lexicon["path"][0].text, lexicon["water"][0].text}
    assert sorted(part.gloss for part in lexicon["flood"]) == ["hungry", "water"]


def test_two_species_share_no_lexicon() -> None:
    one, other = lexicon_of(tongue(1)), lexicon_of(tongue(2))
    alike = [key for key in one if one[key][0].text == other[key][0].text]
    assert len(alike) < 0.02 * len(list(one))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (WordOrder.SOV, "hunter moon eat"),
        (WordOrder.SVO, "hunter eat moon"),
        (WordOrder.VSO, "eat hunter moon"),
        (WordOrder.VOS, "eat moon hunter"),
        (WordOrder.OVS, "moon eat hunter"),
        (WordOrder.OSV, "moon hunter eat"),
    ],
)
def test_word_order(order: WordOrder, expected: str) -> None:
    assert glosses("s:the/hunter v:eat o:the/moon", word_order=order) == expected


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        (Plural.REDUPLICATION, "star~PL rise"),
        (Plural.SUFFIX, "star-PL rise"),
        (Plural.PREFIX, "PL-star rise"),
        (Plural.PARTICLE, "star PL rise"),
    ],
)
def test_plural(plural: Plural, expected: str) -> None:
    assert glosses("s:the/star+ v:rise", plural=plural) == expected
    assert glosses("s:the/star v:rise", plural=plural) == "star rise"
    assert glosses("s:-/kin v:rise", plural=plural) == "kin rise"


@pytest.mark.parametrize("kind", Reduplication)
def test_reduplication_says_a_part_twice(kind: Reduplication) -> None:
    phonology = replace(tongue(5), grammar=Grammar(reduplication=kind))
    speaker = ClauseRealiser(lexicon_of(phonology))
    once = speaker.word("stone")
    twice = speaker.twice(once, "PL")
    assert twice.gloss == ("PL~stone" if kind is Reduplication.FIRST_SYLLABLE else "stone~PL")
    assert len(speaker.written(twice).syllables) > len(speaker.written(once).syllables)
    assert sum(syllable.stressed for syllable in speaker.written(twice).syllables) == 1


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        (Placement.FIRST, "NEG we water drink"),
        (Placement.BEFORE_VERB, "we water NEG drink"),
        (Placement.AFTER_VERB, "we water drink NEG"),
        (Placement.LAST, "we water drink NEG"),
    ],
)
def test_negation(placement: Placement, expected: str) -> None:
    assert glosses("s:we v:drink neg o:the/water", negation=placement) == expected


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [
        (Intensity.REDUPLICATION, "we dance~INTENS"),
        (Intensity.LENGTHENING, "we dance.INTENS"),
        (Intensity.PARTICLE, "we dance INTENS"),
    ],
)
def test_intensity(intensity: Intensity, expected: str) -> None:
    assert glosses("s:we v:dance int", intensity=intensity) == expected


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("v:run imp", "run.IMP"),
        ("v:run let", "HORT run"),
        ("q s:you v:sing", "you sing Q"),
        ("s:who v:sing", "who sing Q"),
        ("where s:the/moon v:sleep", "moon sleep where"),
        ("s:I v:see past o:my/mother", "I mother my see-PST"),
        ("s:the/fire v:come voc:-/friend", "friend-VOC fire come"),
        ("s:the/moon p:cold", "moon cold"),
        ("s:the/bone+=the/dead v:sing", "bone~PL dead sing"),
        ("s:no/hunter in:the/grass", "hunter no grass in"),
        ("s:the/fish v:swim in:the/cold/water", "fish water cold in swim"),
    ],
)
def test_marking(clause: str, expected: str) -> None:
    assert glosses(clause) == expected


def test_branching_turns_with_the_grammar() -> None:
    assert glosses("s:my/old/mother v:sing", adjective_first=True, possessor_first=True) == "my old mother sing"
    assert glosses("s:my/old/mother v:sing") == "mother old my sing"
    assert glosses("s:the/fish v:swim in:the/water", word_order=WordOrder.SVO) == "fish swim in water"


def test_pronouns_may_be_dropped_but_not_who() -> None:
    assert glosses("s:I v:see o:you", drops_pronouns=True) == "you see"
    assert glosses("s:I v:sleep", drops_pronouns=True) == "I sleep"
    assert glosses("s:who v:see o:you", drops_pronouns=True) == "who you see Q"


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(["water", "mother", "EVID.seen", "run"]))
def test_drawing_out_lengthens_one_nucleus(seed: int, key: str) -> None:
    phonology = tongue(seed)
    syllables = lexicon_of(phonology)[key][0].syllables
    longer = lengthened(phonology, syllables)
    assert len(longer) == len(syllables)
    assert len("".join(s.text for s in longer)) >= len("".join(s.text for s in syllables))
    assert all(syllable.text == spell_syllable(phonology, syllable.phonemes) for syllable in longer)


def test_what_is_too_short_is_not_said() -> None:
    lexicon = lexicon_of(tongue(4))
    sentence = read_sentence("v:run imp", str)
    phrases = [
        realise_sentence(lexicon, sentence, Intent.COMMAND, Mood.CALM, Stream(seed, "test")) for seed in range(40)
    ]
    assert None in phrases
    assert all(phrase is None or len(phrase.words) == 2 for phrase in phrases)
