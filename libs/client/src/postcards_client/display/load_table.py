"""The table of a load run."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postcards_client.load.goals import Verdict
from postcards_client.load.measuring import Cleared, Record, StageRecord, Tally
from postcards_client.load.reporting import PERCENTILES, remarks, seconds_text

WIDEST = 140
_HEADINGS = ("offered", "achieved", "ok", "refused", "late", "failed")


def print_run(record: Record, verdicts: Sequence[Verdict], cleared: Cleared, console: Console) -> None:
    """Prints what was measured, what explains it, and what became of the goals."""
    if not console.is_terminal:
        # Nothing folds in a log.
        console = Console(file=console.file, width=WIDEST, highlight=False)
    console.print(_table(record))
    for line in remarks(record, cleared):
        console.print(Text(f"  {line}"), soft_wrap=True)
    for verdict in verdicts:
        console.print(_verdict_text(verdict), soft_wrap=True)
    if record.interrupted:
        console.print("[yellow]stopped before the end: this is what was measured until then[/]")


def _table(record: Record) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold", show_footer=False)
    table.add_column("stage", no_wrap=True)
    for heading in (*_HEADINGS, *(f"p{percent}" for percent in PERCENTILES), "max", "progress"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in record.stages:
        style = "" if stage.stage.counted else "dim"
        table.add_row(stage.stage.name, *_stage_cells(stage, stage.total), style=style)
        if len(record.plan.mix) > 1:
            for name, tally in sorted(stage.by_target.items()):
                table.add_row(f"  {name}", *_stage_cells(stage, tally), style="dim")
    if len(record.counted) > 1:
        table.add_section()
        table.add_row("all", "", "", *_cells(record.total))
    return table


def _stage_cells(stage: StageRecord, tally: Tally) -> list[str]:
    """The cells of a row: what came of the stage for one target, or for all."""
    offered = (tally.begun + tally.unsent) / stage.asking_seconds if stage.asking_seconds else 0.0
    achieved = tally.ok / stage.seconds if stage.seconds else 0.0
    return [f"{offered:.3g}/s", f"{achieved:.3g}/s", *_cells(tally)]


def _cells(tally: Tally) -> list[str]:
    counts = (tally.ok, tally.refused + tally.unsent, tally.deadline, tally.failed)
    latencies = [tally.latency.percentile(percent) for percent in PERCENTILES]
    times = (*latencies, tally.latency.most, tally.progress.percentile(50))
    return [*map(str, counts), *map(seconds_text, times)]


def _verdict_text(verdict: Verdict) -> Text:
    if verdict.measured is None:
        measured = "nothing measured"
    elif verdict.goal.endswith("%"):
        measured = f"{verdict.measured * 100:.3g}%"
    else:
        measured = seconds_text(verdict.measured)
    mark, style = ("✓", "green") if verdict.met else ("✗", "bold red")
    return Text(f"{mark} {verdict.goal}", style=style) + Text(f"  ({measured})", style="default")
