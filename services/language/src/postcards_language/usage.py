"""What asking a language model costs, and to whom it is told. Standard library only."""

from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

PROMPT = "prompt"
COMPLETION = "completion"
KINDS = (PROMPT, COMPLETION)
"""Kinds of tokens."""
OUTCOMES = ("answered", "broken", "rejected", "refused", "limited", "failed", "unreachable", "cancelled")
"""How a call may end: answered; broken off after a part of the answer; a parameter rejected; the key, the account or
the model refused; too many calls; an error of the server; no answer; given up by its caller."""

_MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens of one or more calls."""

    prompt_tokens: int = 0
    """Read by the model."""
    completion_tokens: int = 0
    """Written by the model, what it reasoned included."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)

    def cost(self, prompt_price: float, completion_price: float) -> float | None:
        """In USD, at prices for a million tokens; None where both are 0, which means that they are not known.

        Tokens that a server read from its cache count in full, so it may have been less.
        """
        if not prompt_price and not completion_price:
            return None
        return (self.prompt_tokens * prompt_price + self.completion_tokens * completion_price) / _MILLION


class UsageObserver(Protocol):
    """Takes note of what an engine that asks an API does. Called from many threads."""

    def called(self, outcome: str) -> None:
        """A call ended in one of `OUTCOMES`."""
        ...

    def used(self, usage: Usage, cost_usd: float | None) -> None:
        """A call consumed tokens."""
        ...

    def circuit(self, opened: bool) -> None:
        """Calls are held back from now on, or no longer."""
        ...

    def repaired(self, phrases: int) -> None:
        """Phrases were made from the species' own lexicon, wholly or in part."""
        ...


class NoUsageObserver(UsageObserver):
    """Takes note of nothing."""

    @override
    def called(self, outcome: str) -> None:
        pass

    @override
    def used(self, usage: Usage, cost_usd: float | None) -> None:
        pass

    @override
    def circuit(self, opened: bool) -> None:
        pass

    @override
    def repaired(self, phrases: int) -> None:
        pass
