"""Looks whether this machine can make postcards with the engines that the environment names, and says in plain words
what is missing and how to get it.

Nothing is downloaded, and no secret is shown.
"""

from collections.abc import Mapping
from pathlib import Path

from postcards_cli.doctor import language, machine, models, resources, running
from postcards_cli.doctor.finding import Finding, Level
from postcards_cli.local.ports import Endpoint
from postcards_weights.cache import hub_cache

__all__ = ["Finding", "Level", "examine"]


async def examine(
    endpoints: tuple[Endpoint, ...], address: str, folder: Path, settings: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Makes every check: this Python, the packages, `folder`, the engines and the store in `settings`, the ports and
    whoever listens there, and whether a composer answers at `address`.
    """
    states = await running.ask(endpoints)
    cache = hub_cache(settings)
    engines = {part: models.engine_in(part, settings, cache) for part in ("image", "audio")}
    heavy = [engine for engine in engines.values() if engine is not None]
    # Who serves has its memory already.
    to_load = [engine for engine in heavy if not states[engine.part].is_serving]
    findings = [*machine.look(folder), *resources.disk(heavy, cache), *resources.memory(to_load, settings)]
    for part, engine in engines.items():
        findings += models.look(part, engine, settings, cache)
    findings += await language.look(settings)
    findings += [machine.store(settings), *running.look(endpoints, states)]
    if address != endpoints[0].address:
        findings.append(await running.look_at_composer(address))
    return tuple(findings)
