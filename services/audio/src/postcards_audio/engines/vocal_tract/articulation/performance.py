"""How a call fills its time: bouts of sayings that vary, pauses, and another of the species that answers from afar."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Delivery
from postcards_audio.engines.vocal_tract.articulation.melody import COLOURS
from postcards_audio.engines.vocal_tract.articulation.utterance import (
    Segment,
    SpokenWord,
    SungSyllable,
    Utterance,
    time_phrase,
)
from postcards_species.speech.phrase import Phrase
from postcards_species.voice.derive import VocalTract

_FASTEST = 1.6
_SHORTEST_SYLLABLE_SECONDS = 0.19
_OPENING_SHARE = 0.68
_SHORT_CALL_SECONDS = 3.0
_SHORTEST_SAYING_SECONDS = 0.3
_ANSWER_CHANCE = 0.45
_BREATHLESS = 0.5


@dataclass(frozen=True)
class Saying:
    """One utterance of one animal at its time and place."""

    start: float
    """Seconds from the start of the call."""
    utterance: Utterance
    """What is said."""
    delivery: Delivery
    """How."""
    tract: VocalTract
    """Who: the caller's own, or that of another of its species."""
    distance: float
    """1 is near, 8 far."""
    azimuth: float
    """-1 left to 1 right."""
    is_answer: bool = False
    """Whether another animal says it."""


def plan_call(phrase: Phrase, tract: VocalTract, seconds: float, rng: np.random.Generator) -> tuple[Saying, ...]:
    """Fills `seconds` with sayings of `phrase`, the first one whole if it can be."""
    return _Plan(phrase, tract, seconds, rng).sayings()


