"""Who looks on while an engine works: told what happens, where and when it does, and changing nothing."""

import time
from collections.abc import Sequence


class CallObserver:
    """Is told of one call of an engine. This one does nothing with it; its methods return at once and never raise."""

    def begin(self, *, waited: bool) -> None:
        """A place is there; `waited` when it was not at once. On the event loop."""

    def give_up(self) -> None:
        """No place came in time. On the event loop."""

    def turn_to(self, stage: str | None) -> None:
        """A stage begins, or goes on with a next step; None: the last one is over. On the engine's thread."""

    def stepped(self, company: "tuple[CallObserver, ...]", begun: int, ended: int) -> None:
        """The call's row took a step of a batch with all of `company`, itself among them. On the batch's thread.

        `begun` and `ended` are nanoseconds since 1970.
        """

    def end(self, outcome: str, fault: str = "") -> None:
        """The call is over: "done", "failed" or "cancelled"; `fault` names what it failed of. On the event loop."""


UNOBSERVED = CallObserver()
"""Nobody looks on."""


def unobserved(engine: str) -> CallObserver:
    """The observer of a call of `engine` where nobody looks on."""
    del engine
    return UNOBSERVED


def tell_of_step(observers: Sequence[CallObserver], seconds: float) -> None:
    """Rows have just taken a step together, which took `seconds`; `observers` has one for each. Never blocks."""
    if all(observer is UNOBSERVED for observer in observers):
        return
    company = tuple(observers)
    ended = time.time_ns()
    begun = ended - round(seconds * 1e9)
    for observer in company:
        observer.stepped(company, begun, ended)
