"""Random streams: every choice in a species comes from a stream named after what it decides.

Named streams keep choices apart: a new question asked of one stream never changes the answers of another, so a species
keeps its voice when its body gains a trait.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Stream:
    """A reproducible source of random choices.

    Built on `random.Random.random`, whose sequence for a seed is the same on every Python version and machine.
    """

    def __init__(self, seed: int, name: str) -> None:
        """Opens the stream `name` of `seed` (0 to 2**64 - 1)."""
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._random = random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311  (reproducible, not secret)

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()

    def uniform(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit()

    def integer(self, low: int, high: int) -> int:
        """Uniform integer, both ends included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def gaussian(self, mean: float = 0.0, spread: float = 1.0) -> float:
        """Roughly normal with standard deviation `spread`, bounded at 3.5 spreads (a sum of 12 uniforms, rescaled)."""
        total = sum(self.unit() for _ in range(12)) - 6.0
        return mean + spread * max(-3.5, min(3.5, total))

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, each as likely."""
        return items[int(self.unit() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of `items`, by weight (non-negative, not all zero)."""
        mark = self.unit() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of `items` in a random order (Fisher-Yates)."""
        result = list(items)
        for i in range(len(result) - 1, 0, -1):
            j = int(self.unit() * (i + 1))
            result[i], result[j] = result[j], result[i]
        return result

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `items`, in a random order."""
        return self.shuffled(items)[:count]

    def seed(self) -> int:
        """A seed of 63 bits for another generator."""
        return int(self.unit() * 2**53) << 10
