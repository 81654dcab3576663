"""Prompts that are shortened by the clause."""

from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.models.prompt import Clause, compose_prompt

CLAUSES = [Clause("a", 2), Clause("b", 0), Clause("", 1), Clause("c", 1), Clause("d", 2)]


def within(letters: int):
    return lambda text: len(text.replace(" ", "")) <= letters


def test_the_last_of_the_highest_rank_goes_first():
    told = [compose_prompt(CLAUSES, " ", within(letters)) for letters in (4, 3, 2, 1)]
    assert told == ["a b c d", "a b c", "b c", "b"]


def test_nothing_is_left_out_where_that_would_not_help():
    assert compose_prompt(CLAUSES, " ", within(0)) == "a b c d"


def test_of_nothing_comes_nothing():
    assert compose_prompt([], " ", within(9)) == ""
    assert compose_prompt([Clause("", 0)], " ", within(0)) == ""


clauses = st.lists(st.builds(Clause, st.text("xyz", max_size=4), st.integers(0, 4)))


@given(clauses, st.integers(0, 40))
def test_it_fits_wherever_it_can(said: list[Clause], letters: int):
    fits = within(letters)
    needed = " ".join(clause.text for clause in said if clause.text and clause.rank == 0)
    prompt = compose_prompt(said, " ", fits)
    whole = [clause.text for clause in said if clause.text]
    if needed and fits(needed):
        assert fits(prompt)
    if fits(" ".join(whole)):
        assert prompt.split() == whole
