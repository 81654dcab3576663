"""How long things usually take, from how long the last ones took."""

_NEWEST_SHARE = 0.2
"""Weight of the newest value: about the last ten decide."""


class MovingAverage:
    """An exponentially weighted moving average. Not for several threads at once."""

    def __init__(self, guess: float) -> None:
        """Begins with `guess`, until the first value has come."""
        self.value = guess
        """The average so far."""

    def take(self, newest: float) -> None:
        """Takes another value into the average."""
        self.value += _NEWEST_SHARE * (newest - self.value)
