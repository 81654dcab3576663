"""Latencies, counted in buckets of three digits: small however long a run is. Pure."""

import math
from collections.abc import Iterable

_UNIT = 1e-6
_BITS = 10
_EXACT = 1 << _BITS
"""Microseconds up to which every value has a bucket of its own; above, a bucket is 2/1024 of its value wide at most."""

RELATIVE_ERROR = 2.0 / _EXACT
"""A percentile is at most this share above the value that was recorded."""


class Histogram:
    """Counts seconds; what it says of percentiles is never below, and at most 0.2% and 1 µs above the truth."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self._sum = 0.0
        self._least = math.inf
        self._most = 0.0
        for value in values:
            self.record(value)

    def record(self, seconds: float) -> None:
        """Counts one value; one below 0 counts as 0."""
        seconds = max(0.0, seconds)
        bucket = _bucket(math.ceil(seconds / _UNIT))
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self._sum += seconds
        self._least = min(self._least, seconds)
        self._most = max(self._most, seconds)

    def add(self, other: "Histogram") -> None:
        """Counts everything that `other` has counted."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self._sum += other._sum
        self._least = min(self._least, other._least)
        self._most = max(self._most, other._most)

    def percentile(self, percent: float) -> float | None:
        """Seconds within which `percent` (0 to 100) of the values lie, by nearest rank; None when there are none."""
        if not self.count:
            return None
        # 99.9 is no binary fraction: the rank of 1000 values must not become 1000 for the last bit.
        rank = max(1, math.ceil(round(percent * self.count / 100.0, 9)))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(self._most, max(self._least, _upper_edge(bucket) * _UNIT))
        return self._most

    @property
    def mean(self) -> float | None:
        """Exact mean in seconds; None when there are no values."""
        return self._sum / self.count if self.count else None

    @property
    def most(self) -> float | None:
        """Exact greatest value in seconds; None when there are no values."""
        return self._most if self.count else None


def _bucket(units: int) -> int:
    """Number of the bucket; grows with the value."""
    shift = max(0, units.bit_length() - _BITS)
    return (shift << _BITS) + (units >> shift)


def _upper_edge(bucket: int) -> int:
    """Greatest whole number of units in a bucket."""
    shift, digits = bucket >> _BITS, bucket & (_EXACT - 1)
    return ((digits + 1) << shift) - 1