class _Plan:
    def __init__(self, phrase: Phrase, tract: VocalTract, seconds: float, rng: np.random.Generator) -> None:
        self._phrase = phrase
        self._tract = tract
        self._rng = rng
        self._pause = COLOURS[phrase.mood].pause / tract.tempo**0.5
        self._end = seconds - min(0.8, 0.14 * seconds)
        self._azimuth = float(rng.uniform(-0.35, 0.35))
        self._other = replace(
            tract,
            length_cm=float(np.clip(tract.length_cm * rng.uniform(0.86, 1.12), 2, 120)),
            pitch_hz=float(np.clip(tract.pitch_hz * rng.uniform(0.82, 1.2), 20, 4000)),
        )
        self._lead = min(0.3, 0.08 * seconds)

    def sayings(self) -> tuple[Saying, ...]:
        rng = self._rng
        whole = tuple(range(len(self._phrase.words)))
        first = self._opening(self._say(whole, 1.0), self._end - self._lead)
        opening = Delivery(inhale_seconds=self._inhalation(self._lead))
        planned = [Saying(self._lead, first, opening, self._tract, 1.0, self._azimuth)]
        now = self._lead + first.seconds
        in_bout, answered = 1, False
        while self._end - now > _SHORTEST_SAYING_SECONDS + 0.25:
            rests = in_bout >= self._tract.calls_per_bout
            answers = (rests or rng.random() < _ANSWER_CHANCE) and not answered
            silent_from = now
            now += self._pause * (
                rng.uniform(0.3, 0.6) if answers else rng.uniform(1.0, 1.8) if rests else rng.uniform(0.3, 0.75)
            )
            room = self._end - now
            if room < _SHORTEST_SAYING_SECONDS:
                break
            utterance = self._variation(room, answers)
            planned.append(self._placed(now, now - silent_from, utterance, answers, in_bout))
            now += utterance.seconds
            in_bout = 0 if rests else in_bout if answers else in_bout + 1
            answered = answers
        return tuple(planned)

    def _say(self, words: Sequence[int], pace: float) -> Utterance:
        return time_phrase(self._phrase, words, self._tract, self._phrase.mood, pace, self._rng)

    def _variation(self, room: float, answers: bool) -> Utterance:
        """The phrase again, or a part of it, as much as there is room for."""
        count = len(self._phrase.words)
        last = count - 1
        kind = self._rng.random()
        if kind < (0.35 if answers else 0.55):
            words = tuple(range(count))
        elif kind < 0.8:
            words = (last,) * int(self._rng.integers(1, 3))
        else:
            words = tuple(range(int(self._rng.integers(0, count)), count))
        said = self._say(words, float(self._rng.uniform(0.88, 1.18)))
        if said.seconds > room * 1.1:
            said = self._say((last,), 1.0)
        return self._fitted(said, room)

    def _opening(self, utterance: Utterance, room: float) -> Utterance:
        """The whole phrase, quick enough to leave room for an echo of it where that can be."""
        if room < _SHORT_CALL_SECONDS:
            return self._fitted(utterance, room)
        unhurried = utterance.seconds / _FASTEST
        return self._fitted(utterance, min(room, max(_OPENING_SHARE * room, unhurried)))

    def _fitted(self, utterance: Utterance, room: float) -> Utterance:
        """An utterance that is spoken faster, and shortened where that is not enough, so as to fit `room` seconds."""
        if utterance.seconds <= room:
            return utterance
        fastest = _fastest(utterance)
        kept = [word for word in utterance.words if word.end / fastest <= room] or [utterance.words[0]]
        end = kept[-1].end
        cut = Utterance(
            segments=tuple(segment for segment in utterance.segments if segment.start < end),
            syllables=tuple(syllable for syllable in utterance.syllables if syllable.start < end),
            words=tuple(kept),
            seconds=end,
        )
        return _hurried(cut, max(1.0, end / room))

    def _inhalation(self, pause: float) -> float:
        """Animals with lungs draw breath where the pause leaves room."""
        lungs = self._tract.stridulation < _BREATHLESS and self._tract.whistle < _BREATHLESS
        return float(np.clip(0.7 * pause - 0.06, 0, 0.4)) if lungs else 0.0

    def _placed(self, now: float, pause: float, utterance: Utterance, answers: bool, in_bout: int) -> Saying:
        rng = self._rng
        delivery = Delivery(
            height_semitones=float(rng.normal(0, 0.07) * self._tract.pitch_range_semitones + 0.15 * in_bout),
            effort=float(np.clip(rng.normal(0, 0.2) + 0.05 * in_bout, -0.5, 0.5)),
            roughness=float(abs(rng.normal(0, 0.08))),
            inhale_seconds=self._inhalation(pause),
        )
        if answers:
            side = -1.0 if self._azimuth > 0 else 1.0
            return Saying(
                now,
                utterance,
                delivery,
                self._other,
                float(rng.uniform(3.5, 7)),
                side * float(rng.uniform(0.5, 0.95)),
                True,
            )
        azimuth = float(np.clip(self._azimuth + rng.normal(0, 0.12), -0.8, 0.8))
        return Saying(now, utterance, delivery, self._tract, float(rng.uniform(0.9, 1.5)), azimuth)


def _fastest(utterance: Utterance) -> float:
    """How many times faster it can be said and still be heard syllable by syllable; slow animals have more to give."""
    return max(_FASTEST, utterance.seconds / len(utterance.syllables) / _SHORTEST_SYLLABLE_SECONDS)


def _hurried(utterance: Utterance, factor: float) -> Utterance:
    """The same, `factor` times as fast."""
    return Utterance(
        segments=tuple(Segment(s.phoneme, s.start / factor, s.end / factor) for s in utterance.segments),
        syllables=tuple(
            SungSyllable(
                s.start / factor, s.nucleus / factor, s.coda / factor, s.end / factor, s.tone, s.stressed, s.gesture
            )
            for s in utterance.syllables
        ),
        words=tuple(SpokenWord(w.index, w.start / factor, w.end / factor) for w in utterance.words),
        seconds=utterance.seconds / factor,
    )
