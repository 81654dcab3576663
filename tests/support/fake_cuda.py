"""A CUDA device that is not there: so much memory, and a torch that counts what work takes of it."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from out_of_memory import OutOfMemoryError
from postcards_serving.device import choice, memory
from postcards_serving.device.choice import Device

CARD = Device("cuda:0", "float16", "cuda:0 NVIDIA Fake")


class FakeCudaDevice:
    """What torch says of it, as far as engines ask; what it takes and when it has no more, as the work says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, total: int, weights: int = 0) -> None:
        """Lies in the place of torch's card 0, with `weights` of its `total` bytes taken."""
        self.total = total
        self.taken = weights
        self.cached = 0
        self.most = weights
        for module in (choice, memory):
            monkeypatch.setattr(module, "import_torch", lambda: SimpleNamespace(cuda=self))

    def working(self, taken: int) -> None:
        """Some work takes so much for a while, or finds that there is not as much."""
        if self.taken + taken > self.total:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.most = max(self.most, self.taken + taken)
        self.cached = max(self.cached, taken)

    def taking(self, bytes_of: Callable[[int], int]) -> Callable[[int], None]:
        """Steps that take what `bytes_of` says for a number of rows."""
        return lambda rows: self.working(bytes_of(rows))

    def mem_get_info(self, name: str) -> tuple[int, int]:
        assert name == CARD.name
        return self.total - self.taken - self.cached, self.total

    def synchronize(self, name: str) -> None:
        assert name == CARD.name

    def reset_peak_memory_stats(self, name: str) -> None:
        assert name == CARD.name
        self.most = self.taken

    def memory_allocated(self, name: str) -> int:
        assert name == CARD.name
        return self.taken

    def max_memory_allocated(self, name: str) -> int:
        assert name == CARD.name
        return self.most

    def empty_cache(self) -> None:
        self.cached = 0
