"""What the engine openai makes of replies: good ones, bad ones that are sent back, and those that never get right."""

import json
from itertools import pairwise

import pytest

from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.realisation.lexicon import lexicon_of
from postcards_language.usage import Usage
from postcards_serving.engine.work import Item, Progress, Work
from postcards_serving.testing import RecordingWork
from postcards_species.species import derive_species
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.phrase import Intent, Mood

SPECIES = derive_species(7)
LEXICON = lexicon_of(SPECIES.phonology)
ENGLISH = {
    "animal_text": "The hunter comes tonight",
    "words": [
        {"text": "hunter", "gloss": "hunter"},
        {"text": "comes", "gloss": "come"},
        {"text": "tonight", "gloss": "night"},
    ],
}
"""Of a proposal: English where it should growl."""


def own_phrases() -> tuple:
    """What the species says without any model."""
    request = PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=3)
    return PhonotacticEngine().generate(request, Work()).phrases


BROKEN = {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}


def broken(handler, _) -> None:
    """Begins to answer, counts its tokens, and never ends."""
    handler.begin_stream()
    handler.event({"delta": {"content": '{"phr'}, "finish_reason": None})
    handler.event(None, usage=BROKEN)


def is_said_by_the_species(result: PhrasesResult) -> bool:
    sounds = {*SPECIES.phonology.onsets, *SPECIES.phonology.nuclei, *SPECIES.phonology.codas}
    words = [word for phrase in result.phrases for word in phrase.words]
    return all(
        not reads_as_english(word.text)
        and all(set(syllable.phonemes) <= sounds for syllable in word.syllables)
        and word.gloss
        for word in words
    )


def test_a_good_reply_is_one_call(engine, script, ledger, say, say_it, phrases, text_of) -> None:
    script.then(say(phrases()))
    work = RecordingWork()
    result = say_it(engine, work)
    (phrase,) = result.phrases
    assert [word.text for word in phrase.words] == [text_of("hunter"), text_of("come")]
    assert (phrase.english_gloss, phrase.intent, phrase.mood) == ("The hunter comes.", Intent.WARNING, Mood.FEARFUL)
    assert is_said_by_the_species(result)
    assert len(script.asked) == 1
    assert ledger.outcomes == {"answered": 1}
    assert result.provenance.notes == ()
    assert [event.value for event in work.events if isinstance(event, Item)] == [phrase]


def test_the_author_speaks_first_and_as_developer(engine, script, say, say_it, phrases, text_of, api_key) -> None:
    script.then(say(phrases()))
    say_it(engine, theme="storm")
    (asked,) = script.asked
    developer, user = asked["messages"]
    assert (developer["role"], user["role"]) == ("developer", "user")
    assert developer["content"].startswith("Generate an alien animal language composed entirely of guttural")
    assert f"thunder={text_of('thunder')}" in developer["content"]
    assert SPECIES.name in user["content"]
    assert "storm" in user["content"]
    assert (asked["temperature"], asked["top_p"]) == (1.5, 0.2)
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert script.headers[0]["authorization"] == f"Bearer {api_key}"
    assert not {"x-stainless-os", "x-stainless-arch", "x-stainless-runtime"} & script.headers[0].keys()


def test_a_request_has_its_own_prompt_and_sampling(engine, script, say, say_it, phrases) -> None:
    script.then(say(phrases()))
    result = say_it(engine, prompt="Only clicks.", temperature=0.0, top_p=1.0)
    (asked,) = script.asked
    assert asked["messages"][0]["content"].startswith("Only clicks.\n\n# The species")
    assert (asked["temperature"], asked["top_p"]) == (0.0, 1.0)
    settings = {name: json.loads(value) for name, value in result.provenance.settings.items()}
    assert (settings["prompt"], settings["temperature"], settings["top_p"]) == ("Only clicks.", 0.0, 1.0)


def test_text_is_streamed_as_it_comes(engine, script, say, say_it, phrases) -> None:
    script.then(say(phrases(), size=8))
    work = RecordingWork()
    (phrase,) = say_it(engine, work).phrases
    progress = [event for event in work.events if isinstance(event, Progress)]
    heard = [event.text for event in progress if event.stage == "listening"]
    assert len(heard) > 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
    assert phrase.animal_text.lower().startswith(heard[0])
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {event.stage for event in progress} <= set(engine.stages)


