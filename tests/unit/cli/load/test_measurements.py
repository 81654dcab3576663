"""What load measures: percentiles, sums, goals and the report. Pure."""

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from postcards_cli.display.load_table import print_run
from postcards_cli.load.arrivals import Job
from postcards_cli.load.goals import Goals, LatencyGoal, judge, parse_latency_goals
from postcards_cli.load.histogram import RELATIVE_ERROR, Histogram
from postcards_cli.load.measurements import Answer, Cleared, Ending, Record, Sample, StageRecord, Tally
from postcards_cli.load.plan import Plan, PlanError, Rate, callers, stages
from postcards_cli.load.report import remarks, run_view, seconds_text

LATENCIES = st.lists(st.floats(0, 1e5, allow_subnormal=False), min_size=1, max_size=200)
JOB = Job(0, "image", 1, "")


def sample(ending=Ending.OK, *, intended=0.0, began=0.0, ended=1.0, **answer) -> Sample:
    return Sample(JOB, intended, began, ended, Answer(ending, **answer))


def tally(*samples: Sample) -> Tally:
    total = Tally()
    for each in samples:
        total.record(each)
    return total


STEADY = (Rate(1, 1),)


def a_record(*, pressures=STEADY, warm_up=0, **changes) -> Record:
    plan = Plan(stages(pressures, seconds=10, count=None, warm_up=warm_up), {"image": 1.0}, 7, 10.0)
    record = Record(plan, [StageRecord(stage) for stage in plan.stages], **changes)
    for stage in record.stages:
        stage.seconds = stage.arrival_seconds = 10.0
    return record


@given(LATENCIES, st.one_of(st.sampled_from([0, 50, 90, 95, 99, 99.9, 100]), st.floats(0, 100)))
def test_percentiles_are_those_of_the_values(values, percent):
    truth = sorted(values)[max(1, math.ceil(round(percent * len(values) / 100, 9))) - 1]
    found = Histogram(values).percentile(percent)
    assert truth <= found <= truth * (1 + RELATIVE_ERROR) + 1e-6


@given(LATENCIES)
def test_count_mean_and_greatest_are_exact(values):
    histogram = Histogram(values)
    assert histogram.count == len(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values))
    assert histogram.most == max(values) == histogram.percentile(100)


@given(LATENCIES, LATENCIES)
def test_sums_of_histograms_are_histograms_of_all(one, other):
    added, whole = Histogram(one), Histogram(one + other)
    added.add(Histogram(other))
    for percent in (0, 10, 50, 99, 100):
        assert added.percentile(percent) == whole.percentile(percent)
    assert added.count == whole.count
    assert added.mean == pytest.approx(whole.mean)


def test_an_empty_histogram_knows_nothing():
    empty = Histogram()
    assert (empty.percentile(50), empty.mean, empty.most, empty.count) == (None, None, None, 0)


def test_a_long_run_stays_small():
    histogram = Histogram(i / 1000 for i in range(100_000))
    assert len(histogram._buckets) < 20_000
    assert histogram.percentile(50) == pytest.approx(50, rel=RELATIVE_ERROR)


def test_latency_counts_from_when_a_request_should_have_begun():
    total = tally(sample(intended=10.0, began=14.0, ended=15.0, progress_at=14.5))
    assert total.latency.most == 5.0
    assert total.progress.most == 4.5
    assert total.lateness.most == 4.0


def test_refusals_make_nobody_fast_and_deadlines_make_nobody_slow_unseen():
    total = tally(
        sample(ended=2.0),
        sample(Ending.REFUSED, ended=0.001, code="RESOURCE_EXHAUSTED QUEUE_FULL"),
        sample(Ending.FAILED, ended=0.001, code="UNAVAILABLE"),
        sample(Ending.DEADLINE, ended=30.0, code="DEADLINE_EXCEEDED"),
    )
    assert (total.ok, total.refused, total.failed, total.deadline, total.ended) == (1, 1, 1, 1, 4)
    assert total.latency.count == 2
    assert total.latency.percentile(99) == pytest.approx(30.0)
    assert total.codes == {"RESOURCE_EXHAUSTED QUEUE_FULL": 1, "UNAVAILABLE": 1, "DEADLINE_EXCEEDED": 1}


def test_goals_are_read():
    assert parse_latency_goals("p95=10s, P99.9=1m,max=2m,mean=500ms") == (
        LatencyGoal("p95", 10),
        LatencyGoal("p99.9", 60),
        LatencyGoal("max", 120),
        LatencyGoal("mean", 0.5),
    )
    assert parse_latency_goals("") == ()
    for text in ("p95", "95=1s", "p100=1s", "p95=", "p95=0", "median=1s"):
        with pytest.raises(PlanError):
            parse_latency_goals(text)


def met(goals: Goals, total: Tally) -> dict[str, bool]:
    return {verdict.goal: verdict.met for verdict in judge(goals, total)}


