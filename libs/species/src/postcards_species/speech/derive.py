"""Derives the phonology of a species from its parents."""

import math
from collections.abc import Callable, Mapping, Sequence

from postcards_species.ancestry.parents import Parent
from postcards_species.speech.anatomy import GUTTURAL_BASE, SOUNDS, Sounds
from postcards_species.speech.phonemes import INVENTORY, Manner
from postcards_species.speech.phonology import (
    Grammar,
    Harmony,
    Intensity,
    Phonology,
    Placement,
    Plural,
    Reduplication,
    Stress,
    WordOrder,
)
from postcards_species.speech.spelling import choose_spellings
from postcards_species.speech.words import is_vowel
from postcards_species.streams import Stream

_OBSTRUENTS = (Manner.STOP, Manner.EJECTIVE, Manner.FRICATIVE)
_ANIMAL_MANNERS = (Manner.GROWL, Manner.GURGLE, Manner.CHIRP, Manner.CLICK, Manner.TRILL, Manner.HUM)
_NEVER_ONSET = frozenset(("glottal", "oom"))
_NEVER_CODA = frozenset(("w", "j", "h", "tw", "kri", "oom", "br", "hrr", "blb"))
_NEVER_FIRST = frozenset(("h", "hh", "glottal", "z"))
_GLIDES = frozenset(("r", "rr", "rh", "l", "w", "j"))
_SHAPES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("CV", "CVC", "V"), 2),
    (("CVC", "CV", "VC"), 3),
    (("CV", "CVC", "CCV", "VC"), 3),
    (("CVC", "CCVC", "CV", "CCV"), 3),
    (("CCVC", "CVC", "CV", "VC"), 2),
)
_LEAST_GUTTURALS = 4
_BACK_OF_MOUTH = 0.65


def _affinities(stream: Stream, parents: Sequence[Parent], of: Callable[[Sounds], Sequence[str]]) -> dict[str, float]:
    """How strongly the parents lead to each sound, with the species' own whim."""
    scores: dict[str, float] = {}
    for parent in parents:
        for rank, symbol in enumerate(of(SOUNDS[parent.animal])):
            scores[symbol] = scores.get(symbol, 0.0) + parent.weight / (1 + 0.2 * rank)
    return {symbol: score * math.exp(stream.gaussian(0, 0.35)) for symbol, score in scores.items()}


def _by_score(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda symbol: (-scores[symbol], symbol))


def _choose_consonants(stream: Stream, parents: Sequence[Parent]) -> tuple[str, ...]:
    scores = _affinities(stream, parents, lambda sounds: sounds.consonants)
    for symbol in GUTTURAL_BASE:
        scores[symbol] = scores.get(symbol, 0.0) + 0.35 * stream.unit()
    chosen = _by_score(scores)[: stream.integer(11, 15)]
    wanted: list[Callable[[str], bool]] = [
        lambda symbol: INVENTORY[symbol].manner in (Manner.STOP, Manner.EJECTIVE) and symbol != "glottal",
        lambda symbol: INVENTORY[symbol].manner is Manner.FRICATIVE,
        lambda symbol: INVENTORY[symbol].manner in (Manner.NASAL, Manner.HUM, Manner.APPROXIMANT),
        lambda symbol: INVENTORY[symbol].manner in _ANIMAL_MANNERS,
    ]
    for fits in wanted:
        if not any(fits(symbol) for symbol in chosen):
            chosen.append(stream.choice([s for s in INVENTORY if fits(s) and s not in _NEVER_ONSET]))
    throat = [symbol for symbol in stream.shuffled(GUTTURAL_BASE) if symbol not in (*chosen, *_NEVER_ONSET)]
    missing = _LEAST_GUTTURALS - sum(
        INVENTORY[symbol].place >= _BACK_OF_MOUTH for symbol in chosen if symbol not in _NEVER_ONSET
    )
    return (*chosen, *throat[: max(0, missing)])


def _choose_nuclei(stream: Stream, parents: Sequence[Parent], consonants: Sequence[str]) -> tuple[str, ...]:
    scores = _affinities(stream, parents, lambda sounds: sounds.nuclei)
    for symbol in (symbol for symbol in INVENTORY if is_vowel(symbol)):
        scores[symbol] = scores.get(symbol, 0.0) + 0.25 * stream.unit()
    vowels = [symbol for symbol in _by_score(scores) if is_vowel(symbol)][: stream.integer(4, 6)]
    heavy = [symbol for symbol in _by_score(scores) if not is_vowel(symbol)][:2]
    growls = [symbol for symbol in consonants if INVENTORY[symbol].manner in (Manner.GROWL, Manner.HUM)]
    if growls and not heavy and stream.chance(0.5):
        heavy = growls[:1]
    return (*vowels[:2], *heavy[:1], *vowels[2:], *heavy[1:])


