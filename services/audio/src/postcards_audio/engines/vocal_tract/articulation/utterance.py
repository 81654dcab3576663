"""When each sound of a phrase falls: one saying of it, timed from its own beginning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.gestures import SHAPES, GestureShape
from postcards_audio.engines.vocal_tract.articulation.melody import COLOURS
from postcards_species.speech.phonemes import INVENTORY, Manner, Phoneme
from postcards_species.speech.phrase import Mood, Phrase, Syllable
from postcards_species.voice.derive import VocalTract

_CARRIERS = {Manner.VOWEL, Manner.GROWL, Manner.HUM, Manner.GURGLE, Manner.CHIRP, Manner.TRILL}
_STRESS = 1.25
_FINAL = 1.35
_WORD_GAP_SECONDS = 0.07
_GESTURE_WEIGHTS = (0.62, 0.26, 0.12, 0.08)
_LONGEST_SOUND_SECONDS = 1.6


@dataclass(frozen=True)
class Segment:
    """One sound in time."""

    phoneme: Phoneme
    """The sound."""
    start: float
    """Seconds from the start of the utterance."""
    end: float
    """Seconds from the start of the utterance."""


@dataclass(frozen=True)
class SungSyllable:
    """One syllable in time, with the way it is sung."""

    start: float
    """Seconds from the start of the utterance."""
    nucleus: float
    """When the sound that carries it begins."""
    coda: float
    """When the sound that carries it ends."""
    end: float
    """Seconds from the start of the utterance."""
    tone: float
    """Semitones above the melody."""
    stressed: bool
    """Whether it bears stress."""
    gesture: GestureShape
    """How it is sung."""


@dataclass(frozen=True)
class SpokenWord:
    """One word in time."""

    index: int
    """Index into `Phrase.words`."""
    start: float
    """Seconds from the start of the utterance."""
    end: float
    """Seconds from the start of the utterance."""


@dataclass(frozen=True)
class Utterance:
    """One saying of a phrase or of a part of it."""

    segments: tuple[Segment, ...]
    """Every sound, in order; they do not overlap."""
    syllables: tuple[SungSyllable, ...]
    """Every syllable, in order."""
    words: tuple[SpokenWord, ...]
    """Every word that is said, in order."""
    seconds: float
    """From the first sound to the end of the last."""


def time_phrase(
    phrase: Phrase,
    word_indices: Sequence[int],
    tract: VocalTract,
    mood: Mood,
    pace: float,
    rng: np.random.Generator,
) -> Utterance:
    """Times the words `word_indices` of `phrase` as an animal with `tract` says them at `pace` (1: its own)."""
    rate = tract.tempo * COLOURS[mood].pace * pace
    segments: list[Segment] = []
    syllables: list[SungSyllable] = []
    words: list[SpokenWord] = []
    now = 0.0
    for index in word_indices:
        begin = now
        for place, syllable in enumerate(phrase.words[index].syllables):
            final = index == word_indices[-1] and place == len(phrase.words[index].syllables) - 1
            gesture = SHAPES[tract.gestures[_choose_gesture(len(tract.gestures), syllable.stressed, rng)]]
            lengths = _lengths(syllable, gesture, rate, final, rng)
            sung = _sing(syllable, gesture, lengths, now)
            segments.extend(_segments(syllable, lengths, now))
            syllables.append(sung)
            now = sung.end + gesture.gap * (0.6 if place else 1.0) / rate * rng.uniform(0.7, 1.3)
        words.append(SpokenWord(index, begin, syllables[-1].end))
        now += _WORD_GAP_SECONDS * COLOURS[mood].pause / rate * rng.uniform(0.6, 1.6)
    return Utterance(tuple(segments), tuple(syllables), tuple(words), syllables[-1].end)


def _choose_gesture(count: int, stressed: bool, rng: np.random.Generator) -> int:
    weights = np.array(_GESTURE_WEIGHTS[:count])
    if stressed:
        weights = weights**1.6
    return int(rng.choice(count, p=weights / weights.sum()))


def _lengths(
    syllable: Syllable, gesture: GestureShape, rate: float, final: bool, rng: np.random.Generator
) -> list[float]:
    lengths: list[float] = []
    for symbol in syllable.phonemes:
        phoneme = INVENTORY[symbol]
        length = phoneme.seconds * rng.uniform(0.92, 1.08)
        if phoneme.manner in _CARRIERS:
            length *= gesture.stretch * (_STRESS if syllable.stressed else 1.0) * (_FINAL if final else 1.0)
        lengths.append(min(_LONGEST_SOUND_SECONDS, length / rate))
    return lengths


def _sing(syllable: Syllable, gesture: GestureShape, lengths: list[float], start: float) -> SungSyllable:
    carriers = [i for i, symbol in enumerate(syllable.phonemes) if INVENTORY[symbol].manner in _CARRIERS]
    first, last = (carriers[0], carriers[-1]) if carriers else (0, len(lengths) - 1)
    return SungSyllable(
        start=start,
        nucleus=start + sum(lengths[:first]),
        coda=start + sum(lengths[: last + 1]),
        end=start + sum(lengths),
        tone=syllable.tone,
        stressed=syllable.stressed,
        gesture=gesture,
    )


def _segments(syllable: Syllable, lengths: list[float], start: float) -> list[Segment]:
    segments: list[Segment] = []
    for symbol, length in zip(syllable.phonemes, lengths, strict=True):
        segments.append(Segment(INVENTORY[symbol], start, start + length))
        start += length
    return segments
