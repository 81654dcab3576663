"""Composes what to say: an intent, a mood and a theme in, a sentence out."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from postcards_language.meaning.clauses import Act, Clause, Evidence, NounPhrase, Sentence
from postcards_language.meaning.mood_patterns import TAILS
from postcards_language.meaning.notation import read_sentence
from postcards_language.meaning.patterns import PATTERNS
from postcards_language.meaning.slots import MOOD_SLOTS, SLOTS
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.streams import Stream

MOODS_OF: dict[Intent, tuple[Mood, ...]] = {
    Intent.GREETING: (Mood.JOYFUL, Mood.CALM, Mood.CURIOUS, Mood.SOLEMN, Mood.LONGING),
    Intent.WARNING: (Mood.FEARFUL, Mood.SOLEMN, Mood.ANGRY),
    Intent.HUNGER: (Mood.LONGING, Mood.ANGRY, Mood.SORROWFUL, Mood.JOYFUL),
    Intent.MOURNING: (Mood.SORROWFUL, Mood.SOLEMN, Mood.LONGING),
    Intent.COMMAND: (Mood.CALM, Mood.ANGRY, Mood.SOLEMN, Mood.FEARFUL),
    Intent.COURTSHIP: (Mood.LONGING, Mood.JOYFUL, Mood.CURIOUS, Mood.SOLEMN),
    Intent.THREAT: (Mood.ANGRY, Mood.SOLEMN, Mood.CALM),
    Intent.PLAY: (Mood.JOYFUL, Mood.CURIOUS),
    Intent.QUESTION: (Mood.CURIOUS, Mood.LONGING, Mood.FEARFUL, Mood.SORROWFUL),
    Intent.LULLABY: (Mood.CALM, Mood.LONGING, Mood.SORROWFUL),
    Intent.TERRITORY: (Mood.ANGRY, Mood.SOLEMN, Mood.CALM),
    Intent.TELLING: (Mood.SOLEMN, Mood.CURIOUS, Mood.CALM, Mood.SORROWFUL, Mood.JOYFUL),
}
"""Moods in which each intent is usual, the most usual first."""

_ASSOCIATIONS: dict[str, str] = {
    "sea": "sea wave fish island shore salt water swim",
    "ocean": "sea wave fish island shore salt water swim",
    "tide": "sea wave shore moon",
    "reef": "sea fish shell wave",
    "storm": "storm thunder lightning wind rain",
    "thunder": "storm thunder lightning",
    "night": "night moon star dark moth dream",
    "dark": "night dark shadow",
    "midnight": "night moon dark ghost",
    "hunger": "hunger meat marrow belly starve hungry tooth+",
    "hungry": "hunger meat marrow belly starve hungry tooth+",
    "feast": "meat honey marrow fruit",
    "hell": "fire ash smoke dead bone bone+ burn red",
    "fire": "fire smoke ash ember burn red",
    "lava": "fire smoke ash ember stone",
    "volcano": "fire smoke ash mountain stone",
    "ash": "ash smoke fire",
    "ghost": "ghost dead echo pale shadow",
    "dead": "dead bone bone+ ghost echo",
    "death": "dead bone bone+ ghost echo",
    "grave": "dead bone bone+ earth moss",
    "ice": "ice snow winter cold",
    "snow": "snow winter cold ice",
    "winter": "snow winter cold ice",
    "frost": "snow winter cold ice",
    "spring": "flower flower+ seed egg leaf+ new",
    "summer": "sun honey warm fruit",
    "autumn": "leaf+ rain root+ last mushroom",
    "rain": "rain thunder mud river wet",
    "monsoon": "rain thunder mud flood",
    "moon": "moon night dark moth",
    "star": "star night dream sky",
    "space": "star moon sky night far",
    "sun": "sun light warm golden dawn",
    "dawn": "dawn sun light bird",
    "dusk": "night shadow moth",
    "dream": "dream moon secret strange",
    "love": "heart mate love song beautiful",
    "war": "enemy blood bone bone+ bite kill red",
    "blood": "blood red wound",
    "wind": "wind sky feather grass",
    "mist": "mist shadow",
    "fog": "mist shadow",
    "forest": "forest tree tree+ root+ leaf+ branch",
    "jungle": "forest tree+ vine+ leaf+ branch",
    "river": "river water fish reed reed+ mud",
    "swamp": "mud reed+ frog water",
    "desert": "sand dust stone sun thirsty",
    "cave": "cave stone echo dark",
    "mountain": "mountain stone wind high",
    "honey": "honey sweet flower golden",
    "song": "song voice sing",
    "music": "song voice sing dance",
    "dance": "dance song foot+",
    "egg": "egg nest seed",
    "mother": "mother milk young",
    "child": "young egg milk mother",
    "lonely": "alone lonely empty quiet echo",
    "garden": "flower flower+ seed leaf+ honey fruit",
}
_BIAS = 6.0
_CANDIDATES = 8
_TAIL_SHARE = 0.45
_EVIDENCE_TOLD_SHARE = 0.3


@lru_cache(maxsize=64)
def theme_concepts(theme: str) -> frozenset[str]:
    """Keys of the concepts that a theme brings to mind, with the "+" of a plural where it asks for one."""
    named = _theme_words(theme)
    brought = {key for word in named if word in _ASSOCIATIONS for key in _ASSOCIATIONS[word].split()}
    return named | brought


@lru_cache(maxsize=64)
def _theme_words(theme: str) -> frozenset[str]:
    """The words of a theme, with and without their endings, and as plurals with "+"."""
    words = re.findall("[a-z]+", theme.lower())
    stems = {stem for word in words for stem in (word, word.removesuffix("s"), word.removesuffix("y")) if stem}
    return frozenset(stems | {f"{stem}+" for stem in stems})


def compose(
    stream: Stream, intent: Intent, mood: Mood, theme: str, evidential_share: float, avoid: Sequence[str] = ()
) -> tuple[Sentence, str]:
    """A sentence and the pattern it comes from.

    Of a few candidates it takes the one that has most to do with the theme; what the theme names counts twice. `avoid`
    are patterns already used, which are taken again only when all are used.
    """
    named, wanted = _theme_words(theme), theme_concepts(theme)
    patterns = [pattern for pattern in PATTERNS[intent] if pattern not in avoid] or PATTERNS[intent]
    best: tuple[Sentence, str] | None = None
    best_hits = -1
    for _ in range(_CANDIDATES if theme.strip() else 1):
        drawn: list[str] = []
        pattern = stream.choice(patterns)
        sentence = _draw(stream, pattern, mood, wanted, drawn)
        said = {*drawn, *_keys(pattern)}
        hits = len(wanted & said) + len(named & said)
        if hits > best_hits:
            best, best_hits = (sentence, pattern), hits
    if best is None:
        raise ValueError(f"no pattern for {intent}")
    return _with_evidence(stream, best[0], evidential_share), best[1]


def _keys(pattern: str) -> list[str]:
    return re.findall(r"[a-z]+\+?", pattern)


def _draw(stream: Stream, pattern: str, mood: Mood, wanted: frozenset[str], drawn: list[str]) -> Sentence:
    used: set[str] = set()

    def fill(slot: str) -> str:
        if slot == "?":
            return stream.choice(("yes", "no"))
        fillings = MOOD_SLOTS[mood].get(slot) or SLOTS[slot]
        fresh = [filling for filling in fillings if filling not in used] or list(fillings)
        weights = [_BIAS if wanted.intersection(_keys(filling)) else 1.0 for filling in fresh]
        filling = stream.weighted(fresh, weights)
        used.add(filling)
        used.add(filling.rstrip("+"))
        drawn.extend(_keys(filling))
        return filling

    sentence = read_sentence(pattern, fill)
    if len(sentence.clauses) == 1 and stream.chance(_TAIL_SHARE):
        tail = read_sentence(stream.choice(TAILS[mood]), fill)
        sentence = Sentence((*sentence.clauses, *tail.clauses), (";", *tail.links))
    return sentence


def _with_evidence(stream: Stream, sentence: Sentence, share: float) -> Sentence:
    """Some statements say how the speaker knows; of those, English tells some."""
    clauses = list(sentence.clauses)
    last = len(clauses) - 1
    for i, clause in enumerate(clauses):
        if clause.act is Act.STATEMENT and stream.chance(share) and _reportable(clause):
            evidence = stream.choice(tuple(Evidence))
            told = last == 0 and not _is_about_the_speaker(clause) and stream.chance(_EVIDENCE_TOLD_SHARE)
            clauses[i] = replace(clause, evidence=evidence, evidence_told=told)
            break
    return replace(sentence, clauses=tuple(clauses))


def _is_about_the_speaker(clause: Clause) -> bool:
    phrases = (clause.subject, clause.object, *(adjunct.phrase for adjunct in clause.adjuncts))
    return any(
        phrase.determiner in ("my", "our") or phrase.head.key in ("I", "we") for phrase in phrases if phrase is not None
    )


def _reportable(clause: Clause) -> bool:
    return isinstance(clause.subject, NounPhrase) and clause.subject.head.key not in ("I", "we", "who", "what")
