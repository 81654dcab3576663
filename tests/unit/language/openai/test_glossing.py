"""Which words of the lexicon a model's gloss stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_language.engines.openai.phrases.glossing import CRY, Meaning, read_gloss
from postcards_language.meaning.inventory import ALL

KEYS = {concept.key for concept in ALL}


@pytest.mark.parametrize(
    ("gloss", "meaning"),
    [
        ("hunter", Meaning(("hunter",))),
        ("Hunter.", Meaning(("hunter",))),
        ("the hunter", Meaning(("hunter",))),
        ("teeth", Meaning(("tooth",), ("PL",))),
        ("tooth-PL", Meaning(("tooth",), ("PL",))),
        ("tooth~PL", Meaning(("tooth",), ("PL",))),
        ("came", Meaning(("come",), ("PST",))),
        ("come-FUT", Meaning(("come",), ("FUT",))),
        ("come.INTENS.EMPH", Meaning(("come",), ("INTENS", "EMPH"))),
        ("come-FUT-FUT", Meaning(("come",), ("FUT",))),
        ("coming", Meaning(("come",))),
        ("running", Meaning(("run",))),
        ("to run", Meaning(("run",))),
        ("little one", Meaning(("young",))),
        ("stone+rain", Meaning(("stone", "rain"))),
        ("my", Meaning(("I",), shown="my")),
        ("me", Meaning(("I",))),
        ("not", Meaning(("NEG",))),
        ("NEG", Meaning(("NEG",))),
        ("EVID.seen", Meaning(("EVID.seen",))),
        ("INTJ.calm", Meaning(("INTJ.calm",))),
        ("INTJ", Meaning(free=CRY)),
        ("intj (howl)", Meaning(free=CRY)),
        ("avalanche", Meaning(free="avalanche")),
        ("Avalanche-PL", Meaning(tags=("PL",), free="avalanche")),
        ("stone+avalanche", Meaning(free="stone avalanche")),
        ("the", Meaning(unsaid=True)),
        ("", Meaning()),
        ("???", Meaning()),
    ],
)
def test_glosses(gloss: str, meaning: Meaning) -> None:
    read = read_gloss(gloss)
    if meaning.free == CRY or read.free == CRY:
        assert read.free == meaning.free
    else:
        assert read == meaning


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_of_the_lexicon_means_itself(key: str) -> None:
    assert read_gloss(key).roots == (key,)


@given(st.text(max_size=60))
def test_whatever_is_written_the_roots_are_words_of_the_lexicon(gloss: str) -> None:
    assert set(read_gloss(gloss).roots) <= KEYS