def test_goals_are_judged():
    total = tally(*(sample(ended=float(second)) for second in range(1, 100)), sample(Ending.FAILED, code="INTERNAL"))
    goals = Goals((LatencyGoal("p50", 60), LatencyGoal("p95", 60)), error_ratio=0.01, refused_ratio=0.0)
    assert met(goals, total) == {"p50 <= 60 s": True, "p95 <= 60 s": False, "errors <= 1%": True, "refused <= 0%": True}
    assert met(Goals(), total) == {"errors <= 0%": False}
    total.unsent = 1
    assert not met(goals, total)["refused <= 0%"]


def test_who_was_turned_away_is_late_unless_a_goal_forgives_it():
    total = tally(*(sample(ended=1.0) for _ in range(90)), *(sample(Ending.REFUSED, code="FULL") for _ in range(6)))
    total.unsent = 4
    goals = (LatencyGoal("p50", 2), LatencyGoal("p90", 2), LatencyGoal("p91", 2), LatencyGoal("max", 2))
    judged = met(Goals(goals), total)
    assert judged == {
        "p50 <= 2 s": True,
        "p90 <= 2 s": True,
        "p91 <= 2 s": False,
        "max <= 2 s": False,
        "errors <= 0%": True,
    }
    assert all(met(Goals(goals, refused_ratio=0.1), total).values())


def test_a_run_without_success_is_none():
    goals = Goals((LatencyGoal("max", 60),), error_ratio=1.0)
    assert met(goals, Tally()) == {"max <= 60 s": False, "errors <= 100%": False}
    refused = tally(sample(Ending.REFUSED, code="RESOURCE_EXHAUSTED"))
    assert met(Goals(), refused) == {"errors <= 0%": False}


def test_a_warm_up_does_not_count():
    record = a_record(warm_up=1)
    record.stages[0].tally("image").record(sample(Ending.FAILED, code="UNAVAILABLE"))
    record.stages[1].tally("image").record(sample())
    assert (record.total.failed, record.total.ok) == (0, 1)


def test_rates_count_what_came_and_what_was_answered():
    record = a_record()
    stage = record.stages[0]
    stage.seconds = 20.0
    stage.tally("image").record(sample())
    stage.tally("image").record(sample(Ending.REFUSED, code="RESOURCE_EXHAUSTED"))
    stage.tally("language").unsent = 1
    assert stage.offered_rate == pytest.approx(0.3)
    assert stage.achieved_rate == pytest.approx(0.05)


def test_the_view_is_json_with_everything():
    record = a_record(pressures=(callers(1), callers(2)), interrupted=True)
    record.stages[0].tally("image").record(sample(progress_at=0.5, size_bytes=9))
    view = run_view(record, judge(Goals(), record.total), Cleared(1, 1, 0), {"image": "there:1"})
    assert json.loads(json.dumps(view, allow_nan=False)) == view
    assert (view["ok"], view["interrupted"], view["seed"]) == (False, True, 7)
    assert view["total"]["latency"]["p99"] == 1.0
    assert view["total"]["first_progress"]["p50"] == 0.5
    assert [stage["name"] for stage in view["stages"]] == ["1 caller", "2 callers"]
    assert view["stages"][1]["latency"]["p50"] is None


def test_a_generator_that_did_not_keep_up_says_so():
    record = a_record()
    record.stages[0].tally("image").record(sample(began=0.01))
    assert not any("keep up" in line for line in remarks(record, Cleared(0, 0, 0)))
    record.stages[0].tally("image").record(sample(began=0.4))
    assert any("keep up" in line for line in remarks(record, Cleared(0, 0, 0)))


def test_the_table_shows_every_stage_and_why_requests_failed(capsys):
    record = a_record(pressures=(callers(1), callers(2)))
    record.stages[0].tally("image").record(sample())
    record.stages[1].tally("image").record(sample(Ending.FAILED, code="UNAVAILABLE"))
    print_run(record, judge(Goals(), record.total), Cleared(2, 1, 1), Console(width=40))
    out = capsys.readouterr().out
    assert "1 caller " in out
    assert "2 callers" in out
    assert "1 times UNAVAILABLE" in out
    assert "2 postcards were made, 1 of them are deleted" in out
    assert "✗ errors <= 0%  (50%)" in out


def test_a_narrow_terminal_gets_the_columns_that_matter_most():
    record = a_record()
    record.stages[0].tally("image").record(sample(ended=100.0))
    console = Console(width=80, force_terminal=True, file=io.StringIO(), color_system=None)
    print_run(record, (), Cleared(0, 0, 0), console)
    out = console.file.getvalue()
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "…" not in out
    assert "p95" in out
    assert "p99" not in out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0001, "0.1 ms"),
        (0.0123, "12.3 ms"),
        (0.5, "500 ms"),
        (1.234, "1.23 s"),
        (120, "120 s"),
        (900, "15 min"),
    ],
)
def test_times_for_people(seconds, text):
    assert seconds_text(seconds) == text
