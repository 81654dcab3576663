"""What can be read from a reply, whatever stands around it and wherever it ends."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_language.engines.openai.phrases.faults import english_words, faults_of
from postcards_language.engines.openai.phrases.reply import (
    Proposal,
    ProposedWord,
    animal_text_so_far,
    complete_phrases,
    read_reply,
    schema_of,
)
from postcards_species.speech.phrase import Intent, Mood

GOOD = {
    "animal_text": "ghrra tok",
    "english_gloss": "The moon eats the bone.",
    "intent": "warning",
    "mood": "fearful",
    "words": [{"text": "ghrra", "gloss": "moon"}, {"text": "tok", "gloss": "eat"}],
}
READ = Proposal(
    "ghrra tok",
    "The moon eats the bone.",
    Intent.WARNING,
    Mood.FEARFUL,
    (ProposedWord("ghrra", "moon"), ProposedWord("tok", "eat")),
)
WHOLE = json.dumps({"phrases": [GOOD, GOOD]})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner, max_size=4),
)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"phrases": [GOOD]}),
        json.dumps([GOOD]),
        json.dumps(GOOD),
        json.dumps({"result": [GOOD]}),
        f"Sure! Here it is:\n```json\n{json.dumps({'phrases': [GOOD]}, indent=2)}\n```\nHope it helps!",
        f"{{oops}} {json.dumps(GOOD)}",
    ],
    ids=["schema", "list", "bare", "other-name", "fenced", "after-rubbish"],
)
def test_the_phrase_is_found(text: str) -> None:
    reading = read_reply(text)
    assert reading.proposals == (READ,)
    assert not reading.growls


@pytest.mark.parametrize("end", range(1, len(WHOLE)))
def test_wherever_it_ends_whole_phrases_are_kept(end: int) -> None:
    first = WHOLE.index("}]}") + 3
    reading = read_reply(WHOLE[:end])
    whole = 0 if end < first else 1 if end < len(WHOLE) - 2 else 2
    assert len(reading.proposals) == whole == complete_phrases(WHOLE[:end])
    assert reading.cut_off


def test_a_whole_reply_is_not_cut_off() -> None:
    assert not read_reply(WHOLE).cut_off
    assert not read_reply('{"a": "}{\\"["}').cut_off


def test_plain_growls_are_lines() -> None:
    assert read_reply('1. "Ghrra tok!"\n\n- Khh-oom\n').growls == ("Ghrra tok!", "Khh-oom")


@pytest.mark.parametrize(
    ("field", "value"),
    [("intent", "shopping"), ("mood", 7), ("words", "ghrra"), ("english_gloss", None), ("animal_text", ["x"])],
)
def test_what_is_of_another_kind_is_missing(field: str, value: object) -> None:
    (proposal,) = read_reply(json.dumps(GOOD | {field: value})).proposals
    assert not getattr(proposal, field)


def test_what_cannot_be_sent_is_left_out() -> None:
    (proposal,) = read_reply('{"animal_text": "gh\\ud800r\\u0000\\u0007ra\\u202e\\n tok"}').proposals
    assert proposal.animal_text == "ghrra tok"
    proposal.animal_text.encode()


@given(JSON)
def test_any_json_can_be_read(value: object) -> None:
    read_reply(json.dumps(value))
    read_reply(json.dumps({"phrases": [value, {"animal_text": value, "words": [value]}]}))


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    read_reply(text)
    animal_text_so_far(text).encode()


def test_nesting_without_end_is_no_trouble() -> None:
    assert read_reply('{"animal_text":' * 2_000).proposals == ()
    assert read_reply("[" * 100_000).proposals == ()


def test_what_is_heard_grows() -> None:
    texts = [animal_text_so_far(WHOLE[:end]) for end in range(len(WHOLE))]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert texts[-1] == "ghrra tok\nghrra tok"
    assert animal_text_so_far('{"animal_text": "\\u00e') == "\\u00e"


def faults(**changes: object) -> list[str]:
    (proposal,) = read_reply(json.dumps(GOOD | changes)).proposals
    return [fault.kind for fault in faults_of(proposal, frozenset({"own"}))]


def test_a_good_phrase_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"english_gloss": ""}, "a broken schema"),
        ({"words": []}, "a broken schema"),
        ({"words": [{"text": "ghrra"}]}, "a broken schema"),
        ({"english_gloss": "Ghrra khh tok mgrr."}, "no translation"),
        ({"words": [{"text": "ghrra", "gloss": "moon"}] * 13}, "too many words"),
        ({"animal_text": "ghrra " * 100}, "too long a text"),
        ({"animal_text": "ghrra water tok"}, "English words"),
        ({"words": [{"text": "water", "gloss": "water"}]}, "English words"),
        ({"animal_text": "This growl means that the hunter has come"}, "an explanation"),
    ],
)
def test_faults_are_named(changes: dict[str, object], kind: str) -> None:
    assert kind in faults(**changes)


def test_the_own_words_of_a_species_are_never_english() -> None:
    assert english_words("water own", {"water"}) == ["own"]
    assert english_words("ho om", ()) == []


def test_the_schema_is_one_that_strict_output_takes() -> None:
    def check(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert node["additionalProperties"] is False
                assert node["required"] == list(node["properties"])
            for inner in node.values():
                check(inner)

    check(schema_of(3))
    assert schema_of(3)["properties"]["phrases"]["minItems"] == 3
