"""A run as plain JSON values, and in the few lines that explain its table. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from postcards_cli.load.goals import Verdict, share
from postcards_cli.load.histogram import Histogram
from postcards_cli.load.measurements import Cleared, Record, StageRecord, Tally
from postcards_cli.load.plan import Rate

PERCENTILES = (50, 90, 95, 99)
LATE_SECONDS = 0.05
"""A generator that begins 1 in 100 requests later than this did not keep up."""

Json = dict[str, Any]


def run_view(record: Record, verdicts: Sequence[Verdict], cleared: Cleared, addresses: Mapping[str, str]) -> Json:
    """A run as `--json` shows it. Times are in seconds, rates in requests a second."""
    plan = record.plan
    return {
        "ok": all(verdict.met for verdict in verdicts) and not record.interrupted,
        "interrupted": record.interrupted,
        "seed": plan.seed,
        "deadline": plan.deadline,
        "mix": dict(plan.mix),
        "addresses": {name: addresses[name] for name in plan.mix},
        "stages": [stage_view(stage) for stage in record.stages],
        "total": tally_view(record.total),
        "goals": [{"goal": v.goal, "measured": _rounded(v.measured), "met": v.met} for v in verdicts],
        "postcards": {"made": cleared.made, "deleted": cleared.deleted, "unknown": cleared.unknown},
    }


def stage_view(stage: StageRecord) -> Json:
    """One stage, its targets apart."""
    pressure = stage.stage.pressure
    return {
        "name": stage.stage.name,
        "counted": stage.stage.counted,
        "loop": "open" if isinstance(pressure, Rate) else "closed",
        "from": pressure.first,
        "to": pressure.last,
        "seconds": _rounded(stage.seconds),
        "offered_rate": _rounded(stage.offered_rate),
        "achieved_rate": _rounded(stage.achieved_rate),
        **tally_view(stage.total),
        "targets": {name: tally_view(tally) for name, tally in stage.by_target.items()},
    }


def tally_view(tally: Tally) -> Json:
    """A tally as the report holds it: counts, bytes, and times in seconds."""
    return {
        "requests": tally.begun,
        "succeeded": tally.ok,
        "refused": tally.refused,
        "deadline": tally.deadline,
        "failed": tally.failed,
        "unsent": tally.unsent,
        "unfinished": tally.unfinished,
        "refusals_retried": tally.refusals,
        "error_ratio": _rounded(share(tally.errors, tally.ended)),
        "bytes": tally.size_bytes,
        "codes": dict(tally.codes.most_common()),
        "latency": histogram_view(tally.latency),
        "first_progress": histogram_view(tally.progress),
        "lateness": histogram_view(tally.lateness),
    }


def histogram_view(histogram: Histogram) -> Json:
    """Percentiles in seconds; null where there are no values."""
    return {
        "count": histogram.count,
        "mean": _rounded(histogram.mean),
        **{f"p{percent}": _rounded(histogram.percentile(percent)) for percent in PERCENTILES},
        "max": _rounded(histogram.most),
    }


def remarks(record: Record, cleared: Cleared) -> list[str]:
    """What a reader of the table must know besides."""
    total = record.total
    lines = [f"{count} times {code}" for code, count in total.codes.most_common()]
    if total.refusals:
        lines.append(f"{total.refusals} refusals were waited out, as the server asked (--retry)")
    if total.unsent:
        lines.append(f"{total.unsent} were not sent: {record.plan.outstanding} were under way already")
    if total.unfinished:
        lines.append(f"{total.unfinished} were under way when the run was stopped")
    late = total.lateness.percentile(99)
    if late is not None and late > LATE_SECONDS:
        lines.append(
            f"this generator did not keep up: 1 in 100 requests began {seconds_text(late)} too late or more;"
            " the figures include that"
        )
    if cleared.made:
        lines.append(f"{cleared.made} postcards were made, {cleared.deleted} of them are deleted")
    if cleared.unknown:
        lines.append(f"{cleared.unknown} requests for a postcard got no answer: some may have been made, and are left")
    return lines


def seconds_text(seconds: float | None) -> str:
    """A time with three digits: "12 ms", "1.23 s", "4.1 min"."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms" if seconds < 0.09995 else f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.3g} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.3g} min"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
