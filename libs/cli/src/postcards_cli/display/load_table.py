"""The table of a load run."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postcards_cli.load.goals import Verdict
from postcards_cli.load.measurements import Cleared, Record, StageRecord, Tally
from postcards_cli.load.report import PERCENTILES, remarks, seconds_text

WIDEST = 140
_NARROW = 118
"""A terminal of fewer columns gets those of the table that matter most."""
_SPARED = frozenset({"offered", "p90", "p99", "progress"})
_RIGHT = ("offered", "achieved", "ok", "refused", "late", "failed", *(f"p{p}" for p in PERCENTILES), "max", "progress")


def print_run(record: Record, verdicts: Sequence[Verdict], cleared: Cleared, console: Console) -> None:
    """Prints what was measured, what explains it, and what became of the goals."""
    if not console.is_terminal:
        # Nothing folds in a log.
        console = Console(file=console.file, width=WIDEST, highlight=False)
    console.print(_table(record, narrow=console.width < _NARROW))
    for line in remarks(record, cleared):
        console.print(Text(f"  {line}"), soft_wrap=True)
    for verdict in verdicts:
        console.print(_verdict_text(verdict), soft_wrap=True)
    if record.interrupted:
        console.print("[yellow]stopped before the end: this is what was measured until then[/]")


def _table(record: Record, *, narrow: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold", show_footer=False)
    table.add_column("stage", no_wrap=True)
    headings = [heading for heading in _RIGHT if not (narrow and heading in _SPARED)]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)

    def add(name: str, cells: dict[str, str], style: str = "") -> None:
        table.add_row(name, *(cells.get(heading, "") for heading in headings), style=style)

    for stage in record.stages:
        add(stage.stage.name, _stage_cells(stage, stage.total), "" if stage.stage.counted else "dim")
        if len(record.plan.mix) > 1:
            for name, tally in sorted(stage.by_target.items()):
                add(f"  {name}", _stage_cells(stage, tally), "dim")
    if len(record.counted) > 1:
        table.add_section()
        add("all", _cells(record.total))
    return table


def _stage_cells(stage: StageRecord, tally: Tally) -> dict[str, str]:
    """The cells of a row: what came of the stage for one target, or for all."""
    offered = (tally.begun + tally.unsent) / stage.arrival_seconds if stage.arrival_seconds else 0.0
    achieved = tally.ok / stage.seconds if stage.seconds else 0.0
    return {"offered": f"{offered:.3g}/s", "achieved": f"{achieved:.3g}/s", **_cells(tally)}


def _cells(tally: Tally) -> dict[str, str]:
    return {
        "ok": str(tally.ok),
        "refused": str(tally.refused + tally.unsent),
        "late": str(tally.deadline),
        "failed": str(tally.failed),
        **{f"p{percent}": seconds_text(tally.latency.percentile(percent)) for percent in PERCENTILES},
        "max": seconds_text(tally.latency.most),
        "progress": seconds_text(tally.progress.percentile(50)),
    }


def _verdict_text(verdict: Verdict) -> Text:
    if verdict.measured is None:
        measured = "nothing measured"
    elif verdict.goal.endswith("%"):
        measured = f"{verdict.measured * 100:.3g}%"
    else:
        measured = seconds_text(verdict.measured)
    mark, style = ("✓", "green") if verdict.met else ("✗", "bold red")
    return Text(f"{mark} {verdict.goal}", style=style) + Text(f"  ({measured})", style="default")
