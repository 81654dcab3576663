"""How much a shared step may cost: what one row costs, learnt from steps that ran out of memory."""

import math
from dataclasses import dataclass, replace

_MOST_PATIENCE = 64


PATIENCE_WITH_INNOCENTS = 4
"""Full steps after which more is dared when one row has been found that has no room even alone."""


_BUDGET_GROWTH = 1.25


ROUNDING = 1 + 1e-9
"""Costs that should make up the budget exactly may miss it by the rounding of their sum."""


@dataclass(frozen=True)
class Width:
    """How many rows of one group share a step, after a shared step of theirs has failed.

    It halves with each failure, and doubles after a number of full steps that itself doubles with each failure: a
    batch that never fits costs one failed step in `_MOST_PATIENCE`, and a single bad row is found in log2(rows) steps.
    """

    rows: int
    """The most rows of one step, at least 1."""
    patience: int = 1
    """Full steps that must succeed before the width doubles."""
    held: int = 0
    """Full steps that have succeeded at this width."""

    def after_failure(self, rows: int, *, lasting: bool) -> "Width":
        """When a step of `rows` rows, at least 2, has failed; `lasting` when it would fail again, e.g. for memory."""
        return Width(rows // 2, _MOST_PATIENCE if lasting else min(_MOST_PATIENCE, 2 * self.patience))

    def after_success(self, rows: int) -> "Width":
        """When a step of `rows` rows has succeeded."""
        if rows < self.rows:
            return self
        held = self.held + 1
        return replace(self, held=held) if held < self.patience else replace(self, rows=2 * self.rows, held=0)


@dataclass(frozen=True)
class Budget:
    """What the rows aboard may cost together, in the units of their costs.

    It is halved when a shared step has failed for memory, and grows by a quarter after a number of successful steps in
    which at least half of it was in use.
    """

    most: float = math.inf
    """What it is at first and at most; a row that costs more is never let in."""
    limit: float = math.inf
    """What it is at present; a row that costs more steps alone."""
    patience: int = _MOST_PATIENCE
    """Successful steps before it grows."""
    held: int = 0
    """Successful steps since it has changed."""

    @classmethod
    def of(cls, most: float) -> "Budget":
        """An untouched budget.

        Raises:
            ValueError: it is not a number greater than 0.
        """
        if not most > 0:
            raise ValueError(f"a budget must be greater than 0, not {most}")
        return cls(most, most)

    def admits(self, cost: float, load: float) -> bool:
        """Whether a row may come to rows that cost `load` together."""
        return load + cost <= self.limit * ROUNDING

    def after_failure(self, cost: float) -> "Budget":
        """When a step of several rows that cost so much together had not enough memory."""
        return replace(self, limit=min(self.limit, cost) / 2, patience=_MOST_PATIENCE, held=0)

    def after_failure_alone(self, cost: float) -> "Budget":
        """When a row that costs so much had not enough memory even alone: that explains what failed before."""
        return replace(self, limit=min(self.limit, cost), patience=PATIENCE_WITH_INNOCENTS, held=0)

    def after_success(self, load: float) -> "Budget":
        """When a step has succeeded while the rows aboard cost so much together."""
        if self.limit >= self.most or 2 * load < self.limit:
            return self
        held = self.held + 1
        if held < self.patience:
            return replace(self, held=held)
        return replace(self, limit=min(self.most, self.limit * _BUDGET_GROWTH), held=0)
