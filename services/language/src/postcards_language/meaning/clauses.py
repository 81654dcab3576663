"""What is said, before it is said in any tongue: noun phrases, clauses, sentences."""

from dataclasses import dataclass
from enum import Enum

from postcards_language.meaning.concepts import Concept, Kind, Number


class Tense(Enum):
    """When what a clause says happens, relative to its being said."""

    PRESENT = "present"
    PAST = "past"
    PERFECT = "perfect"
    FUTURE = "future"


class Act(Enum):
    """What a clause does with its hearer."""

    STATEMENT = "statement"
    COMMAND = "command"
    HORTATIVE = "hortative"
    QUESTION = "question"
    WHERE = "where"
    WHY = "why"

    @property
    def asks(self) -> bool:
        """Whether it wants an answer."""
        return self in (Act.QUESTION, Act.WHERE, Act.WHY)


class Evidence(Enum):
    """How the speaker knows."""

    SEEN = "seen"
    HEARD = "heard"
    FELT = "felt"


@dataclass(frozen=True)
class NounPhrase:
    """A thing or a person, with what is said of it."""

    head: Concept
    """A noun or a pronoun."""
    determiner: str = ""
    """"the", "a", "my", "our", "your", "their", "its", "no", "every", "this", "many", "all" or empty."""
    quality: Concept | None = None
    """How it is."""
    plural: bool = False
    """Whether there are several."""
    owner: "NounPhrase | None" = None
    """Whose it is, or of what."""
    even: bool = False
    """Whether it surprises: "even the stones"."""

    @property
    def counts_as_plural(self) -> bool:
        """Whether English agrees with it in the plural."""
        if self.head.kind is Kind.PRONOUN:
            return self.head.key in ("we", "you", "they")
        return self.marked_plural or self.head.number is Number.PLURAL_ONLY

    @property
    def marked_plural(self) -> bool:
        """Whether it is one of several countable things."""
        return self.plural and self.head.number is Number.COUNT


@dataclass(frozen=True)
class Adjunct:
    """Where, when or with whom."""

    relation: Concept
    """How the thing bears on the clause."""
    phrase: NounPhrase
    """The thing."""


@dataclass(frozen=True)
class Clause:
    """One thing said. It has a verb, or a predicate, or neither: then the subject is said to be there."""

    act: Act = Act.STATEMENT
    """What it does."""
    subject: NounPhrase | None = None
    """Who; None in commands."""
    verb: Concept | None = None
    """What happens."""
    object: NounPhrase | None = None
    """To whom."""
    predicate: Concept | NounPhrase | None = None
    """What the subject is."""
    adjuncts: tuple[Adjunct, ...] = ()
    """Where, when, with whom."""
    tense: Tense = Tense.PRESENT
    """When."""
    negated: bool = False
    """Whether it is not so."""
    intense: bool = False
    """Whether it is very much so."""
    address: NounPhrase | None = None
    """Who is spoken to."""
    evidence: Evidence | None = None
    """How the speaker knows, where the tongue says so."""
    evidence_told: bool = False
    """Whether English says so too."""


@dataclass(frozen=True)
class Sentence:
    """One or two clauses."""

    clauses: tuple[Clause, ...]
    """In order."""
    links: tuple[str, ...] = ()
    """What joins each clause to the one before: ";" or the key of a conjunction."""

    @property
    def asks(self) -> bool:
        """Whether it ends as a question."""
        return self.clauses[-1].act.asks or _asks_who(self.clauses[-1])

    @property
    def commands(self) -> bool:
        """Whether it tells the hearer to do something."""
        return any(clause.act in (Act.COMMAND, Act.HORTATIVE) for clause in self.clauses)


def _asks_who(clause: Clause) -> bool:
    return clause.subject is not None and clause.subject.head.key in ("who", "what")
