"""What is said makes sense in English, whatever the patterns draw."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_language.meaning.clauses import Act, Adjunct, Clause, Evidence, NounPhrase, Sentence, Tense
from postcards_language.meaning.composition import MOODS_OF, compose, theme_concepts
from postcards_language.meaning.concepts import Kind, plural, verb_forms
from postcards_language.meaning.english import say_clause, say_noun_phrase, say_sentence
from postcards_language.meaning.inventory import ALL, BY_ID, find
from postcards_language.meaning.mood_patterns import TAILS
from postcards_language.meaning.notation import read_clause, read_sentence
from postcards_language.meaning.patterns import PATTERNS
from postcards_language.meaning.slots import MOOD_SLOTS, SLOTS
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.streams import Stream

EVERY_PATTERN = [pattern for group in (*PATTERNS.values(), *TAILS.values()) for pattern in group]


def thing(key: str, **more: object) -> NounPhrase:
    return NounPhrase(find(key, Kind.PRONOUN, Kind.NOUN), **more)  # type: ignore[arg-type]


def english(clause: str) -> str:
    return say_clause(read_clause(clause.split(), lambda slot: "yes" if slot == "?" else SLOTS[slot][0]))


def test_the_inventory_is_rich_and_whole() -> None:
    assert len(ALL) == len(BY_ID) >= 250
    assert all(find(part) for concept in ALL for part in concept.parts)
    assert {"water", "fire", "moon", "young", "hunter", "eat", "run", "tooth", "die", "kin", "sky", "night"} <= {
        concept.key for concept in ALL
    }


def test_every_intent_and_mood_has_patterns() -> None:
    assert PATTERNS.keys() == MOODS_OF.keys() == set(Intent)
    assert TAILS.keys() == MOOD_SLOTS.keys() == set(Mood)
    assert all(len(patterns) >= 12 for patterns in PATTERNS.values())
    assert all(len(tails) >= 8 for tails in TAILS.values())
    assert all(len(set(patterns)) == len(patterns) for patterns in PATTERNS.values())


@pytest.mark.parametrize("mood", Mood)
def test_every_filling_of_every_pattern_can_be_said(mood: Mood) -> None:
    for pattern in EVERY_PATTERN:
        for turn in range(12):

            def fill(slot: str, turn: int = turn) -> str:
                fillings = ("yes", "no") if slot == "?" else MOOD_SLOTS[mood].get(slot) or SLOTS[slot]
                return fillings[turn % len(fillings)]

            said = say_sentence(read_sentence(pattern, fill))
            assert re.fullmatch(r"[A-Z][A-Za-z ,;?]*[.?]", said), said


def test_every_slot_is_used() -> None:
    used = {name for pattern in EVERY_PATTERN for name in re.findall(r"@(\w+)", pattern)}
    assert used == {*SLOTS, *MOOD_SLOTS[Mood.CALM]}


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("s:the/water v:remember o:we", "the water remembers us"),
        ("s:the/hunter+ v:come", "the hunters come"),
        ("s:I v:see past o:the/moon", "I saw the moon"),
        ("s:the/storm v:eat perf o:our/meat", "the storm has eaten our meat"),
        ("s:my/bone+ v:burn fut", "my bones will burn"),
        ("s:I v:forget neg", "I do not forget"),
        ("s:the/moon v:forget neg o:I", "the moon does not forget me"),
        ("s:we v:sleep past neg", "we did not sleep"),
        ("v:drink imp neg", "do not drink"),
        ("v:flee imp to:the/cave voc:-/young", "flee to the cave, little one"),
        ("v:run let", "let us run"),
        ("v:run let neg", "let us not run"),
        ("q s:you v:hear o:it", "do you hear it"),
        ("q s:the/moon v:sleep past", "did the moon sleep"),
        ("q s:the/moon is:an-egg", ""),
        ("q s:the/sea p:cold", "is the sea cold"),
        ("where s:the/river v:end", "where does the river end"),
        ("why s:you v:cry", "why do you cry"),
        ("s:who v:eat past o:the/sun", "who ate the sun"),
        ("s:the/dead v:dream", "the dead dream"),
        ("s:-/blood on:the/stone", "there is blood on the stone"),
        ("s:no/hunter in:the/grass", "there is no hunter in the grass"),
        ("s:we is:the/tooth+=this/land", "we are the teeth of this land"),
        ("s:I is:a/old/echo", "I am an old echo"),
        ("s:a/empty/egg v:fall past", "an empty egg fell"),
        ("s:all/path+ v:end", "all the paths end"),
        ("s:every/leaf v:laugh", "every leaf laughs"),
        ("s:many/hunter v:cross perf o:the/sea", "many hunters have crossed the sea"),
        ("s:even/the/stone+ v:cry", "even the stones cry"),
        ("s:we v:dance int", "we dance and dance"),
        ("s:the/moon p:far int", "the moon is so far"),
        ("s:the/fire v:come voc:my/friend", "my friend, the fire comes"),
    ],
)
def test_english(clause: str, said: str) -> None:
    if not said:
        with pytest.raises(KeyError):
            english(clause)
        return
    assert english(clause) == said


def test_unknown_items_are_refused() -> None:
    with pytest.raises(ValueError, match="no item of a clause"):
        english("s:I v:run loudly")


def test_english_word_forms() -> None:
    assert verb_forms("carry") == ("carry", "carries", "carried", "carried")
    assert verb_forms("stay") == ("stay", "stays", "stayed", "stayed")
    assert verb_forms("catch") == ("catch", "catches", "caught", "caught")
    assert verb_forms("have") == ("have", "has", "had", "had")
    assert [plural(noun) for noun in ("tooth", "branch", "leaf", "berry", "moon")] == [
        "teeth",
        "branches",
        "leaves",
        "berries",
        "moons",
    ]


def test_sentences_join() -> None:
    def sentence(pattern: str) -> str:
        return say_sentence(read_sentence(pattern, lambda slot: SLOTS[slot][0]))

    assert sentence("s:I v:cry ; v:listen imp") == "I cry; listen."
    assert sentence("s:who v:come ; v:run imp") == "Who comes? Run."
    assert sentence("v:run imp ; s:who v:come") == "Run; who comes?"
    assert sentence("s:I v:cry <because> s:you v:go past") == "I cry because you went."
    assert sentence("v:drink imp <and> v:sleep imp") == "Drink and sleep."
    assert sentence("s:I v:cry <and> s:the/sky v:cry") == "I cry, and the sky cries."
    assert sentence("v:listen imp to:the/stone+ ; s:it v:know") == "Listen to the stones; they know."
    assert sentence("v:listen imp to:the/stone ; s:it v:know") == "Listen to the stone; it knows."


def test_evidence_can_be_told() -> None:
    clause = Clause(subject=thing("moon", determiner="the"), verb=find("fall", Kind.VERB), tense=Tense.PAST)
    told = {
        evidence: say_clause(
            Clause(Act.STATEMENT, clause.subject, clause.verb, tense=Tense.PAST, evidence=evidence, evidence_told=True)
        )
        for evidence in Evidence
    }
    assert told[Evidence.HEARD] == "the moon fell, so I heard"
    assert len(set(told.values())) == len(Evidence)
    assert say_clause(clause) == "the moon fell"


def test_adjuncts_take_objects() -> None:
    clause = Clause(
        act=Act.COMMAND, verb=find("dance", Kind.VERB), adjuncts=(Adjunct(find("with", Kind.RELATION), thing("I")),)
    )
    assert say_clause(clause) == "dance with me"
    assert say_noun_phrase(thing("we"), as_object=True) == "us"


@given(st.integers(0, 2**63), st.sampled_from(Intent), st.sampled_from(Mood), st.text(max_size=40))
def test_composition_is_reproducible(seed: int, intent: Intent, mood: Mood, theme: str) -> None:
    def composed() -> tuple[Sentence, str]:
        return compose(Stream(seed, "test"), intent, mood, theme, 0.5)

    assert composed() == composed()


def test_there_are_thousands_of_things_to_say() -> None:
    said = {
        say_sentence(compose(Stream(seed, "test"), intent, mood, "", 0.5)[0])
        for intent in Intent
        for mood in MOODS_OF[intent]
        for seed in range(200)
    }
    assert len(said) > 3000


def test_used_patterns_are_avoided_while_others_are_left() -> None:
    stream = Stream(3, "test")
    used: list[str] = []
    for _ in PATTERNS[Intent.PLAY]:
        used.append(compose(stream, Intent.PLAY, Mood.JOYFUL, "", 0.5, used)[1])
    assert sorted(used) == sorted(PATTERNS[Intent.PLAY])
    assert compose(stream, Intent.PLAY, Mood.JOYFUL, "", 0.5, used)[1] in used


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        ("a storm at sea", "storm|thunder|lightning|sea|wave|shore|salt|wind"),
        ("hunger", "hungry|hunger|meat|marrow|bell|teeth|starve"),
        ("bones and ghosts", "bone|dead|ghost|echo|shadow|pale"),
    ],
)
def test_themes_bias_meanings(theme: str, words: str) -> None:
    def hits(text: str) -> int:
        return sum(
            bool(re.search(words, say_sentence(compose(Stream(seed, "test"), intent, Mood.SOLEMN, text, 0)[0])))
            for seed in range(30)
            for intent in Intent
        )

    assert hits(theme) > 1.5 * hits("")


def test_theme_words_are_found_in_any_form() -> None:
    assert "thunder" in theme_concepts("STORMS!")
    assert "wave" in theme_concepts("the sea")
    assert theme_concepts("") == frozenset()
