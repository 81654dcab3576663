"""From what a model proposed to what the species says."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postcards_language.engine import PhrasesRequest
from postcards_language.engines.openai.phrases.phrasing import Phraser, sentence, with_cry
from postcards_language.engines.openai.phrases.prompts import GUTTURAL, instructions, objection, question
from postcards_language.engines.openai.phrases.reply import Proposal, ProposedWord
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.realisation.lexicon import Lexicon, lexicon_of
from postcards_serving.engine.work import Work
from postcards_species.ancestry.parents import choose_parents
from postcards_species.species import derive_species
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phrase import Intent, Mood, Phrase
from postcards_species.speech.words import spell_syllable

SEEDS = range(12)


def lexicon_for(seed: int) -> Lexicon:
    return lexicon_of(derive_phonology(seed, choose_parents(seed)))


def own(lexicon: Lexicon, key: str) -> str:
    return "".join(morpheme.text for morpheme in lexicon[key])


def propose(*words: tuple[str, str], text: str = "", gloss: str = "The moon eats the bone.") -> Proposal:
    said = tuple(ProposedWord(*word) for word in words)
    return Proposal(text or " ".join(word.text for word in said), gloss, words=said)


def drawn_out(text: str) -> str:
    """As a model writes a long howl."""
    return re.sub(r"([aeiouyæöäøûîâôëü])", r"\1\1\1", text)


def say(lexicon: Lexicon, *words: tuple[str, str], mood: Mood = Mood.CALM, **fields: str) -> Phrase:
    phrase = Phraser(lexicon).phrase(propose(*words, **fields), Intent.TELLING, mood)
    assert phrase is not None
    return phrase


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_lexicon_has_is_said_as_the_embedded_engine_says_it(seed: int) -> None:
    lexicon = lexicon_for(seed)
    engine = PhonotacticEngine()
    embedded: dict[str, str] = {}
    for other in range(6):
        asked = PhrasesRequest(lexicon.phonology, "", seed=other, count=16)
        for phrase in engine.generate(asked, Work()).phrases:
            embedded |= {word.gloss: word.text for word in phrase.words}
    phraser = Phraser(lexicon)
    for gloss in ("moon", "I", "my", "NEG", "water", "under", "come-PST", "INTJ.calm"):
        if gloss in embedded:
            phrase = phraser.phrase(propose(("ghrzz", gloss)), Intent.TELLING, Mood.CALM)
            assert phrase is not None
            assert [(word.gloss, word.text) for word in phrase.words] == [(gloss, embedded[gloss])]


def test_spelling_does_not_matter_and_is_counted() -> None:
    lexicon = lexicon_for(1)
    phraser = Phraser(lexicon)
    right = phraser.phrase(propose((own(lexicon, "moon"), "moon")), Intent.TELLING, Mood.CALM)
    assert phraser.adjustments.respelled == 0
    wrong = phraser.phrase(propose(("zzorb", "moon")), Intent.TELLING, Mood.CALM)
    assert right == wrong
    assert phraser.adjustments.respelled == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_model_draws_out_is_drawn_out(seed: int) -> None:
    lexicon = lexicon_for(seed)
    plain = own(lexicon, "moon")
    drawn = drawn_out(plain)
    long, short = say(lexicon, (drawn, "moon"), (plain, "moon")).words
    sounds = [sum(len(syllable.phonemes) for syllable in word.syllables) for word in (long, short)]
    # A growl that is as long as it can be stays as it is.
    assert (long.gloss == "moon.EMPH") == (sounds[0] > sounds[1])
    assert long.gloss == "moon.EMPH" or long == short


def test_most_words_can_be_drawn_out() -> None:
    glosses = [
        say(lexicon, (f"{own(lexicon, 'moon')}", "moon.EMPH")).words[0].gloss for lexicon in map(lexicon_for, SEEDS)
    ]
    assert glosses.count("moon.EMPH") > len(glosses) / 2


def test_what_the_model_says_twice_is_said_twice() -> None:
    for seed in SEEDS:
        lexicon = lexicon_for(seed)
        text = own(lexicon, "moon")
        word = say(lexicon, (f"{text}-{text}", "moon")).words[0]
        assert word.gloss in ("moon~INTENS", "INTENS~moon")
        assert len(word.syllables) > len(lexicon["moon"][0].syllables)


def test_the_model_pauses_where_its_text_does() -> None:
    lexicon = lexicon_for(3)
    moon, bone, sing = (own(lexicon, key) for key in ("moon", "bone", "sing"))
    words = ((moon, "moon"), (bone, "bone"), (sing, "sing"))
    pause = lexicon.phonology.pause
    for text in (f"{moon}, {bone} {sing}!", f"{moon} ... {bone} {sing}", f"{moon} \u2014 {bone} {sing}"):
        assert say(lexicon, *words, text=text).animal_text.count(pause) == 1
    assert pause not in say(lexicon, *words).animal_text


def test_a_question_rises() -> None:
    lexicon = lexicon_for(3)
    asked = say(lexicon, ("x", "moon"), ("y", "eat"), gloss="Does the moon eat?")
    told = say(lexicon, ("x", "moon"), ("y", "eat"), gloss="The moon eats.")
    assert asked.animal_text.endswith("?")
    assert asked.words[-1].syllables[-1].tone > told.words[-1].syllables[-1].tone


def test_articles_are_not_said() -> None:
    lexicon = lexicon_for(3)
    phrase = say(lexicon, ("gh", "the"), ("x", "moon"), ("y", "is"), ("z", "red"))
    assert [word.gloss for word in phrase.words] == ["moon", "red"]


def test_what_the_lexicon_lacks_keeps_the_sounds_of_the_model_and_one_word() -> None:
    lexicon = lexicon_for(5)
    phraser = Phraser(lexicon)
    first = phraser.phrase(propose(("ghurrokk", "avalanche")), Intent.TELLING, Mood.CALM)
    again = phraser.phrase(propose(("tsikk", "Avalanche")), Intent.TELLING, Mood.CALM)
    assert first is not None
    assert again is not None
    assert first.words == again.words
    assert phraser.coined == {"avalanche": first.words[0]}


def test_a_new_word_never_means_two_things() -> None:
    lexicon = lexicon_for(5)
    moon = own(lexicon, "moon")
    phrase = say(lexicon, (moon, "avalanche"), (moon, "moon"))
    assert phrase.words[0].text != phrase.words[1].text


TEXTS = st.text(max_size=20) | st.sampled_from(["water", "Ghrraaakh!", "the", "kkkkkk", "!!!", "ha", "grr-grr"])
GLOSSES = st.sampled_from(["moon", "teeth", "INTJ", "stone+rain", "avalanche", "come-FUT", "", "the", "INTJ.angry"])


@settings(max_examples=40)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(TEXTS, GLOSSES | st.text(max_size=30)), min_size=1, max_size=12),
    st.text(max_size=40),
    st.sampled_from(Mood),
)
def test_whatever_is_proposed_the_species_says_it(seed: int, words: list, text: str, mood: Mood) -> None:
    lexicon = lexicon_for(seed)
    phonology = lexicon.phonology
    phrase = Phraser(lexicon).phrase(propose(*words, text=text), Intent.WARNING, mood)
    if phrase is None:
        return
    sounds = {*phonology.onsets, *phonology.nuclei, *phonology.codas}
    assert len(phrase.animal_text) <= 512
    assert 1 <= len(phrase.words) <= 24
    for word in phrase.words:
        assert word.text.lower() in phrase.animal_text.lower()
        assert not reads_as_english(word.text)
        assert 1 <= len(word.syllables) <= 16
        assert len(word.text) <= 128
        assert len(word.gloss) <= 64
        for syllable in word.syllables:
            assert set(syllable.phonemes) <= sounds
            assert syllable.text == spell_syllable(phonology, syllable.phonemes)
            assert len(syllable.phonemes) <= 12
            assert -12 <= syllable.tone <= 12


def test_a_growl_can_stand_before_a_phrase() -> None:
    lexicon = lexicon_for(2)
    phraser = Phraser(lexicon)
    (phrase,) = PhonotacticEngine().generate(PhrasesRequest(lexicon.phonology, "", seed=1), Work()).phrases
    cry = phraser.cry("Ghrrra-ghooo!", Mood.ANGRY)
    assert cry is not None
    longer = with_cry(phrase, cry, phraser.pause)
    assert longer is not None
    assert longer.words == (cry, *phrase.words)
    assert longer.animal_text.lower() == f"{cry.text}{phraser.pause}{phrase.animal_text}".lower()


@pytest.mark.parametrize(
    ("gloss", "said"),
    [("the moon", "The moon."), (' "Go!" ', "Go!"), ("why?", "Why?"), ("I...", "I..."), ("", "")],
)
def test_a_translation_is_a_sentence(gloss: str, said: str) -> None:
    assert sentence(gloss) == said


SPECIES = derive_species(9)
REQUEST = PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=4)


def told(**fields: object) -> str:
    request = PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=4, **fields)  # type: ignore[arg-type]
    examples = PhonotacticEngine().generate(PhrasesRequest(SPECIES.phonology, "", seed=1, count=2), Work()).phrases
    return instructions(request, lexicon_of(SPECIES.phonology), examples)


def test_the_prompt_of_the_author_is_the_default() -> None:
    assert told().startswith(f"{GUTTURAL}\n\n# The species")
    assert told(prompt="Only clicks.").startswith("Only clicks.\n\n# The species")
    assert GUTTURAL.endswith("Don't explain anything just output what the sounds would sound like in written form.")


def test_the_model_is_told_the_tongue() -> None:
    lexicon = lexicon_of(SPECIES.phonology)
    text = told(theme="storm")
    assert SPECIES.name in text
    assert f"thunder={own(lexicon, 'thunder')}" in text
    assert f"under={own(lexicon, 'under')}" in text
    assert "JSON" in text
    assert SPECIES.phonology.stress.value in text


def test_the_seed_chooses_other_words() -> None:
    words = {re.search("Lexicon: (.*)", told())[1]}  # type: ignore[index]
    request = PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=5)
    words.add(re.search("Lexicon: (.*)", instructions(request, lexicon_of(SPECIES.phonology), ()))[1])  # type: ignore[index]
    assert len(words) == 2


def test_what_is_asked_and_objected() -> None:
    asked = question(REQUEST, [(Intent.WARNING, Mood.ANGRY), (Intent.PLAY, Mood.JOYFUL)], ["The moon eats."])
    assert asked.splitlines() == [
        f"Say 2 phrases of {SPECIES.name}.",
        "1. intent warning, mood angry",
        "2. intent play, mood joyful",
        "Unlike these, which it has said: The moon eats.",
    ]
    assert objection(["phrase 1: bad"], 1).splitlines()[1:] == [
        "- phrase 1: bad",
        "Say 1 phrase again, only as the JSON object described, with nothing around it.",
    ]
