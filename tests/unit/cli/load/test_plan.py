"""What a load run asks and when: options read, arrivals, jobs. Pure."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from postcards_cli.app import app
from postcards_cli.load.arrivals import arrivals, caller_starts, job
from postcards_cli.load.plan import (
    Callers,
    Plan,
    PlanError,
    Rate,
    Stage,
    callers,
    parse_mix,
    parse_ramp,
    parse_rate,
    parse_seconds,
    stages,
)

RATES = st.floats(0.1, 100)
LENGTHS = st.floats(0.5, 60)


def a_plan(**changes) -> Plan:
    given = {"stages": stages([callers(1)], seconds=1, count=None), "mix": {"image": 3.0, "language": 1.0}, "seed": 7}
    return Plan(**{**given, "deadline": 10.0, **changes})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30s", 30), ("250ms", 0.25), ("2m", 120), ("1.5min", 90), (" 1H ", 3600), (".5", 0.5)],
)
def test_lengths_of_time(text, seconds):
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "0s", "-1s", "s", "1d", "1e3", "nan", "inf", "1s2"])
def test_no_lengths_of_time(text):
    with pytest.raises(PlanError, match="no length of time"):
        parse_seconds(text)


@pytest.mark.parametrize(("text", "rate"), [("5", 5), ("5/s", 5), ("30/min", 0.5), ("0.5/s", 0.5), ("36/h", 0.01)])
def test_rates(text, rate):
    assert parse_rate(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["", "0", "-2/s", "2/day", "nan", "inf/s", "1e9/s", "fast"])
def test_no_rates(text):
    with pytest.raises(PlanError, match="no rate"):
        parse_rate(text)


def test_mixes():
    assert parse_mix("image=3,language=1") == {"image": 3, "language": 1}
    assert parse_mix("Composer") == {"composer": 1}
    for text in ("", "image=0", "image=-1", "image=x", "image=inf", "image,image", "video=1"):
        with pytest.raises(PlanError):
            parse_mix(text)


def test_ramps():
    assert parse_ramp("1,2,4") == (Callers(1, 1), Callers(2, 2), Callers(4, 4))
    assert parse_ramp("1-8") == (Callers(1, 8),)
    assert parse_ramp("1,2.5/s", "constant") == (Rate(1, 1, "constant"), Rate(2.5, 2.5, "constant"))
    assert parse_ramp("60-120/min") == (Rate(1, 2),)
    for text in ("", "1,,2", "0", "8-1", "1.5", "a", "1-", "1/day", "9999", "0-2/s"):
        with pytest.raises(PlanError):
            parse_ramp(text)


def test_stages_end_some_time():
    assert stages([callers(1)], seconds=None, count=None)[0].seconds == 30
    assert stages([callers(1)], seconds=None, count=5) == (Stage(Callers(1, 1), None, 5),)
    with pytest.raises(PlanError, match="how long"):
        stages([callers(1, 8)], seconds=None, count=5)


def test_a_warm_up_comes_first_and_does_not_count():
    warm_up, stage = stages([callers(4)], seconds=10, count=None, warm_up=3)
    assert (warm_up.name, warm_up.count, warm_up.counted, warm_up.seconds) == ("warm-up", 3, False, None)
    assert (stage.name, stage.counted) == ("4 callers", True)


@given(RATES, LENGTHS)
def test_constant_arrivals_are_evenly_spaced(rate, seconds):
    times = list(arrivals(Rate(rate, rate, "constant"), seconds, None, 0))
    assert len(times) == pytest.approx(rate * seconds, abs=1)
    assert all(later - earlier == pytest.approx(1 / rate) for earlier, later in itertools.pairwise(times))


@given(RATES, RATES, LENGTHS, st.sampled_from(["poisson", "constant"]), st.integers(0, 2**64 - 1))
def test_arrivals_come_in_order_within_the_stage_and_again_the_same(first, last, seconds, spacing, seed):
    rate = Rate(first, last, spacing)
    times = list(arrivals(rate, seconds, None, seed))
    assert times == sorted(times)
    assert all(0 <= time < seconds for time in times)
    assert times == list(arrivals(rate, seconds, None, seed))


@given(RATES, RATES, st.floats(5, 60))
def test_a_ramp_has_as_many_arrivals_as_the_area_below_it(first, last, seconds):
    times = list(arrivals(Rate(first, last, "constant"), seconds, None, 0))
    assert len(times) == pytest.approx((first + last) / 2 * seconds, abs=1.001)
    half = seconds / 2
    before = first * half + (last - first) / seconds * half**2 / 2
    assert sum(time < half for time in times) == pytest.approx(before, abs=1.001)


@given(st.floats(5, 50), st.integers(0, 2**32))
def test_poisson_arrivals_keep_the_rate_on_average(rate, seed):
    count = 2000
    times = list(arrivals(Rate(rate, rate), None, count, seed))
    assert len(times) == count
    # The sum of n exponentials strays by 1/sqrt(n): eight times that never happens.
    assert times[-1] == pytest.approx(count / rate, rel=8 / math.sqrt(count))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) > 3 * min(gaps)


def test_count_ends_arrivals_too():
    assert list(arrivals(Rate(2, 2, "constant"), 60, 3, 0)) == [0.0, 0.5, 1.0]


def test_another_seed_other_arrivals():
    rate = Rate(5, 5)
    assert list(arrivals(rate, 10, None, 1)) != list(arrivals(rate, 10, None, 2))


@given(st.integers(1, 20), st.integers(0, 20), LENGTHS)
def test_callers_come_in_evenly(first, more, seconds):
    starts = caller_starts(Stage(Callers(first, first + more), seconds, None), first, first + more)
    assert len(starts) == first + more
    assert starts[:first] == (0.0,) * first
    assert all(0 < start < seconds for start in starts[first:])
    assert list(starts) == sorted(starts)


def test_jobs_follow_from_the_seed():
    plan = a_plan(themes=("fog", "night"))
    jobs = [job(plan, index) for index in range(400)]
    assert jobs == [job(plan, index) for index in range(400)]
    assert len({j.seed for j in jobs}) == 400
    assert all(0 <= j.seed < 2**64 for j in jobs)
    assert {j.theme for j in jobs} == {"fog", "night"}
    assert 240 < sum(j.target == "image" for j in jobs) < 360
    assert job(a_plan(seed=8), 0).seed != jobs[0].seed
    assert job(a_plan(), 0).theme == ""


@pytest.mark.parametrize(
    "options",
    [
        ["--rate", "fast"],
        ["--rate", "1/s", "--ramp", "1,2"],
        ["--ramp", "8-1"],
        ["--mix", "video=1"],
        ["--fail-above", "p95"],
        ["--duration", "soon"],
        ["--ramp", "1-4", "--count", "3"],
    ],
)
def test_options_that_cannot_be_planned(options):
    result = CliRunner().invoke(app, ["load", *options])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
