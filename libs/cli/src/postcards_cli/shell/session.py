"""Connects a command to a composer: one that runs already, or one that is started for the command."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from postcards_cli.local.ports import endpoints
from postcards_cli.local.services import Plan, Services, StartFailed
from postcards_cli.shell.options import Place
from postcards_client.locations import local_path

if TYPE_CHECKING:
    from postcards_client.client import PostcardsClient

DEFAULT_FOLDER = "out"


class StartBoard(Protocol):
    """What is told how the services start and stop."""

    def starting(self, names: tuple[str, ...]) -> None:
        """The services `names` are being started."""
        ...

    def serving(self, name: str) -> None:
        """One of them is ready."""
        ...

    def stopping(self) -> None:
        """They are being stopped."""
        ...


def plan(place: Place) -> Plan:
    """What is started at `place`.

    The store is the folder that was named; else what POSTCARDS_STORE_URL says; else ./out. An object store named by
    POSTCARDS_STORE_URL stays the store when a folder was named: the folder then gets the downloaded files.
    """
    setting = os.environ.get("POSTCARDS_STORE_URL", "")
    kept = local_path(setting)
    folder = place.out or kept or Path(DEFAULT_FOLDER).absolute()
    store_url = setting if setting and kept is None else folder.as_uri()
    return Plan(endpoints=endpoints(place.port_base), store_url=store_url, folder=folder)


@asynccontextmanager
async def session(place: Place, board: StartBoard) -> AsyncGenerator["PostcardsClient", None]:
    """A client of the composer at `place`; starts the services first and stops them after, where that was asked.

    Raises:
        StartFailed: the services could not be started, or the composer died meanwhile.
    """
    if not place.start:
        from postcards_client.client import PostcardsClient

        async with PostcardsClient(place.address) as client:
            yield client
        return
    async with started(plan(place), board) as client:
        yield client


@asynccontextmanager
async def started(plan: Plan, board: StartBoard) -> AsyncGenerator["PostcardsClient", None]:
    """A client of the composer of services that are started first and stopped after.

    Raises:
        StartFailed: the services could not be started, or the composer died meanwhile.
    """
    services = Services(plan)
    services.start()
    try:
        board.starting(tuple(endpoint.name for endpoint in services.plan.endpoints))
        # Imported while the children start: it takes as long as they need for their first steps.
        from postcards_client.client import PostcardsClient
        from postcards_client.errors import Unavailable

        await services.wait_until_serving(board.serving)
        try:
            async with PostcardsClient(services.plan.endpoints[0].address) as client:
                yield client
        except Unavailable as error:
            raise StartFailed(await _cause(services, error.message)) from error
    finally:
        board.stopping()
        try:
            await services.stop()
        finally:
            services.kill()


@asynccontextmanager
async def started_apart(plans: Mapping[str, Plan], board: StartBoard) -> AsyncGenerator[Mapping[str, StartFailed]]:
    """Services of several plans, started together and stopped after; yields by plan why it could not be started.

    Where one cannot be started, the others are there all the same.
    """
    crews = {name: Services(plan) for name, plan in plans.items()}
    try:
        board.starting(tuple(endpoint.name for plan in plans.values() for endpoint in plan.endpoints))
        troubles = await asyncio.gather(*(_trouble(crew, board) for crew in crews.values()))
        yield {name: trouble for name, trouble in zip(crews, troubles, strict=True) if trouble is not None}
    finally:
        board.stopping()
        try:
            await asyncio.gather(*(crew.stop() for crew in crews.values()))
        finally:
            for crew in crews.values():
                crew.kill()


async def _trouble(services: Services, board: StartBoard) -> StartFailed | None:
    """Starts services and waits until they serve; why they do not, if so."""
    try:
        services.start()
        await services.wait_until_serving(board.serving)
    except StartFailed as failure:
        return failure
    return None


async def _cause(services: Services, message: str) -> str:
    """Which service died, when one did; else `message`."""
    try:
        async with asyncio.timeout(1):
            return await services.until_death()
    except TimeoutError:
        return message
