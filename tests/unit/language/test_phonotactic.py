"""The embedded engine: phrases that read like one language, and never like English."""

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_language.engine import PhrasesRequest
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.meaning.composition import MOODS_OF
from postcards_serving.engine.work import Item, Progress, Work
from postcards_serving.errors import Cancelled, InvalidField
from postcards_serving.testing import RecordingWork
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.naming import coin_name
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phonology import Phonology, Spelling
from postcards_species.speech.phrase import Intent, Mood, Phrase
from postcards_species.speech.words import spell_syllable

SEEDS = st.integers(0, 2**64 - 1)


def tongue(seed: int) -> Phonology:
    return derive_phonology(seed, choose_parents(seed))


def say(seed: int, count: int = 16, **more: object) -> tuple[Phrase, ...]:
    phonology = tongue(seed)
    request = PhrasesRequest(phonology, coin_name(phonology), seed=seed, count=count, **more)  # type: ignore[arg-type]
    return PhonotacticEngine().generate(request, Work()).phrases


def bare(text: str) -> str:
    return re.sub(r"[^a-zà-öø-ÿ]", "", text.lower())


@settings(max_examples=6)
@given(SEEDS, st.text(max_size=60))
def test_same_request_same_phrases(seed: int, theme: str) -> None:
    assert say(seed, 4, theme=theme) == say(seed, 4, theme=theme)


@settings(max_examples=6)
@given(SEEDS)
def test_text_syllables_and_phonemes_are_one(seed: int) -> None:
    phonology = tongue(seed)
    sounds = {*phonology.onsets, *phonology.nuclei, *phonology.codas}
    for phrase in say(seed):
        assert bare(phrase.animal_text) == bare("".join(word.text for word in phrase.words))
        for word in phrase.words:
            assert bare(word.text) == bare("".join(syllable.text for syllable in word.syllables))
            for syllable in word.syllables:
                assert set(syllable.phonemes) <= sounds <= INVENTORY.keys()
                assert syllable.text == spell_syllable(phonology, syllable.phonemes)
                assert -12 <= syllable.tone <= 12
            assert any(syllable.stressed for syllable in word.syllables)


@settings(max_examples=6)
@given(SEEDS)
def test_phrases_keep_their_limits_and_differ(seed: int) -> None:
    phrases = say(seed, 24)
    assert len({phrase.animal_text for phrase in phrases}) == len({p.english_gloss for p in phrases}) == 24
    for phrase in phrases:
        assert 2 <= len(phrase.words) <= 9
        assert len(phrase.animal_text) <= 512
        assert re.fullmatch(r"[A-Z].*[.!?]", phrase.english_gloss)
        assert all(len(word.gloss) <= 64 for word in phrase.words)


def test_no_phrase_holds_an_english_word() -> None:
    words = {word.text for seed in range(40) for phrase in say(seed, 24) for word in phrase.words}
    assert len(words) > 2000
    assert not [word for word in words if reads_as_english(word)]


@pytest.mark.parametrize("seed", range(8))
def test_the_same_meaning_is_the_same_word_on_every_postcard(seed: int) -> None:
    phonology = tongue(seed)
    forms: dict[str, set[str]] = {}
    for request_seed in range(20):
        request = PhrasesRequest(phonology, "", seed=request_seed, count=16)
        for phrase in PhonotacticEngine().generate(request, Work()).phrases:
            for word in phrase.words:
                forms.setdefault(word.gloss, set()).add(word.text)
    assert all(len(texts) == 1 for texts in forms.values()), {k: v for k, v in forms.items() if len(v) > 1}


def trigrams(phrases: tuple[Phrase, ...]) -> Counter[str]:
    text = " ".join(phrase.animal_text.lower() for phrase in phrases)
    return Counter(a + b for a, b in pairwise(text)) + Counter(text[i : i + 3] for i in range(len(text) - 2))


def distance(one: Counter[str], other: Counter[str]) -> float:
    """One less the cosine of the two profiles."""
    dot = sum(count * other[gram] for gram, count in one.items())
    sizes = [sum(count * count for count in profile.values()) ** 0.5 for profile in (one, other)]
    return 1 - dot / (sizes[0] * sizes[1])


def test_a_species_reads_like_one_language_and_two_like_two() -> None:
    halves = {}
    for seed in range(16):
        phrases = say(seed, 16)
        halves[seed] = (trigrams(phrases[::2]), trigrams(phrases[1::2]))
    within = [distance(*pair) for pair in halves.values()]
    between = [distance(halves[a][0], halves[b][1]) for a, b in combinations(halves, 2)]
    assert sum(within) / len(within) < 0.75 * sum(between) / len(between)
    for seed, (first, _) in halves.items():
        nearest = min(halves, key=lambda other: distance(first, halves[other][1]))
        assert nearest == seed


