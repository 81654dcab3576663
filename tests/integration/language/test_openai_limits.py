"""What the engine openai does when the API takes no more calls for a while: everybody waits, and nobody blames it."""

import threading

import pytest

from postcards_serving.errors import Unavailable


def test_a_retry_after_beyond_the_deadline_is_told_at_once(engine, script, fail, say_it) -> None:
    script.then(fail(429, "rate_limit_exceeded", retry_after="600"))
    with pytest.raises(Unavailable) as caught:
        say_it(engine)
    assert caught.value.retry_after == 600
    assert len(script.asked) == 1


def test_429_with_retry_after_is_waited_for(script, ledger, fail, say, engine_for, say_it, phrases) -> None:
    script.then(fail(429, "rate_limit_exceeded", retry_after="0.05"), say(phrases()))
    engine = engine_for()
    result = say_it(engine)
    engine.close()
    assert ledger.outcomes == {"limited": 1, "answered": 1}
    assert any("tried again" in note for note in result.provenance.notes)


def test_eight_that_are_limited_at_once_all_end_well(
    script, ledger, fail, say, engine_for, phrases, say_together
) -> None:
    together = threading.Barrier(8, timeout=60)

    def limit(handler, body) -> None:
        together.wait()
        fail(429, "rate_limit_exceeded", retry_after="0.3")(handler, body)

    script.then(*[limit] * 8, say(phrases()))
    engine = engine_for()
    assert len(say_together(engine, 8)) == 8
    engine.close()
    # Six failures in a row would open the circuit here.
    assert ledger.circuits == []
    assert ledger.outcomes == {"limited": 8, "answered": 8}
    assert len(script.asked) == 16


def test_a_limit_that_the_api_calls_lasting_is_not_tried_again(engine, script, fail, say_it) -> None:
    script.then(fail(429, "rate_limit_exceeded", x_should_retry="false"))
    with pytest.raises(Unavailable):
        say_it(engine)
    assert len(script.asked) == 1


def test_who_comes_while_calls_are_held_back_makes_none(script, fail, engine_for, say_it) -> None:
    script.then(fail(429, "rate_limit_exceeded", retry_after="600"))
    engine = engine_for()
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            say_it(engine)
        assert caught.value.reason == "API_BUSY"
        assert caught.value.retry_after > 250
    engine.close()
    assert len(script.asked) == 1


def test_a_limit_in_the_middle_of_an_answer_is_one_too(script, ledger, say, engine_for, say_it, phrases) -> None:
    def answer(handler, _) -> None:
        handler.begin_stream()
        handler.wfile.write(b'data: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}\n\n')

    script.then(*[answer] * 8, say(phrases()))
    engine = engine_for()
    assert len(say_it(engine).phrases) == 1
    engine.close()
    assert ledger.outcomes == {"limited": 8, "answered": 1}
    assert ledger.circuits == []