def test_tokens_and_cost_are_told(script, ledger, say, engine_for, say_it, phrases, proposal) -> None:
    engine = engine_for(prompt_price=2.0, completion_price=10.0)
    script.then(say(phrases(proposal(**ENGLISH)), usage=(1000, 100)), say(phrases(), usage=(1200, 100)))
    usage = say_it(engine).provenance.usage
    engine.close()
    assert usage == {"prompt_tokens": 2200, "completion_tokens": 200, "cost_usd": pytest.approx(0.0064)}
    assert (ledger.usage, ledger.cost) == (Usage(2200, 200), pytest.approx(0.0064))


def test_a_reply_that_is_thrown_away_is_counted(script, ledger, say, engine_for, say_it, phrases) -> None:
    script.then(broken, say(phrases(), usage=(100, 50)))
    engine = engine_for(prompt_price=1.0, completion_price=1.0)
    usage = say_it(engine).provenance.usage
    engine.close()
    assert usage == {"prompt_tokens": 200, "completion_tokens": 52, "cost_usd": pytest.approx(252e-6)}
    assert ledger.usage == Usage(200, 52)


def test_a_correction_that_breaks_off_is_counted(engine_for, script, say, fail, say_it) -> None:
    script.then(say("I cannot growl, I explain.", usage=(100, 50)), broken, fail(401))
    engine = engine_for()
    provenance = say_it(engine).provenance
    engine.close()
    assert provenance.usage == {"prompt_tokens": 200, "completion_tokens": 52}
    assert any("a correction was not answered" in note for note in provenance.notes)


def test_no_cost_is_told_without_prices(engine, script, say, say_it, phrases) -> None:
    script.then(say(phrases()))
    assert "cost_usd" not in say_it(engine).provenance.usage


@pytest.mark.parametrize(
    ("bad", "fault", "why"),
    [
        (lambda phrases, proposal: phrases(proposal(**proposal(**ENGLISH))), "is English", "an explanation"),
        (lambda phrases, proposal: phrases(proposal(animal_text="ghrr water")), "is English", "English words"),
        ("I would growl like this: it is a deep sound, meaning that danger is near.", "instead of growling", "an expl"),
        ({"answer": [{"growl": "ghrr"}]}, "not the JSON object", "a broken schema"),
        ({"phrases": [{"animal_text": "ghrr"}]}, "english_gloss, words is missing", "a broken schema"),
        (lambda phrases, proposal: phrases(proposal(words="ghrr")), "words is missing", "a broken schema"),
        ('{"phrases": [{"animal_text": "ghrr", "engl', "broke off", "truncated JSON"),
    ],
    ids=["english", "one-english-word", "explains", "other-json", "fields-missing", "wrong-type", "truncated"],
)
def test_a_bad_reply_is_sent_back_with_its_fault_and_then_taken(
    engine, script, say, bad, say_it, phrases, proposal, fault: str, why: str
) -> None:
    script.then(say(bad(phrases, proposal) if callable(bad) else bad), say(phrases()))
    result = say_it(engine)
    assert [word.gloss for word in result.phrases[0].words] == ["hunter", "come"]
    again = script.asked[1]["messages"]
    assert [message["role"] for message in again] == ["developer", "user", "assistant", "user"]
    assert fault in again[-1]["content"]
    (sent_back,) = result.provenance.notes
    assert sent_back.startswith("a reply was sent back: ")
    assert why in sent_back


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("I would growl like this: it is a deep sound, meaning that danger is near.", "an explanation"),
        ({"answer": 42}, "a broken schema"),
        ('{"phrases": [{"animal_text": "ghrr", "engl', "truncated JSON"),
        ("", "a broken schema"),
    ],
    ids=["explains", "other-json", "truncated", "empty"],
)
def test_what_is_never_right_comes_from_the_lexicon(engine, script, ledger, say, bad, say_it, why: str) -> None:
    script.then(say(bad))
    result = say_it(engine)
    assert len(script.asked) == 3
    assert result.phrases == own_phrases()
    assert any("species' own lexicon" in note and why in note for note in result.provenance.notes)
    assert result.provenance.engine == "openai"
    assert ledger.repairs == 1
    assert result.provenance.usage["completion_tokens"] == 150


