"""`postcards doctor`: looks whether this machine can make postcards."""

import os
from typing import TYPE_CHECKING

from postcards_client.cli.exits import Exit
from postcards_client.cli.options import Address, Json, Out, PortBase, place
from postcards_client.cli.running import Outcome, run
from postcards_client.cli.session import plan

if TYPE_CHECKING:
    from postcards_client.doctor import Finding


def doctor(out: Out = "", address: Address = "", port_base: PortBase = None, as_json: Json = False) -> None:
    """Look whether this machine can make postcards, and say how to mend what is wrong."""
    where = place(address, False, port_base, out)
    planned = plan(where)

    async def command() -> Outcome:
        from postcards_client.doctor import examine

        findings = await examine(planned.endpoints, where.address, planned.folder, os.environ)
        good = all(finding.ok for finding in findings)
        view = {
            "ok": good,
            "checks": [{"check": f.check, "ok": f.ok, "found": f.found, "advice": f.advice} for f in findings],
        }
        return Outcome(view, lambda: _print(findings), Exit.DONE if good else Exit.FAILED)

    run(command, as_json=as_json)


def _print(findings: "tuple[Finding, ...]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        mark = Text("ok", style="green") if finding.ok else Text("!!", style="bold red")
        table.add_row(mark, Text(finding.check), Text(finding.found))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style="yellow"))
    console.print(table)
    wrong = sum(not finding.ok for finding in findings)
    console.print("all is well" if not wrong else f"{wrong} to mend")
