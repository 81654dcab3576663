"""Carries a plan out: begins requests when they are due, whatever became of the others, and measures them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from postcards_cli.load.arrivals import Job, arrivals, caller_starts, job
from postcards_cli.load.measurements import Answer, Ending, Record, Sample, StageRecord
from postcards_cli.load.plan import Callers, Plan, Rate

Ask = Callable[[Job], Awaitable[Answer]]
"""Makes one request and tells what it brought; keeps the deadline itself, and raises nothing."""

LEAST_PAUSE = 0.1
"""Seconds that a caller pauses after a refusal or a failure, where the server asks for no longer pause."""


class Watcher(Protocol):
    """Is told how a run goes."""

    def stage_begun(self, record: Record, stage: StageRecord) -> None:
        """A stage begins; it is already the last in `record`."""
        ...

    def stage_ended(self, record: Record, stage: StageRecord) -> None:
        """Every request of a stage has ended."""
        ...


class LoadRunner:
    """One run of a plan. What it has measured so far can be read from `record` at any time."""

    def __init__(self, plan: Plan, ask: Ask, watcher: Watcher) -> None:
        self.record = Record(plan)
        self._plan = plan
        self._ask = ask
        self._watcher = watcher
        self._next = 0
        self.under_way = 0
        """Requests whose end is not known yet."""

    async def run(self) -> Record:
        """Carries the plan out. When it is cancelled, what was measured until then stays in `record`."""
        try:
            for number, stage in enumerate(self._plan.stages):
                measured = StageRecord(stage)
                self.record.stages.append(measured)
                self._watcher.stage_begun(self.record, measured)
                await self._run_stage(number, measured)
                self._watcher.stage_ended(self.record, measured)
        except asyncio.CancelledError:
            self.record.interrupted = True
            raise
        return self.record

    async def _run_stage(self, number: int, measured: StageRecord) -> None:
        start = _now()
        try:
            match measured.stage.pressure:
                case Callers() as callers:
                    await self._closed(callers, measured, start)
                case Rate() as rate:
                    await self._open(rate, measured, start, seed=self._plan.seed + number)
        finally:
            measured.seconds = _now() - start
            measured.arrival_seconds = measured.arrival_seconds or measured.seconds

    async def _closed(self, callers: Callers, measured: StageRecord, start: float) -> None:
        """Callers who each wait for an answer before they ask again."""
        stage = measured.stage
        end = None if stage.seconds is None else start + stage.seconds
        begun = 0

        async def call(first: float) -> None:
            nonlocal begun
            await _sleep_until(first)
            while (end is None or _now() < end) and (stage.count is None or begun < stage.count):
                begun += 1
                self.under_way += 1
                answer = await self._measure(measured, self._next_job(), _now())
                if answer.ending in (Ending.REFUSED, Ending.FAILED):
                    await _sleep_until(_within(_now() + max(LEAST_PAUSE, answer.retry_after or 0.0), end))
            measured.arrival_seconds = _now() - start

        starts = caller_starts(stage, callers.first, callers.last)
        async with asyncio.TaskGroup() as group:
            for offset in starts:
                group.create_task(call(start + offset))

    async def _open(self, rate: Rate, measured: StageRecord, start: float, *, seed: int) -> None:
        """Requests that come at their own pace."""
        stage = measured.stage
        async with asyncio.TaskGroup() as group:
            for offset in arrivals(rate, stage.seconds, stage.count, seed):
                await _sleep_until(start + offset)
                what = self._next_job()
                if self.under_way < self._plan.outstanding:
                    self.under_way += 1
                    group.create_task(self._measure(measured, what, start + offset))
                else:
                    measured.tally(what.target).unsent += 1
            if stage.seconds is not None and stage.count is None:
                await _sleep_until(start + stage.seconds)
            measured.arrival_seconds = _now() - start

    def _next_job(self) -> Job:
        self._next += 1
        return job(self._plan, self._next - 1)

    async def _measure(self, measured: StageRecord, what: Job, intended: float) -> Answer:
        began = _now()
        try:
            answer = await self._ask(what)
        except asyncio.CancelledError:
            measured.tally(what.target).unfinished += 1
            raise
        finally:
            self.under_way -= 1
        measured.tally(what.target).record(Sample(what, intended, began, _now(), answer))
        return answer


def _within(time: float, end: float | None) -> float:
    return time if end is None else min(time, end)


async def _sleep_until(time: float) -> None:
    if (pause := time - _now()) > 0:
        await asyncio.sleep(pause)


def _now() -> float:
    """The clock of the run, in seconds."""
    return asyncio.get_running_loop().time()
