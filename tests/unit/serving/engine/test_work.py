"""What an engine sees of its caller."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manual_clock import ManualClock
from postcards_serving.engine.work import Blob, Preview, Progress, Work, json_settings
from postcards_serving.errors import Cancelled, DeadlineExceeded
from postcards_serving.testing import RecordingWork


def test_work_that_nobody_limits_goes_on():
    work = Work()
    work.report(Progress("draw"))
    work.check()
    assert work.remaining() is None


def test_cancelled_work_stops_at_its_next_check():
    work = Work()
    assert not work.cancelled
    work.cancel()
    assert work.cancelled
    with pytest.raises(Cancelled):
        work.check()


def test_time_runs_out_exactly_at_the_deadline():
    clock = ManualClock()
    work = Work(timeout=2.0, clock=clock)
    clock.now += 1.5
    work.check()
    assert work.remaining() == 0.5
    clock.now += 0.5
    with pytest.raises(DeadlineExceeded):
        work.check()
    clock.now += 5
    assert work.remaining() == 0.0


def test_a_cancelled_call_says_so_even_after_its_deadline():
    work = Work(timeout=0.0, clock=ManualClock())
    work.cancel()
    with pytest.raises(Cancelled):
        work.check()


def test_cancelling_wakes_those_who_wait_at_that_moment():
    work, woken = Work(), []
    with work.waking(lambda: woken.append("before")):
        pass
    with work.waking(lambda: woken.append("first")), work.waking(lambda: woken.append("second")):
        assert not woken
        work.cancel()
    assert woken == ["first", "second"]


def test_who_begins_to_wait_for_cancelled_work_is_woken_at_once():
    work, woken = Work(), []
    work.cancel()
    with work.waking(lambda: woken.append("late")):
        assert woken == ["late"]


def test_recording_work_remembers_in_order():
    work = RecordingWork()
    events = [Progress("draw"), Preview("draw", "image/webp", b"x"), Progress("print", 1, 2, 0.5)]
    for event in events:
        work.report(event)
    assert work.events == events


@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), st.integers() | st.text() | st.booleans()))
def test_settings_are_json(values):
    assert {key: json.loads(text) for key, text in json_settings(**values).items()} == values


def test_settings_that_have_no_json_form_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_settings(scale=float("nan"))
    with pytest.raises(TypeError):
        json_settings(engine=object())


def test_a_blob_knows_its_size_and_hash_and_does_not_print_its_bytes():
    blob = Blob("call.flac", "audio/flac", b"abc")
    assert blob.size_bytes == 3
    assert blob.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert "abc" not in repr(blob)
