"""Who may begin, who waits and who must come back later.

A number of places, a bounded queue in order of arrival, and a prediction of the wait from how long recent work
took. Lives on one event loop; nothing here blocks.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from postcards_serving.errors import Overloaded
from postcards_serving.moving_average import MovingAverage
from postcards_serving.telemetry import metrics

DEFAULT_MAX_QUEUE = 32
_LEAST_RETRY_SECONDS = 0.1


@dataclass(frozen=True)
class Waiting:
    """Where a request stands in the queue."""

    position: int
    """Requests before it."""
    predicted_wait: float
    """Expected seconds until it begins."""


class Ticket:
    """A request that was let in: it waits for a place, holds one, or has left."""

    def __init__(self, admission: "Admission", came: float) -> None:
        """Made by `Admission.enter`, at the moment `came` of its clock."""
        self._admission = admission
        self.came = came
        self._moved = asyncio.Event()
        self.begun: float | None = None

    @property
    def waiting(self) -> Waiting | None:
        """Where it stands in the queue; None once it holds a place."""
        return None if self.begun is not None else self._admission.standing(self)

    async def moved(self, timeout: float | None) -> None:
        """Returns when the queue has moved since the last call.

        Raises:
            TimeoutError: it has not within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            await self._moved.wait()
        self._moved.clear()

    def notify(self) -> None:
        """Called by the admission when the queue has moved."""
        self._moved.set()

    def leave(self) -> None:
        """Gives up the place, or the wait for one. More than once does no harm."""
        self._admission.leave(self)


class Admission:
    """A bounded, fair queue in front of a number of places."""

    def __init__(
        self,
        max_queue: int = DEFAULT_MAX_QUEUE,
        *,
        expected_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens an empty queue with one place; the `Executor` that takes it sets the number of places.

        Args:
            max_queue: requests that may wait; 0 turns away whatever cannot begin at once.
            expected_seconds: guess of one request's duration until the first has ended.
            clock: seconds that never go back.

        Raises:
            ValueError: `max_queue` is negative.
        """
        if max_queue < 0:
            raise ValueError(f"max_queue must be at least 0, not {max_queue}")
        self._places = 1
        self._max_queue = max_queue
        self._average = MovingAverage(expected_seconds)
        self._clock = clock
        self._seated: set[Ticket] = set()
        self._queue: deque[Ticket] = deque()
        # Asked anew by every scrape, on its thread: it falls while work goes on, without anyone coming or leaving.
        metrics.QUEUE_WAIT.set_function(lambda: self.predicted_wait(self.depth))
        metrics.QUEUE_OLDEST.set_function(lambda: self.oldest_wait)
        metrics.QUEUE_LIMIT.set(max_queue)
        metrics.IN_FLIGHT_LIMIT.set(self._places)

    @property
    def places(self) -> int:
        """Requests that are worked on at once. May be set on any thread; whoever comes or leaves next finds it so."""
        return self._places

    @places.setter
    def places(self, places: int) -> None:
        self._places = places
        metrics.IN_FLIGHT_LIMIT.set(places)

    @property
    def depth(self) -> int:
        """How many requests wait for a place."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """Requests that hold a place."""
        return len(self._seated)

    @property
    def oldest_wait(self) -> float:
        """Seconds that the first in the queue has waited; 0 if nobody waits. May be asked on any thread."""
        try:
            return max(0.0, self._clock() - self._queue[0].came)
        except IndexError:
            return 0.0

    def predicted_wait(self, position: int) -> float:
        """Expected seconds until a request with `position` others before it in the queue begins.

        Plays the queue forward: every running request ends after the average duration (at once when it is over it),
        and every waiting one takes the first place that falls free.
        """
        now = self._clock()
        free_at = [max(0.0, self._average.value - (now - (ticket.begun or now))) for ticket in tuple(self._seated)]
        free_at += [0.0] * (self.places - len(free_at))
        heapq.heapify(free_at)
        for _ in range(position):
            heapq.heapreplace(free_at, free_at[0] + self._average.value)
        return free_at[0]

    def enter(self) -> Ticket:
        """Lets a request in: to a place when one is free, else to the end of the queue.

        Raises:
            Overloaded: the queue is full; says when a place in it is expected to fall free.
        """
        ticket = Ticket(self, self._clock())
        if self._queue and self._has_room:
            # There are more places than there were: who waits comes before who comes.
            self._fill()
        if self._has_room:
            self._seat(ticket)
        elif len(self._queue) < self._max_queue:
            self._queue.append(ticket)
        else:
            metrics.REJECTED.inc()
            raise Overloaded(
                max(_LEAST_RETRY_SECONDS, self.predicted_wait(0)),
                f"{len(self._queue)} requests are waiting already",
                metadata={"max_queue": str(self._max_queue)},
            )
        self._publish()
        return ticket

    def standing(self, ticket: Ticket) -> Waiting:
        """Where a ticket that waits stands."""
        position = self._queue.index(ticket)
        return Waiting(position, self.predicted_wait(position))

    def leave(self, ticket: Ticket) -> None:
        """Takes a ticket out; the first in the queue gets the place that falls free."""
        if ticket in self._seated:
            self._seated.discard(ticket)
            self._average.take(self._clock() - (ticket.begun or 0.0))
        elif ticket in self._queue:
            self._queue.remove(ticket)
        else:
            return
        self._fill()
        self._publish()

    @property
    def _has_room(self) -> bool:
        return len(self._seated) < self.places

    def _fill(self) -> None:
        """Seats those who wait as far as there are places, and tells the others that the queue has moved."""
        while self._queue and self._has_room:
            self._seat(self._queue.popleft())
        for waiting in self._queue:
            waiting.notify()

    def _seat(self, ticket: Ticket) -> None:
        ticket.begun = self._clock()
        self._seated.add(ticket)
        ticket.notify()

    def _publish(self) -> None:
        metrics.QUEUE_DEPTH.set(len(self._queue))
        metrics.IN_FLIGHT.set(len(self._seated))
