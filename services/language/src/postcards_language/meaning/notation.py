"""The notation in which patterns of sentences are written down.

A sentence is one or two clauses, joined by ";" or by a conjunction in angle brackets: "<and>", "<because>", ...
A clause is a row of items:

| item | meaning |
|---|---|
| `s:NP` `o:NP` `voc:NP` | subject, object, who is spoken to |
| `v:VERB` | verb |
| `p:QUALITY` `is:NP` | what the subject is |
| `in:NP`, `under:NP`, ... | an adjunct; the relation is a key of the inventory |
| `at:@SLOT` | an adjunct taken whole from a slot of adjuncts |
| `imp` `let` `q` `where` `why` | command, hortative, questions |
| `past` `perf` `fut` `neg` `int` | tense, negation, intensity |

A noun phrase is `determiner/quality/noun` or `determiner/noun` or a pronoun, a "-" for no determiner, "+" after the
noun for the plural, "?" after a quality that may be left out, and "=" before another noun phrase that owns it:
`the/tooth+=the/night`. Any word may be a slot, `@name`, from which one filling is drawn.
"""

from collections.abc import Callable
from dataclasses import replace

from postcards_language.meaning.clauses import Act, Adjunct, Clause, NounPhrase, Sentence, Tense
from postcards_language.meaning.concepts import Concept, Kind
from postcards_language.meaning.inventory import find

Fill = Callable[[str], str]
"""Gives a filling of a slot, by its name without "@"; of "?" it gives "yes" or "no"."""

_ACTS = {
    "imp": Act.COMMAND,
    "let": Act.HORTATIVE,
    "q": Act.QUESTION,
    "where": Act.WHERE,
    "why": Act.WHY,
}
_TENSES = {"past": Tense.PAST, "perf": Tense.PERFECT, "fut": Tense.FUTURE}


def read_sentence(pattern: str, fill: Fill) -> Sentence:
    """The sentence that `pattern` stands for, its slots filled by `fill`.

    Raises:
        KeyError: the pattern names a concept that does not exist.
        ValueError: the pattern holds an item of no known kind.
    """
    clauses: list[Clause] = []
    links: list[str] = []
    items: list[str] = []
    for item in [*pattern.split(), ";"]:
        if item == ";" or item.startswith("<"):
            clauses.append(read_clause(items, fill))
            links.append(item.strip("<>"))
            items = []
        else:
            items.append(item)
    return Sentence(_agreeing(clauses), tuple(links[:-1]))


def _agreeing(clauses: list[Clause]) -> tuple[Clause, ...]:
    """The clauses with "it" turned into "they" where it stands for several."""
    agreed = clauses[:1]
    for clause in clauses[1:]:
        if _stands_for_several(agreed[-1]):
            they = NounPhrase(find("they", Kind.PRONOUN))
            if clause.subject is not None and clause.subject.head.key == "it":
                clause = replace(clause, subject=they)
            if clause.object is not None and clause.object.head.key == "it":
                clause = replace(clause, object=they)
        agreed.append(clause)
    return tuple(agreed)


def _stands_for_several(clause: Clause) -> bool:
    """Whether the thing that a following "it" would mean is plural: the object, else a place, else the subject."""
    places = [adjunct.phrase for adjunct in clause.adjuncts]
    things = [phrase for phrase in (clause.object, *places, clause.subject) if phrase is not None]
    return bool(things) and things[0].counts_as_plural


def read_clause(items: list[str], fill: Fill) -> Clause:
    """The clause that `items` stand for."""
    clause = Clause()
    for item in items:
        name, _, rest = item.partition(":")
        if not rest:
            clause = _flagged(clause, name)
        elif name == "s":
            clause = replace(clause, subject=read_noun_phrase(rest, fill))
        elif name == "o":
            clause = replace(clause, object=read_noun_phrase(rest, fill))
        elif name == "voc":
            clause = replace(clause, address=read_noun_phrase(rest, fill))
        elif name == "v":
            clause = replace(clause, verb=find(_filled(rest, fill), Kind.VERB))
        elif name == "p":
            clause = replace(clause, predicate=find(_filled(rest, fill), Kind.QUALITY))
        elif name == "is":
            clause = replace(clause, predicate=read_noun_phrase(rest, fill))
        elif name == "at" and rest.startswith("@"):
            relation, _, phrase = _filled(rest, fill).partition(":")
            clause = _with_adjunct(clause, find(relation, Kind.RELATION), read_noun_phrase(phrase, fill))
        else:
            clause = _with_adjunct(clause, find(name, Kind.RELATION), read_noun_phrase(rest, fill))
    return clause


def read_noun_phrase(text: str, fill: Fill) -> NounPhrase:
    """The noun phrase that `text` stands for."""
    text, _, owner = text.partition("=")
    *before, noun = text.split("/")
    even = before[:1] == ["even"]
    before = before[1:] if even else before
    noun = _filled(noun.rstrip("+"), fill) + ("+" if noun.endswith("+") else "")
    if "/" in noun:
        # A slot may be filled with a whole noun phrase.
        return read_noun_phrase(noun, fill)
    plural = noun.endswith("+")
    head = find(noun.rstrip("+"), Kind.PRONOUN, Kind.NOUN)
    determiner = before[0] if before and before[0] != "-" else ""
    return NounPhrase(
        head,
        determiner,
        _quality(before[1], fill) if len(before) > 1 else None,
        plural or determiner in ("many", "all"),
        read_noun_phrase(owner, fill) if owner else None,
        even,
    )


def _quality(text: str, fill: Fill) -> Concept | None:
    if text.endswith("?") and fill("?") == "no":
        return None
    return find(_filled(text.rstrip("?"), fill), Kind.QUALITY)


def _filled(text: str, fill: Fill) -> str:
    return fill(text[1:]) if text.startswith("@") else text


def _with_adjunct(clause: Clause, relation: Concept, phrase: NounPhrase) -> Clause:
    return replace(clause, adjuncts=(*clause.adjuncts, Adjunct(relation, phrase)))


def _flagged(clause: Clause, flag: str) -> Clause:
    if flag in _ACTS:
        return replace(clause, act=_ACTS[flag])
    if flag in _TENSES:
        return replace(clause, tense=_TENSES[flag])
    if flag == "neg":
        return replace(clause, negated=True)
    if flag == "int":
        return replace(clause, intense=True)
    raise ValueError(f"{flag!r} is no item of a clause")
