"""The table of running services."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from postcards_cli.local.services import Plan


def print_status(plan: Plan, engines: Mapping[str, str], console: Console) -> None:
    """Prints where the services of `plan` listen, with which engines they work, and where things are kept."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("service", "state", "address", "metrics port", "engine"):
        table.add_column(heading, no_wrap=True)
    for endpoint in plan.endpoints:
        table.add_row(
            endpoint.name,
            "[green]SERVING[/]",
            endpoint.address,
            str(endpoint.metrics_port),
            engines.get(endpoint.name, ""),
        )
    console.print(table)
    console.print(f"[dim]store[/]  {plan.store_url}", soft_wrap=True)
    console.print(f"[dim]logs[/]   {plan.logs}", soft_wrap=True)
    console.print("[dim]next[/]   postcards create   (in another terminal; Ctrl-C here stops the services)")
