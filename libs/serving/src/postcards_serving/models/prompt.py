"""A prompt that a text encoder reads at once: clauses, the least of which are left out until the rest fits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """A piece of a prompt that stands or falls as a whole."""

    text: str
    """Empty: there is nothing to say."""
    rank: int
    """0: never left out; the greater, the sooner."""


def compose_prompt(clauses: Sequence[Clause], separator: str, fits: Callable[[str], bool]) -> str:
    """The clauses in their order, without as many of the highest ranks as are too many, of one rank the last first.

    Where even the clauses of rank 0 are too long nothing would be gained: then all of them are there.

    Args:
        clauses: in the order of reading.
        separator: between two of them.
        fits: whether the model's own tokenizer finds a text short enough.
    """
    said = [clause for clause in clauses if clause.text]
    by_need = sorted(range(len(said)), key=lambda place: (said[place].rank, place))
    kept = sum(1 for clause in said if clause.rank == 0)
    for count in range(len(said), max(1, kept) - 1, -1):
        text = separator.join(said[place].text for place in sorted(by_need[:count]))
        if fits(text):
            return text
    return separator.join(clause.text for clause in said)
