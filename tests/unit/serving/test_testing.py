"""The tools of the tests are tested too: a wait that never fails would hide everything."""

import pytest

from postcards_serving.testing import eventually


async def test_it_gives_the_answer_when_it_comes():
    answers = iter([0, "", None, "yes"])
    assert await eventually(lambda: next(answers)) == "yes"


async def test_it_waits_for_coroutines_too():
    answers = iter([False, True])

    async def question() -> bool:
        return next(answers)

    assert await eventually(question) is True


async def test_it_gives_up_and_says_why():
    def question() -> bool:
        assert 1 == 2, "never"
        return True

    with pytest.raises(AssertionError, match=r"not within 0\.05 seconds") as caught:
        await eventually(question, timeout=0.05)
    assert "never" in str(caught.value.__cause__)


async def test_other_errors_are_not_waited_out():
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 // 0)
