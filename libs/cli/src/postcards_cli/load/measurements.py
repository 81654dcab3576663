"""What became of requests: one answer, and the sums over many. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from postcards_cli.load.arrivals import Job
from postcards_cli.load.histogram import Histogram
from postcards_cli.load.plan import Plan, Stage


class Ending(StrEnum):
    """How a request ended."""

    OK = "ok"
    """What was asked for came, whole and in time."""
    REFUSED = "refused"
    """Too much is asked of the server at present: it says so at once."""
    DEADLINE = "deadline"
    """The time was over."""
    FAILED = "failed"
    """Anything else."""


@dataclass(frozen=True)
class Answer:
    """What one request brought."""

    ending: Ending
    """How it ended."""
    code: str = ""
    """Why it was not ok: a gRPC status code, or what a postcard lacks."""
    progress_at: float | None = None
    """When the work on it was first seen to advance, on the clock of the run; None: never."""
    refusals: int = 0
    """How often it was refused and came again."""
    retry_after: float | None = None
    """Seconds after which a refused caller is asked to come back."""
    size_bytes: int = 0
    """What came."""


@dataclass(frozen=True)
class Sample:
    """One request with its times, in seconds on the clock of the run."""

    job: Job
    intended: float
    """When it should have begun. Latencies count from here, so that no wait of ours is hidden."""
    began: float
    """When it did begin."""
    ended: float
    """When its end was known."""
    answer: Answer
    """What it brought."""


@dataclass(frozen=True)
class Cleared:
    """What became of the postcards of a run."""

    made: int
    """Postcards that were accepted."""
    deleted: int
    """Those that are gone."""
    unknown: int
    """Requests that got no answer: a postcard may have been accepted for them."""


@dataclass
class Tally:
    """Counts and latencies over many requests; latencies in seconds."""

    ok: int = 0
    refused: int = 0
    deadline: int = 0
    failed: int = 0
    unsent: int = 0
    """Requests of an open loop that were not sent: too many were under way."""
    unfinished: int = 0
    """Requests that were under way when the run was stopped."""
    refusals: int = 0
    """Refusals of requests that came again, whatever became of them then."""
    size_bytes: int = 0
    codes: Counter[str] = field(default_factory=Counter[str])
    """Why requests were not ok."""
    latency: Histogram = field(default_factory=Histogram)
    """From the intended start to the end, of those that were ok, and of those whose time was over: they took at least
    as long. Refusals are quick, and would make an overloaded server look fast."""
    progress: Histogram = field(default_factory=Histogram)
    """From the intended start to the first sign that the work advances, of those that were ok."""
    lateness: Histogram = field(default_factory=Histogram)
    """From the intended to the true start: how well the generator itself kept up."""

    def record(self, sample: Sample) -> None:
        """Counts a request that has ended, by how it ended."""
        answer = sample.answer
        self.lateness.record(sample.began - sample.intended)
        self.refusals += answer.refusals
        self.size_bytes += answer.size_bytes
        if answer.ending is not Ending.OK:
            self.codes[answer.code] += 1
        match answer.ending:
            case Ending.OK:
                self.ok += 1
                if answer.progress_at is not None:
                    self.progress.record(answer.progress_at - sample.intended)
            case Ending.REFUSED:
                self.refused += 1
            case Ending.DEADLINE:
                self.deadline += 1
            case Ending.FAILED:
                self.failed += 1
        if answer.ending in (Ending.OK, Ending.DEADLINE):
            self.latency.record(sample.ended - sample.intended)

    def add(self, other: "Tally") -> None:
        """Counts everything that `other` has counted."""
        self.ok += other.ok
        self.refused += other.refused
        self.deadline += other.deadline
        self.failed += other.failed
        self.unsent += other.unsent
        self.unfinished += other.unfinished
        self.refusals += other.refusals
        self.size_bytes += other.size_bytes
        self.codes.update(other.codes)
        self.latency.add(other.latency)
        self.progress.add(other.progress)
        self.lateness.add(other.lateness)

    @property
    def ended(self) -> int:
        """Requests whose end was seen."""
        return self.ok + self.refused + self.deadline + self.failed

    @property
    def begun(self) -> int:
        """Requests that were sent."""
        return self.ended + self.unfinished

    @property
    def errors(self) -> int:
        """Requests that failed or took too long."""
        return self.failed + self.deadline


class StageRecord:
    """What was measured in one stage, all together and for each target."""

    def __init__(self, stage: Stage) -> None:
        """Nothing is measured yet."""
        self.stage = stage
        self.by_target: dict[str, Tally] = {}
        self.arrival_seconds = 0.0
        """From its start until no more requests were begun."""
        self.seconds = 0.0
        """From its start to the end of its last request."""

    def tally(self, target: str) -> Tally:
        """The sums of one target."""
        return self.by_target.setdefault(target, Tally())

    @property
    def total(self) -> Tally:
        """The sums of all targets."""
        return summed(self.by_target.values())

    @property
    def offered_rate(self) -> float:
        """Requests a second that came, sent or not."""
        total = self.total
        return (total.begun + total.unsent) / self.arrival_seconds if self.arrival_seconds else 0.0

    @property
    def achieved_rate(self) -> float:
        """Requests a second that were ok, over the whole stage, its end included."""
        return self.total.ok / self.seconds if self.seconds else 0.0


@dataclass
class Record:
    """What was measured in a run so far."""

    plan: Plan
    stages: list[StageRecord] = field(default_factory=list[StageRecord])
    """Those that were begun, in order."""
    interrupted: bool = False
    """Whether the run was stopped before its end."""

    @property
    def counted(self) -> list[StageRecord]:
        """The stages that count."""
        return [record for record in self.stages if record.stage.counted]

    @property
    def total(self) -> Tally:
        """The sums over the stages that count."""
        return summed(record.total for record in self.counted)


def summed(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
