"""`postcards doctor`: looks whether this machine can make postcards."""

import os
from itertools import groupby
from typing import TYPE_CHECKING

from postcards_cli.shell.exits import Exit
from postcards_cli.shell.options import Address, Json, Out, PortBase, place
from postcards_cli.shell.running import Outcome, run
from postcards_cli.shell.session import plan

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from postcards_cli.doctor import Finding

_STYLES = {"ok": "green", "warning": "yellow", "missing": "bold red"}
_MARKS = {"ok": "ok", "warning": "!", "missing": "!!"}


def doctor(out: Out = "", address: Address = "", port_base: PortBase = None, as_json: Json = False) -> None:
    """Look whether this machine can make postcards with the engines that are set, and say how to get what is missing.

    Weights, packages, licence, token, disk, memory, device, key, the services that run. Downloads nothing, shows no
    secret. "!" works, but not well; "!!" has to be mended first, and makes the exit code 1.
    """
    where = place(address, False, port_base, out)
    planned = plan(where)

    async def command() -> Outcome:
        from postcards_cli.doctor import examine

        findings = await examine(planned.endpoints, where.address, planned.folder, os.environ)
        good = all(finding.ok for finding in findings)
        checks = [
            {"topic": f.topic, "check": f.check, "level": f.level, "ok": f.ok, "found": f.found, "advice": f.advice}
            for f in findings
        ]
        view = {"ok": good, "checks": checks}
        return Outcome(view, lambda: _print(findings), Exit.DONE if good else Exit.FAILED)

    run(command, as_json=as_json)


def _print(findings: "tuple[Finding, ...]") -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(_table(findings))
    _print_sum(findings, console)


def _table(findings: "tuple[Finding, ...]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for topic, group in groupby(findings, key=lambda finding: finding.topic):
        table.add_row("", Text(topic, style="bold"), "")
        for finding in group:
            style = _STYLES[finding.level]
            # The topic stands above: it need not stand before every check.
            check = finding.check.removeprefix(f"{topic} ")
            table.add_row(Text(_MARKS[finding.level], style=style), Text(f"  {check}"), Text(finding.found))
            if finding.advice:
                table.add_row("", "", Text(f"→ {finding.advice}", style="cyan"))
    return table


def _print_sum(findings: "tuple[Finding, ...]", console: "Console") -> None:
    wrong = sum(not finding.ok for finding in findings)
    unsure = sum(finding.level == "warning" for finding in findings)
    if wrong:
        console.print(f"[bold red]{wrong} to mend[/]" + (f", {unsure} to know" if unsure else ""))
    elif unsure:
        console.print(f"[yellow]postcards can be made; {unsure} to know[/]")
    else:
        console.print("[green]all is well[/]")
