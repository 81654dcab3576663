"""Says clauses in English."""

from postcards_language.meaning.clauses import Act, Adjunct, Clause, Evidence, NounPhrase, Sentence, Tense
from postcards_language.meaning.concepts import Concept, Kind, Number

_POSSESSIVES = ("my", "our", "your", "their", "its")
_BE = {Tense.PRESENT: ("am", "is", "are"), Tense.PAST: ("was", "was", "were")}
_EVIDENCE_AFTER: dict[Evidence, str] = {
    Evidence.SEEN: "; I have seen it",
    Evidence.HEARD: ", so I heard",
    Evidence.FELT: "; I feel it in my bones",
}


def say_sentence(sentence: Sentence, *, exclaim: bool = False) -> str:
    """The sentence in English, with a capital and a final mark. `exclaim` makes statements and commands loud."""
    text = say_clause(sentence.clauses[0])
    before = sentence.clauses[0]
    for link, clause in zip(sentence.links, sentence.clauses[1:], strict=True):
        said = say_clause(clause)
        if link != ";":
            parted = link in ("but", "so", "and") and clause.subject is not None
            text += f", {link} {said}" if parted else f" {link} {said}"
        elif asks(before):
            text += "? " + said[0].upper() + said[1:]
        else:
            text += "; " + said
        before = clause
    mark = "?" if sentence.asks else "!" if exclaim else "."
    return text[0].upper() + text[1:] + mark


def asks(clause: Clause) -> bool:
    """Whether the clause is a question."""
    return clause.act.asks or (clause.subject is not None and clause.subject.head.key in ("who", "what"))


def say_clause(clause: Clause) -> str:
    """The clause in English, without a capital or a final mark."""
    match clause.act:
        case Act.COMMAND:
            text = _command(clause)
        case Act.HORTATIVE:
            text = _hortative(clause)
        case Act.STATEMENT:
            text = _statement(clause)
        case _:
            text = _question(clause)
    if clause.evidence is not None and clause.evidence_told:
        text += _EVIDENCE_AFTER[clause.evidence]
    if clause.address is None:
        return text
    called = say_noun_phrase(clause.address)
    if clause.act in (Act.COMMAND, Act.HORTATIVE) or asks(clause):
        return f"{text}, {called}"
    return f"{called}, {text}"


def say_noun_phrase(phrase: NounPhrase, *, as_object: bool = False) -> str:
    """The noun phrase in English."""
    head = phrase.head
    if head.kind is Kind.PRONOUN:
        return head.forms[1] if as_object else head.forms[0]
    words = [head.forms[1] if phrase.marked_plural or phrase.determiner == "many" else head.forms[0]]
    if phrase.quality is not None:
        words.insert(0, phrase.quality.forms[0])
    determiner = phrase.determiner
    if determiner == "a" and (phrase.marked_plural or head.number is not Number.COUNT):
        determiner = ""
    if determiner == "all":
        determiner = "all the"
    if determiner == "a" and words[0][0] in "aeiou":
        determiner = "an"
    text = " ".join([determiner, *words] if determiner else words)
    if phrase.owner is not None:
        text += f" of {say_noun_phrase(phrase.owner, as_object=True)}"
    return f"even {text}" if phrase.even else text


def _adjuncts(adjuncts: tuple[Adjunct, ...]) -> list[str]:
    return [f"{adjunct.relation.forms[0]} {say_noun_phrase(adjunct.phrase, as_object=True)}" for adjunct in adjuncts]


def _complements(clause: Clause) -> list[str]:
    said: list[str] = []
    if clause.object is not None:
        said.append(say_noun_phrase(clause.object, as_object=True))
    if isinstance(clause.predicate, Concept):
        said.append(("so " if clause.intense else "") + clause.predicate.forms[0])
    elif clause.predicate is not None:
        said.append(say_noun_phrase(clause.predicate, as_object=True))
    return said + _adjuncts(clause.adjuncts)


def _doubled(clause: Clause, form: str) -> str:
    return f"{form} and {form}" if clause.intense and clause.verb is not None and clause.object is None else form


def _command(clause: Clause) -> str:
    verb = clause.verb.forms[0] if clause.verb is not None else "be"
    said = f"do not {verb}" if clause.negated else _doubled(clause, verb)
    return " ".join([said, *_complements(clause)])


def _hortative(clause: Clause) -> str:
    verb = clause.verb.forms[0] if clause.verb is not None else "be"
    return " ".join(["let us not" if clause.negated else "let us", verb, *_complements(clause)])


def _person(subject: NounPhrase) -> int:
    """0 for I, 1 for one other, 2 for the rest: the column of the forms of "be"."""
    if subject.head.key == "I" and subject.head.kind is Kind.PRONOUN:
        return 0
    return 2 if subject.counts_as_plural or subject.determiner == "many" else 1


def _subject(clause: Clause) -> NounPhrase:
    if clause.subject is None:
        raise ValueError("a statement or question needs a subject")
    return clause.subject


def _statement(clause: Clause) -> str:
    subject = _subject(clause)
    person = _person(subject)
    who = say_noun_phrase(subject)
    if clause.verb is None and clause.predicate is None:
        return " ".join(["there", *_copula(clause, person), who, *_complements(clause)])
    if clause.verb is None:
        return " ".join([who, *_copula(clause, person), *_complements(clause)])
    return " ".join([who, _finite(clause, clause.verb, person), *_complements(clause)])


def _copula(clause: Clause, person: int) -> list[str]:
    no = ["not"] if clause.negated else []
    match clause.tense:
        case Tense.FUTURE:
            return ["will", *no, "be"]
        case Tense.PERFECT:
            return ["has" if person == 1 else "have", *no, "been"]
        case tense:
            return [_BE[tense][person], *no]


def _finite(clause: Clause, verb: Concept, person: int) -> str:
    base, third, past, participle = verb.forms
    match clause.tense:
        case Tense.FUTURE:
            return ("will not " if clause.negated else "will ") + _doubled(clause, base)
        case Tense.PERFECT:
            have = "has" if person == 1 else "have"
            return f"{have} not {participle}" if clause.negated else f"{have} {participle}"
        case Tense.PAST:
            return f"did not {base}" if clause.negated else _doubled(clause, past)
        case Tense.PRESENT:
            if clause.negated:
                return f"does not {base}" if person == 1 else f"do not {base}"
            return _doubled(clause, third if person == 1 else base)


def _question(clause: Clause) -> str:
    subject = _subject(clause)
    person = _person(subject)
    who = say_noun_phrase(subject)
    opening = [clause.act.value] if clause.act is not Act.QUESTION else []
    if clause.verb is None:
        first, *rest = _copula(clause, person)
        return " ".join([*opening, first, who, *rest, *_complements(clause)])
    base, _, _, participle = clause.verb.forms
    no = ["not"] if clause.negated else []
    match clause.tense:
        case Tense.FUTURE:
            auxiliary, form = "will", base
        case Tense.PERFECT:
            auxiliary, form = ("has" if person == 1 else "have"), participle
        case Tense.PAST:
            auxiliary, form = "did", base
        case Tense.PRESENT:
            auxiliary, form = ("does" if person == 1 else "do"), base
    return " ".join([*opening, auxiliary, who, *no, form, *_complements(clause)])
