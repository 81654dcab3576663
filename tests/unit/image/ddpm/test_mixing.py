import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.mixing import ask, choose_shares, knows
from postcards_species.ancestry.parents import Parent

ANIMALS = ModelDescription("animals", 16, classes=("okapi", "sea_horse", "Wild Cat"), labels=11, any_class=3)
NAMELESS = ModelDescription("nameless", 16, labels=5)
CLASSLESS = ModelDescription("classless", 16)
PAIR = (Parent("sea horse", 0.6), Parent("okapi", 0.4))


def shares_of(*parents: Parent, strangeness: float = 0.5, model: ModelDescription = ANIMALS, seed: int = 0):
    return {share.name: share.weight for share in choose_shares(model, parents, seed, strangeness)}


def test_parents_are_found_whatever_their_spelling():
    assert shares_of(*PAIR) == pytest.approx({"sea_horse": 0.6, "okapi": 0.4})
    assert shares_of(Parent("WILD-CAT", 1)) == {"Wild Cat": 1}
    assert knows(["sea_horse"], "Sea Horse")
    assert not knows(["sea_horse"], "horse")


def test_parents_that_the_model_does_not_know_are_left_out():
    assert shares_of(Parent("dragon", 0.9), Parent("okapi", 0.1)) == {"okapi": 1}


def test_the_same_animal_twice_counts_once():
    assert shares_of(Parent("okapi", 0.2), Parent("Okapi", 0.2), Parent("sea horse", 0.4)) == pytest.approx(
        {"okapi": 0.5, "sea_horse": 0.5}
    )


@pytest.mark.parametrize("parents", [(), (Parent("dragon", 1),), (Parent("okapi", 0),)])
def test_two_classes_by_seed_where_no_parent_is_known(parents):
    chosen = [tuple(shares_of(*parents, seed=seed)) for seed in range(20)]
    assert all(len(names) == 2 for names in chosen)
    assert len(set(chosen)) > 3
    assert chosen[4] == tuple(shares_of(*parents, seed=4))


def test_a_model_without_names_gets_numbers_and_never_its_class_for_any():
    assert set(shares_of(*PAIR, model=NAMELESS)) <= {f"class {index}" for index in range(5)}
    hidden = ModelDescription("hidden", 16, labels=3, any_class=2)
    assert all(set(shares_of(model=hidden, seed=seed)) == {"class 0", "class 1"} for seed in range(8))


def test_a_model_without_classes_is_asked_for_none():
    assert choose_shares(CLASSLESS, PAIR, 1, 0.5) == ()
    (question,) = ask(CLASSLESS, (), 3.0)
    assert question.classes is None


def test_strangeness_evens_the_shares():
    first = [shares_of(*PAIR, strangeness=s)["sea_horse"] for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert first == sorted(first, reverse=True)
    assert first[0] > 0.75
    assert first[2] == pytest.approx(0.6)
    assert first[-1] < 0.55


@given(
    st.lists(
        st.builds(Parent, st.sampled_from(["okapi", "sea horse", "wild cat", "emu"]), st.floats(0, 1)), max_size=4
    ),
    st.integers(0, 2**64 - 1),
    st.floats(0, 1),
    st.floats(0, 50),
)
def test_questions_are_weights_that_sum_to_one(parents, seed, strangeness, guidance):
    shares = choose_shares(ANIMALS, parents, seed, strangeness)
    questions = ask(ANIMALS, shares, guidance)
    assert sum(question.weight for question in questions) == pytest.approx(1, abs=1e-5)
    for question in questions:
        assert question.classes.shape == (11,)
        assert question.classes.sum() == pytest.approx(1, abs=1e-5)
        assert (question.classes >= 0).all()


def test_only_guidance_needs_a_second_question():
    shares = choose_shares(ANIMALS, PAIR, 0, 0.5)
    assert [len(ask(ANIMALS, shares, guidance)) for guidance in (0, 1, 2)] == [1, 1, 2]
    (anything,) = ask(ANIMALS, shares, 0)
    assert np.flatnonzero(anything.classes).tolist() == [3]
    unguided = choose_shares(NAMELESS, PAIR, 0, 0.5)
    assert len(ask(NAMELESS, unguided, 4.0)) == 1
