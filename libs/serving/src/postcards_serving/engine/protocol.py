"""What the engines of all services have in common."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from postcards_serving.engine.work import Work

RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)


class Engine(Protocol[RequestT_contra, ResultT_co]):
    """Makes one kind of part. Synchronous: the executor gives each call a thread, at most `max_in_flight` at once."""

    @property
    def name(self) -> str:
        """Its name in settings and requests, e.g. "creature"."""
        ...

    @property
    def version(self) -> str:
        """Results of one version and the same request are equal within the engine's tolerance."""
        ...

    @property
    def stages(self) -> Sequence[str]:
        """Names of the stages that it reports, in order."""
        ...

    @property
    def requests_at_once(self) -> int | None:
        """Requests that it works on at once, e.g. those that share a step; None: as many as it is given threads."""
        ...

    def generate(self, request: RequestT_contra, work: Work) -> ResultT_co:
        """Makes what the request asks for: a frozen dataclass with a `provenance`.

        Reports each stage to `work` as it begins, and calls `work.check()` between them.

        Raises:
            InvalidField: the request asks what this engine cannot do.
            ServiceError: it could not be made, with the reason.
            Cancelled: the caller has gone.
            DeadlineExceeded: the time is over.
        """
        ...

    def close(self) -> None:
        """Lets go of what it holds. Called once, after the last call has ended."""
        ...
