"""Makes the postcards of a jungle, a few at a time; those that exist already are only fetched."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from postcards.composer.v1 import composer_pb2

from postcards_cli.jungle.roster import Member, Roster
from postcards_client.client import PostcardsClient
from postcards_client.errors import FailedPrecondition, Overloaded, ServerFailed
from postcards_client.events import FINISHED, Changed, Event


@dataclass(frozen=True)
class Grown:
    """One postcard of a jungle, finished or failed."""

    member: Member
    """Which one."""
    postcard: composer_pb2.Postcard | None
    """The postcard as it ended; None when the composer could not make it at all."""
    error: str = ""
    """Why there is none."""
    existed: bool = False
    """Whether it was complete before."""


async def grow(
    client: PostcardsClient,
    roster: Roster,
    members: Sequence[Member],
    concurrency: int,
    *,
    on_event: Callable[[Member, Event], None],
    on_grown: Callable[[Grown], Awaitable[None]],
) -> list[Grown]:
    """Makes `members`, at most `concurrency` (1 or more) at a time, and returns them in order.

    A postcard that could not be made is told of and passed over.

    Raises:
        Unavailable: the composer has gone.
        InvalidRequest: the settings of the roster are wrong.
    """
    turns = asyncio.Semaphore(concurrency)

    async def one(member: Member) -> Grown:
        async with turns:
            try:
                result = await _grow_one(client, roster, member, on_event)
            except ServerFailed as error:
                result = Grown(member, None, error.message)
            await on_grown(result)
            return result

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(member)) for member in members]
    except BaseExceptionGroup as failures:
        # The first failure ended all; the others are its echo.
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _grow_one(
    client: PostcardsClient, roster: Roster, member: Member, on_event: Callable[[Member, Event], None]
) -> Grown:
    postcard = await _create(client, roster, member)
    if postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE:
        return Grown(member, postcard, existed=True)
    if postcard.state in FINISHED:
        try:
            postcard = await client.repair(postcard.id)
        except FailedPrecondition:
            # Someone else has begun to repair it; its making can be watched all the same.
            postcard = await client.get(postcard.id)
    on_event(member, Changed(0, postcard))
    async with aclosing(client.watch(postcard.id)) as events:
        async for event in events:
            on_event(member, event)
            if isinstance(event, Changed):
                postcard = event.postcard
    return Grown(member, postcard)


async def _create(client: PostcardsClient, roster: Roster, member: Member) -> composer_pb2.Postcard:
    """Has the postcard accepted; waits as long as the composer is too busy for it."""
    while True:
        try:
            return await client.create(
                seed=member.seed, theme=roster.theme, strangeness=roster.strangeness, request_id=member.request_id
            )
        except Overloaded as error:
            if error.retry_after is None:
                raise
            await asyncio.sleep(error.retry_after)