def _may_cluster(first: str, second: str) -> bool:
    one, two = INVENTORY[first].manner, INVENTORY[second].manner
    if first in _NEVER_FIRST or first == second or (first in ("g", "gh") and second in ("rr", "r", "rh")):
        return False
    if first in ("s", "sh"):
        return (two is Manner.STOP and not INVENTORY[second].voiced) or second in ("m", "n", "l", "w")
    if one in _OBSTRUENTS:
        return second in _GLIDES or (first in ("t", "p") and second in ("kh", "sh", "s"))
    return one is Manner.NASAL and second in ("w", "j", "l")


def _choose_clusters(stream: Stream, onsets: Sequence[str]) -> tuple[str, ...]:
    heads = [symbol for symbol in onsets if INVENTORY[symbol].manner in (*_OBSTRUENTS, Manner.NASAL)]
    possible = [f"{first}.{second}" for first in heads for second in onsets if _may_cluster(first, second)]
    return tuple(stream.sample(possible, stream.integer(3, 9)))


def _both_sides(symbols: Sequence[str], one: str, other: str) -> bool:
    return sum(s in one.split() for s in symbols) > 1 and sum(s in other.split() for s in symbols) > 1


def _choose_harmony(stream: Stream, nuclei: Sequence[str], consonants: Sequence[str]) -> Harmony:
    possible = [Harmony.NONE]
    if _both_sides(nuclei, "e i ii y oe ae", "a aa o oo u uu"):
        possible.append(Harmony.BACKNESS)
    if _both_sides(nuclei, "o oo u uu y oe", "a aa e i ii ae"):
        possible.append(Harmony.ROUNDING)
    if _both_sides(consonants, "b d g gh z", "p t k q kh s sh f"):
        possible.append(Harmony.VOICING)
    return stream.choice(possible)


def _choose_grammar(stream: Stream) -> Grammar:
    # Shares of the orders among human languages, flattened: rare orders should be met.
    order = stream.weighted(tuple(WordOrder), (30, 28, 18, 10, 8, 6))
    verb_late = order in (WordOrder.SOV, WordOrder.OSV, WordOrder.OVS)
    return Grammar(
        word_order=order,
        adjective_first=stream.chance(0.6 if verb_late else 0.35),
        possessor_first=stream.chance(0.75 if verb_late else 0.3),
        drops_pronouns=stream.chance(0.3),
        plural=stream.choice(tuple(Plural)),
        intensity=stream.choice(tuple(Intensity)),
        reduplication=stream.choice(tuple(Reduplication)),
        negation=stream.choice(tuple(Placement)),
        question=stream.weighted((Placement.LAST, Placement.FIRST, Placement.AFTER_VERB), (4, 3, 1)),
        evidential=stream.weighted((Placement.LAST, Placement.FIRST, Placement.AFTER_VERB), (4, 3, 2)),
        evidential_share=stream.choice((0.25, 0.5, 0.75, 1.0)),
    )


def derive_phonology(seed: int, parents: Sequence[Parent]) -> Phonology:
    """The phonology of the species of `seed`, whose `parents` are the greatest share first."""
    sounds = Stream(seed, "phonology/sounds")
    consonants = _choose_consonants(sounds, parents)
    nuclei = _choose_nuclei(sounds, parents, consonants)
    onsets = tuple(symbol for symbol in consonants if symbol not in _NEVER_ONSET)
    closing = [symbol for symbol in sounds.shuffled(consonants) if symbol not in _NEVER_CODA]
    build = Stream(seed, "phonology/build")
    writing = Stream(seed, "phonology/writing")
    return Phonology(
        onsets=onsets,
        nuclei=nuclei,
        codas=tuple(closing[: build.integer(4, 8)]),
        clusters=_choose_clusters(build, onsets),
        shapes=build.weighted([shapes for shapes, _ in _SHAPES], [weight for _, weight in _SHAPES]),
        stress=build.choice(tuple(Stress)),
        harmony=_choose_harmony(build, nuclei, consonants),
        tones=build.weighted((1, 2, 3), (5, 2, 1)),
        spellings=choose_spellings(writing, tuple(dict.fromkeys((*consonants, *nuclei)))),
        joint=writing.weighted(("-", "'", "·", ""), (6, 3, 1, 1)),
        pause=writing.weighted((", ", " \u2013 ", " ~ ", " \u2026 "), (6, 2, 1, 1)),
        capitals=writing.chance(0.75),
        grammar=_choose_grammar(Stream(seed, "phonology/grammar")),
        lexicon_seed=Stream(seed, "phonology/lexicon").seed(),
    )
