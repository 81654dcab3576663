"""What an engine does, as spans: its wait for a place, its stages, and the steps that it takes together with others.

A step of an in-flight batch is no span of its own: steps that a row takes in unchanged company are one, with links to
the engine spans of the rows that it shares them with.
"""

import time
from dataclasses import dataclass

from postcards_serving.call_observer import UNOBSERVED, CallObserver
from postcards_serving.telemetry import tracing
from postcards_serving.telemetry.spans import NOTHING, Span

_MAX_GROUPS = 64
"""Groups of steps that are told apart; what comes after them is one."""
_MAX_LINKS = 32


@dataclass
class _Group:
    """Steps in unchanged company."""

    company: tuple[CallObserver, ...]
    begun: int
    ended: int
    steps: int = 1
    mixed: bool = False


class EngineTrace(CallObserver):
    """The spans of one engine call. `stepped` is for the batch's thread, `turn_to` for the engine's own."""

    def __init__(self, engine: str, parent: Span) -> None:
        """Begins with the wait for a place, inside `parent`."""
        self._engine = engine
        self._parent = parent
        self._entered = time.time_ns()
        self._span: Span = NOTHING
        self._stage: Span = NOTHING
        self._stage_name: str | None = None
        self._reports = 0
        self._stages: list[tuple[int, Span]] = []
        self._groups: list[_Group] = []

    @property
    def span(self) -> Span:
        """The span of the engine call; `NOTHING` before it has begun."""
        return self._span

    def begin(self, *, waited: bool) -> None:
        """A place is there; `waited` when it was not at once."""
        if waited:
            self._queue_span().end()
        self._span = tracing.begin(f"engine {self._engine}", {"postcards.engine": self._engine}, parent=self._parent)

    def give_up(self) -> None:
        """No place came in time."""
        span = self._queue_span()
        span.set({"postcards.outcome": "cancelled"})
        span.end()

    def turn_to(self, stage: str | None) -> None:
        """A stage begins, or goes on with a next step; None: the last one is over."""
        if stage == self._stage_name:
            self._reports += 1
            return
        self._stage.set({"postcards.stage.reports": self._reports})
        self._stage.end()
        self._stage, self._stage_name, self._reports = NOTHING, stage, 1
        if stage is not None:
            now = time.time_ns()
            attributes = {"postcards.engine": self._engine, "postcards.stage": stage}
            self._stage = tracing.begin(f"stage {stage}", attributes, parent=self._span, at=now)
            self._stages.append((now, self._stage))

    def stepped(self, company: tuple[CallObserver, ...], begun: int, ended: int) -> None:
        """The call's row took a step, from `begun` to `ended` in nanoseconds since 1970, with all of `company`."""
        last = self._groups[-1] if self._groups else None
        if last is not None and (last.company == company or len(self._groups) >= _MAX_GROUPS):
            last.mixed = last.mixed or last.company != company
            last.ended = ended
            last.steps += 1
        else:
            self._groups.append(_Group(company, begun, ended))

    def end(self, outcome: str, fault: str = "") -> None:
        """The call is over: "done", "failed" or "cancelled"; `fault` names what it failed of."""
        groups, self._groups = self._groups, []
        for group in groups:
            self._tell(group)
        self._span.set({"postcards.outcome": outcome})
        if fault:
            self._span.fail(fault)
        self._span.end()

    def _tell(self, group: _Group) -> None:
        others = [other.span for other in group.company if isinstance(other, EngineTrace) and other is not self][
            :_MAX_LINKS
        ]
        attributes = {
            "postcards.engine": self._engine,
            "postcards.steps": group.steps,
            "postcards.batch.rows": len(group.company),
            "postcards.batch.company_changed": group.mixed,
        }
        parent = self._stage_at(group.begun)
        tracing.begin("steps", attributes, parent=parent, links=others, at=group.begun).end(group.ended)

    def _stage_at(self, moment: int) -> Span:
        """The stage that was on at a moment: the first step begins before its stage is reported."""
        before = [span for begun, span in self._stages if begun <= moment]
        return before[-1] if before else self._span

    def _queue_span(self) -> Span:
        attributes = {"postcards.engine": self._engine}
        return tracing.begin("queue", attributes, parent=self._parent, at=self._entered)


def trace_engine(engine: str) -> CallObserver:
    """The trace of an engine call inside the present span; `UNOBSERVED` where nothing is recorded."""
    parent = tracing.current() if tracing.enabled() else NOTHING
    return UNOBSERVED if parent is NOTHING else EngineTrace(engine, parent)
