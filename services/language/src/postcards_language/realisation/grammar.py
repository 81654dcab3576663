"""Realises clauses in the grammar of a species."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postcards_language.meaning.clauses import Act, Adjunct, Clause, NounPhrase, Tense
from postcards_language.meaning.concepts import Concept, Kind
from postcards_language.realisation.lexicon import Lexicon, Morpheme, join, lengthened
from postcards_species.speech.phonology import (
    Grammar,
    Intensity,
    Phonology,
    Placement,
    Plural,
    Reduplication,
    WordOrder,
)
from postcards_species.speech.phrase import Syllable, Word
from postcards_species.speech.words import spell_syllable

_TENSE_TAGS = {Tense.PAST: "PST", Tense.PERFECT: "PRF", Tense.FUTURE: "FUT"}
_POSSESSORS = {"my": "I", "our": "we", "your": "you", "their": "they", "its": "it"}
_QUANTIFIERS = ("no", "every", "this", "many", "all")
_VERB_LATE = (WordOrder.SOV, WordOrder.OSV, WordOrder.OVS)


@dataclass(frozen=True)
class WordForm:
    """A word being built: its morphemes, and the signs between their glosses."""

    morphemes: tuple[Morpheme, ...]
    """In the order in which they are said."""
    signs: tuple[str, ...]
    """Between the glosses: "+" in compounds, "-" at affixes, "~" where something is said twice."""

    @property
    def gloss(self) -> str:
        """The gloss, morpheme by morpheme."""
        text = self.morphemes[0].gloss
        for sign, morpheme in zip(self.signs, self.morphemes[1:], strict=True):
            text += sign + morpheme.gloss
        return text

    def after(self, morpheme: Morpheme, sign: str = "-") -> "WordForm":
        """With `morpheme` added at the end."""
        return WordForm((*self.morphemes, morpheme), (*self.signs, sign))

    def before(self, morpheme: Morpheme, sign: str = "-") -> "WordForm":
        """With `morpheme` added at the front."""
        return WordForm((morpheme, *self.morphemes), (sign, *self.signs))


class ClauseRealiser:
    """Turns clauses into words of one species."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Speaks with the words of `lexicon`."""
        self._lexicon = lexicon
        self._phonology: Phonology = lexicon.phonology
        self._grammar: Grammar = lexicon.phonology.grammar

    def word(self, key: str, gloss: str = "") -> WordForm:
        """The word for a concept; `gloss` replaces the gloss of a root."""
        morphemes = self._lexicon[key]
        if gloss:
            morphemes = (replace(morphemes[0], gloss=gloss), *morphemes[1:])
        return WordForm(morphemes, ("+",) * (len(morphemes) - 1))

    def written(self, spoken: WordForm) -> Word:
        """`spoken` as a word of the phrase, its morphemes joined and spelled."""
        text, syllables = join(self._phonology, spoken.morphemes)
        return Word(text, spoken.gloss, syllables)

    def clause(self, clause: Clause) -> list[WordForm]:
        """The words of a clause, in order."""
        grammar = self._grammar
        core = self._core(clause)
        words = [word for group in core for word in group.words]
        verb_at = next((i for i, word in enumerate(words) if word is core_verb(core)), len(words) - 1)
        if clause.negated:
            verb_at = _place(words, self.word("NEG"), grammar.negation, verb_at)
        if clause.act in (Act.WHERE, Act.WHY):
            verb_at = _place(words, self.word(clause.act.value), grammar.question, verb_at)
        if clause.act is Act.QUESTION or _asks_who(clause):
            verb_at = _place(words, self.word("Q"), grammar.question, verb_at)
        if clause.act is Act.HORTATIVE:
            verb_at = _place(words, self.word("HORT"), Placement.FIRST, verb_at)
        if clause.evidence is not None:
            _place(words, self.word(f"EVID.{clause.evidence.value}"), grammar.evidential, verb_at)
        if clause.address is not None:
            called = self._noun_phrase(clause.address)
            called[-1] = called[-1].after(self.affix("VOC"))
            words = [*words, *called] if grammar.evidential is Placement.FIRST else [*called, *words]
        return words

    def twice(self, spoken: WordForm, tag: str) -> WordForm:
        """The word with a part of it said twice, glossed `tag`."""
        kind = self._grammar.reduplication
        syllables = [syllable for morpheme in spoken.morphemes for syllable in morpheme.syllables]
        match kind:
            case Reduplication.FIRST_SYLLABLE:
                copy = (self._opened(syllables[0]),)
            case Reduplication.LAST_SYLLABLE:
                copy = (syllables[-1],)
            case Reduplication.FULL:
                copy = tuple(spoken.morphemes[-1].syllables)
            case Reduplication.ECHO:
                first, *rest = spoken.morphemes[-1].syllables
                copy = (self._echoed(first), *rest)
        unstressed = tuple(replace(syllable, stressed=False) for syllable in copy)
        piece = Morpheme(tag, unstressed)
        return spoken.before(piece, "~") if kind is Reduplication.FIRST_SYLLABLE else spoken.after(piece, "~")

    def drawn_out(self, spoken: WordForm, tag: str) -> WordForm:
        """The word with its stressed vowel drawn out, glossed `tag`."""
        longer = lengthened(self._phonology, spoken.morphemes[-1].syllables)
        last = replace(spoken.morphemes[-1], gloss=f"{spoken.morphemes[-1].gloss}.{tag}", syllables=longer)
        return replace(spoken, morphemes=(*spoken.morphemes[:-1], last))

    def _core(self, clause: Clause) -> list["_Group"]:
        subject = [] if clause.subject is None or self._dropped(clause) else self._noun_phrase(clause.subject)
        other = [] if clause.object is None else self._noun_phrase(clause.object)
        verb = self._verb(clause)
        places = [word for adjunct in clause.adjuncts for word in self._adjunct(adjunct)]
        by_letter = {
            "S": _Group("S", subject),
            "O": _Group("O", other),
            "V": _Group("V", verb),
        }
        order = [by_letter[letter.upper()] for letter in self._grammar.word_order.value]
        at = order.index(by_letter["V"]) if self._grammar.word_order in _VERB_LATE else len(order)
        order.insert(at, _Group("X", places))
        return [group for group in order if group.words]

    def _verb(self, clause: Clause) -> list[WordForm]:
        if clause.verb is None:
            return self._predicate(clause)
        spoken = self.word(clause.verb.key)
        if clause.act is Act.COMMAND:
            spoken = self.commanded(spoken)
        particles: list[WordForm] = []
        if clause.intense:
            match self._grammar.intensity:
                case Intensity.REDUPLICATION:
                    spoken = self.twice(spoken, "INTENS")
                case Intensity.LENGTHENING:
                    spoken = self.drawn_out(spoken, "INTENS")
                case Intensity.PARTICLE:
                    particles = [self.word("INTENS")]
        if clause.tense in _TENSE_TAGS:
            spoken = spoken.after(self.affix(_TENSE_TAGS[clause.tense]))
        return [spoken, *particles]

    def _predicate(self, clause: Clause) -> list[WordForm]:
        if isinstance(clause.predicate, NounPhrase):
            words = self._noun_phrase(clause.predicate)
        elif isinstance(clause.predicate, Concept):
            words = [self.word(clause.predicate.key)]
        else:
            return []
        if clause.tense in _TENSE_TAGS:
            words[-1] = words[-1].after(self.affix(_TENSE_TAGS[clause.tense]))
        return words

    def commanded(self, spoken: WordForm) -> WordForm:
        """The verb with its stress moved to the last syllable, which is how commands are told."""
        last = spoken.morphemes[-1]
        loosened = [replace(syllable, stressed=False) for syllable in last.syllables]
        loosened[-1] = replace(loosened[-1], stressed=True)
        others = [
            replace(morpheme, syllables=tuple(replace(syllable, stressed=False) for syllable in morpheme.syllables))
            for morpheme in spoken.morphemes[:-1]
        ]
        commanded = Morpheme(f"{last.gloss}.IMP", tuple(loosened))
        return replace(spoken, morphemes=(*others, commanded))

    def _dropped(self, clause: Clause) -> bool:
        subject = clause.subject
        return (
            self._grammar.drops_pronouns
            and subject is not None
            and subject.head.kind is Kind.PRONOUN
            and subject.head.key not in ("who", "what")
            and clause.object is not None
        )

    def _noun_phrase(self, phrase: NounPhrase) -> list[WordForm]:
        if phrase.head.kind is Kind.PRONOUN:
            return [self.word(phrase.head.key)]
        grammar = self._grammar
        words = self._counted(phrase)
        if phrase.quality is not None:
            words = _beside(words, [self.word(phrase.quality.key)], first=grammar.adjective_first)
        if phrase.determiner in _QUANTIFIERS:
            words = _beside(words, [self.word(phrase.determiner)], first=grammar.adjective_first)
        if phrase.determiner in _POSSESSORS:
            owner = [self.word(_POSSESSORS[phrase.determiner], phrase.determiner)]
            words = _beside(words, owner, first=grammar.possessor_first)
        if phrase.owner is not None:
            words = _beside(words, self._noun_phrase(phrase.owner), first=grammar.possessor_first)
        return [self.word("even"), *words] if phrase.even else words

    def _counted(self, phrase: NounPhrase) -> list[WordForm]:
        noun = self.word(phrase.head.key)
        if not phrase.marked_plural or phrase.determiner == "many":
            return [noun]
        match self._grammar.plural:
            case Plural.REDUPLICATION:
                return [self.twice(noun, "PL")]
            case Plural.SUFFIX:
                return [noun.after(self.affix("PL"))]
            case Plural.PREFIX:
                return [noun.before(self.affix("PL"))]
            case Plural.PARTICLE:
                return _beside([noun], [self.word("PL")], first=self._grammar.adjective_first)

    def _adjunct(self, adjunct: Adjunct) -> list[WordForm]:
        relation = [self.word(adjunct.relation.key)]
        late = self._grammar.word_order in _VERB_LATE
        return _beside(self._noun_phrase(adjunct.phrase), relation, first=not late)

    def affix(self, tag: str) -> Morpheme:
        """The marker as a part of another word: it bears no stress."""
        syllables = tuple(replace(syllable, stressed=False) for syllable in self._lexicon[tag][0].syllables)
        return Morpheme(tag, syllables)

    def _opened(self, syllable: Syllable) -> Syllable:
        at = next((i for i, symbol in enumerate(syllable.phonemes) if symbol in self._phonology.nuclei), None)
        if at is None:
            return syllable
        phonemes = syllable.phonemes[: at + 1]
        return replace(syllable, phonemes=phonemes, text=spell_syllable(self._phonology, phonemes))

    def _echoed(self, syllable: Syllable) -> Syllable:
        """The syllable with the first consonant of the language that it does not begin with."""
        nuclei = self._phonology.nuclei
        at = next((i for i, symbol in enumerate(syllable.phonemes) if symbol in nuclei), 0)
        onset = next((symbol for symbol in self._phonology.onsets[:2] if symbol != syllable.phonemes[0]), None)
        phonemes = (onset, *syllable.phonemes[at:]) if onset else syllable.phonemes
        return replace(syllable, phonemes=phonemes, text=spell_syllable(self._phonology, phonemes))


@dataclass(frozen=True)
class _Group:
    """Words that stay together."""

    role: str
    words: list[WordForm]


def core_verb(groups: Sequence[_Group]) -> WordForm | None:
    """The word of the verb among the groups of a clause."""
    return next((group.words[0] for group in groups if group.role == "V"), None)


def _asks_who(clause: Clause) -> bool:
    return clause.subject is not None and clause.subject.head.key in ("who", "what")


def _beside(words: list[WordForm], other: list[WordForm], *, first: bool) -> list[WordForm]:
    return [*other, *words] if first else [*words, *other]


def _place(words: list[WordForm], particle: WordForm, placement: Placement, verb_at: int) -> int:
    """Puts `particle` into `words`, and returns where the verb stands then."""
    match placement:
        case Placement.FIRST:
            words.insert(0, particle)
            return verb_at + 1
        case Placement.BEFORE_VERB:
            words.insert(verb_at, particle)
            return verb_at + 1
        case Placement.AFTER_VERB:
            words.insert(verb_at + 1, particle)
            return verb_at
        case Placement.LAST:
            words.append(particle)
            return verb_at