def test_english_that_stays_gives_way_to_the_own_words(
    engine, script, ledger, say, say_it, phrases, text_of, proposal
) -> None:
    script.then(say(phrases(proposal(**ENGLISH))))
    result = say_it(engine)
    (phrase,) = result.phrases
    assert [word.text for word in phrase.words] == [text_of("hunter"), text_of("come"), text_of("night")]
    assert phrase.english_gloss == "The hunter comes."
    assert any("gave way to the species' own words" in note for note in result.provenance.notes)
    assert ledger.repairs == 1


def test_growls_without_a_translation_are_heard_before_the_own_words(engine, script, say, say_it) -> None:
    script.then(say("Ghrrrokh-ghaaa!"))
    result = say_it(engine)
    (own,), (phrase,) = own_phrases(), result.phrases
    assert phrase.words[0].gloss == "INTJ"
    assert phrase.words[1:] == own.words
    assert phrase.english_gloss == own.english_gloss
    assert is_said_by_the_species(result)


def test_only_what_is_wrong_is_asked_for_again(engine, script, say, say_it, phrases, proposal) -> None:
    good = [proposal("moon", "rise", gloss="The moon rises."), proposal("river", "sleep", gloss="The river sleeps.")]
    last = proposal("bone", "sing", gloss="The bone sings.")
    script.then(say(phrases(good[0], proposal(**ENGLISH), good[1])), say(phrases(last)))
    result = say_it(engine, count=3)
    assert [phrase.english_gloss for phrase in result.phrases] == [
        "The moon rises.",
        "The bone sings.",
        "The river sleeps.",
    ]
    assert "Say 1 phrase again" in script.asked[1]["messages"][-1]["content"]


def test_many_phrases_are_asked_for_in_several_calls(engine, script, say, say_it, phrases, proposal) -> None:
    keys = sorted(key for key in LEXICON if key.isalpha() and key.islower())
    several = [proposal(key, "come", gloss=f"The {key} comes.") for key in keys[:20]]
    script.then(say(phrases(*several[:8])), say(phrases(*several[8:16])), say(phrases(*several[16:])))
    result = say_it(engine, count=20)
    assert len(script.asked) == 3
    assert len({phrase.english_gloss for phrase in result.phrases}) == 20


def test_what_was_paid_for_is_kept_when_the_server_dies(engine, script, fail, say, say_it, phrases, proposal) -> None:
    several = [proposal(key, "come", gloss=f"The {key} comes.") for key in ("moon", "bone", "river", "storm")]
    several += [proposal(key, "sleep", gloss=f"The {key} sleeps.") for key in ("moon", "bone", "river", "storm")]
    script.then(say(phrases(*several)), fail(500))
    result = say_it(engine, count=9)
    assert [phrase.english_gloss for phrase in result.phrases[:2]] == ["The moon comes.", "The bone comes."]
    assert len(result.phrases) == 9
    assert any("phrase 9" in note and "lexicon" in note for note in result.provenance.notes)


@pytest.mark.parametrize("kind", ["field", "filter", "filter-status"])
def test_a_refusal_is_asked_again_and_then_repaired(
    engine, script, say, refuse, fail, say_it, phrases, kind: str
) -> None:
    bad = {
        "field": refuse("I'm sorry, I can't help with that."),
        "filter": say("", finish="content_filter"),
        "filter-status": fail(400, "content_filter"),
    }[kind]
    script.then(bad, say(phrases()))
    assert [word.gloss for word in say_it(engine).phrases[0].words] == ["hunter", "come"]
    script.answers.clear()
    script.then(bad)
    result = say_it(engine)
    assert result.phrases == own_phrases()
    assert any("refused" in note or "filter" in note for note in result.provenance.notes)
    assert not any("sorry" in note for note in result.provenance.notes)