@pytest.mark.parametrize("intent", Intent)
@pytest.mark.parametrize("mood", Mood)
def test_any_intent_in_any_mood(intent: Intent, mood: Mood) -> None:
    for phrase in say(9, 4, intent=intent, mood=mood):
        assert (phrase.intent, phrase.mood) == (intent, mood)


@pytest.mark.parametrize("intent", Intent)
def test_sixty_four_phrases_of_one_intent(intent: Intent) -> None:
    assert len({phrase.english_gloss for phrase in say(2, 64, intent=intent, mood=MOODS_OF[intent][0])}) == 64


def test_intents_take_turns() -> None:
    assert {phrase.intent for phrase in say(3, 12)} == set(Intent)


def test_moods_fit_the_intent_when_free() -> None:
    assert all(phrase.mood in MOODS_OF[phrase.intent] for phrase in say(3, 64))


def test_a_theme_leans_moods_and_intents() -> None:
    assert sum(phrase.intent is Intent.LULLABY for phrase in say(3, 40, theme="lullaby")) > 15


def test_progress_is_streamed_phrase_by_phrase() -> None:
    phonology = tongue(1)
    work = RecordingWork()
    result = PhonotacticEngine().generate(PhrasesRequest(phonology, "", seed=1, count=3), work)
    assert [event.value for event in work.events if isinstance(event, Item)] == list(result.phrases)
    fractions = [event.fraction for event in work.events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert result.provenance.engine == "phonotactic"
    assert result.provenance.settings["count"] == "3"
    assert result.provenance.notes == ()


def test_what_is_ignored_is_said() -> None:
    phonology = tongue(1)
    request = PhrasesRequest(phonology, "", prompt="be loud", temperature=0.0, top_p=0.5)
    notes = PhonotacticEngine().generate(request, Work()).provenance.notes
    assert [note.split(" ")[0] for note in notes] == ["prompt", "temperature", "top_p"]


def test_cancelling_stops_before_the_next_phrase() -> None:
    said: list[object] = []
    work = Work(lambda event: (said.append(event), work.cancel())[0] if isinstance(event, Item) else None)
    with pytest.raises(Cancelled):
        PhonotacticEngine().generate(PhrasesRequest(tongue(1), "", count=8), work)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"onsets": ("k", "xx")}, "phonology.onsets"),
        ({"nuclei": ("moo",)}, "phonology.nuclei"),
        ({"codas": ("?",)}, "phonology.codas"),
        ({"clusters": ("k.zz",)}, "phonology.clusters"),
        ({"spellings": (Spelling("nope", "n", "n"),)}, "phonology.spellings"),
        ({"spellings": (Spelling("k", "water", "k"),)}, "phonology.spellings[0]"),
    ],
)
def test_unknown_phonemes_and_english_spellings_are_refused(change: dict[str, object], field: str) -> None:
    phonology = replace(tongue(1), **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidField) as caught:
        PhonotacticEngine().generate(PhrasesRequest(phonology, ""), Work())
    assert caught.value.field == field


SYMBOLS = st.sampled_from(sorted(INVENTORY))


@settings(max_examples=8)
@given(
    st.lists(SYMBOLS, min_size=1, max_size=24),
    st.lists(SYMBOLS, min_size=1, max_size=12),
    st.lists(SYMBOLS, max_size=24),
    st.lists(st.from_regex(r"C{0,2}VC?", fullmatch=True), min_size=1, max_size=8),
    st.sampled_from(["", "-", "'", "·"]),
    st.integers(0, 2**64 - 1),
)
def test_any_valid_phonology_can_speak(
    onsets: list[str], nuclei: list[str], codas: list[str], shapes: list[str], joint: str, seed: int
) -> None:
    phonology = Phonology(
        tuple(onsets), tuple(nuclei), tuple(codas), shapes=tuple(shapes), joint=joint, lexicon_seed=seed
    )
    try:
        phrases = PhonotacticEngine().generate(PhrasesRequest(phonology, "", seed=seed, count=6), Work()).phrases
    except InvalidField as fault:
        if fault.field != "phonology":
            raise
        return
    assert len(phrases) == 6
    for phrase in phrases:
        assert all(len(word.text) <= 128 and len(word.syllables) <= 16 for word in phrase.words)
