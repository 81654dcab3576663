# ruff: noqa: ANN401  (torch is imported at run time)
"""A network that is compiled for a few numbers of rows before anybody waits for it."""

import logging
import warnings
from collections.abc import Callable, Hashable
from importlib import import_module
from typing import Any, Final

SIZES: Final = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Rows of a compiled call: each size takes a compilation, each row that fills a batch up to one takes its time."""

_log = logging.getLogger(__name__)


class CompiledNetwork:
    """A network as it is, and compiled for the shapes that have been rehearsed. Not for several threads at once."""

    def __init__(self, network: Any, *, compiled: bool, name: str) -> None:
        """Takes a torch module.

        Args:
            network: the module.
            compiled: whether to compile it.
            name: what it is called in the log.
        """
        self.as_it_is: Final = network
        self._name: Final = name
        # Not the mode with CUDA graphs: torch keeps those for the thread that made them, and ours change threads.
        self._compiled: Any = _compiled(network) if compiled else None
        self._rehearsed: set[tuple[int, Hashable]] = set()

    def knows(self, shape: Hashable) -> bool:
        """Whether it runs compiled for rows of a shape."""
        return any(known == shape for _, known in self._rehearsed)

    def rehearse(self, rows: int, shape: Hashable, ask: Callable[[Any, int], object]) -> None:
        """Compiles for up to `rows` rows of one shape, so that no request has to wait for that.

        Other shapes are never compiled. Where that cannot be done (no C compiler, say) the network runs as it is, and
        the log says so.

        Args:
            rows: at least 1.
            shape: of a row; whatever tells it from others.
            ask: calls what it is given for so many rows, for nothing, with tensors made as those of requests are:
                what is compiled for other tensors would be compiled again.
        """
        if self._compiled is None:
            return
        for size in (size for size in SIZES if size <= padded_size(rows)):
            try:
                with warnings.catch_warnings():
                    # Of caches around functions without side effects, which it traces through.
                    warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")
                    ask(self._compiled, size)
            except Exception as fault:
                _log.warning("%s cannot be compiled here and runs as it is: %s", self._name, type(fault).__name__)
                _log.debug("compiling failed", exc_info=fault)
                self._compiled = None
                self._rehearsed.clear()
                return
            self._rehearsed.add((size, shape))

    def fit(self, rows: int, shape: Hashable) -> tuple[Any, int]:
        """What to call for so many rows of a shape, and to how many they must be `filled` for that."""
        size = padded_size(rows)
        return (self._compiled, size) if (size, shape) in self._rehearsed else (self.as_it_is, rows)


def padded_size(rows: int) -> int:
    """The least of `SIZES` that holds `rows`; beyond the largest, `rows` itself."""
    return next((size for size in SIZES if size >= rows), rows)


def filled(values: Any, size: int) -> Any:
    """A tensor of rows with its last one repeated until there are `size`."""
    torch: Any = import_module("torch")
    missing = size - values.shape[0]
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])]) if missing else values


def _compiled(network: Any) -> Any:
    torch: Any = import_module("torch")
    # Beyond its limit torch runs uncompiled without a word.
    limits: Any = import_module("torch._dynamo").config
    limits.recompile_limit = max(limits.recompile_limit, 4 * len(SIZES))
    return torch.compile(network, dynamic=False)
