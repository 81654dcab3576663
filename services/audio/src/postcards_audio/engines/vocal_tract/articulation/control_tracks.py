"""What the organs do over time: control tracks from a timed utterance."""

from dataclasses import dataclass

import numpy as np

from postcards_audio.engines.vocal_tract.articulation.gestures import Contour
from postcards_audio.engines.vocal_tract.articulation.melody import COLOURS, EFFORTS, TUNES
from postcards_audio.engines.vocal_tract.articulation.phones import Formants, Moment, phone_of
from postcards_audio.engines.vocal_tract.articulation.utterance import SungSyllable, Utterance
from postcards_audio.engines.vocal_tract.signals import CONTROL_RATE, Samples, frames, smoothed, wander
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.voice.derive import VocalTract

_LEAD_SECONDS = 0.03
_TAIL_SECONDS = 0.12
_VOICE_CORNER_SECONDS = 0.016
_NOISE_CORNER_SECONDS = 0.006
_PITCH_CORNER_SECONDS = 0.045
_BREAK_CORNER_SECONDS = 0.012
_BREAK_CHANCE = 0.4


@dataclass(frozen=True)
class Delivery:
    """How one saying differs from the others."""

    height_semitones: float = 0.0
    """Transposition."""
    effort: float = 0.0
    """Added effort, -1 to 1."""
    roughness: float = 0.0
    """Added roughness."""
    inhale_seconds: float = 0.0
    """Length of the breath that is drawn before."""


@dataclass(frozen=True)
class Event:
    """A sound too short for tracks: a click or a gurgle."""

    kind: Moment
    """What it is."""
    start: float
    """Seconds from the start of the tracks."""
    seconds: float
    """How long the sound it belongs to lasts."""
    place: float
    """Where in the tract, 0 the lips to 1 the larynx."""
    gain: float
    """Loudness, 1 is ordinary."""


@dataclass(frozen=True)
class Tracks:
    """The state of the organs, one value per control frame."""

    pitch_hz: Samples
    """Pitch of the first fold."""
    voice: Samples
    """Loudness of the folds, 0 to about 1.5."""
    aspiration: Samples
    """Loudness of breath at the folds."""
    frication: Samples
    """Loudness of noise at a narrow place."""
    friction_place: Samples
    """That place, 0 the lips to 1 the larynx."""
    formants: Samples
    """Shape (4, frames): the four lowest resonances over those of an even tube."""
    nasal: Samples
    """Opening of the nose, 0 to 1."""
    nasal_zero: Samples
    """Place of the side branch that the mouth makes, 0 the lips to 1 the throat."""
    flutter: Samples
    """Depth of the beating at the trill's rate, 0 to 1."""
    roughness: Samples
    """Chaos of the folds, 0 to 1."""
    subharmonics: Samples
    """Period doubling, 0 to 1."""
    effort: Samples
    """-1 soft to 1 shouted."""
    whistle: Samples
    """Share of pure tone."""
    scrape: Samples
    """Share of scraped sound."""
    events: tuple[Event, ...]
    """Clicks and gurgles."""
    lead_seconds: float
    """From the start of the tracks to the start of the utterance."""


def articulate(
    utterance: Utterance,
    tract: VocalTract,
    intent: Intent,
    mood: Mood,
    delivery: Delivery,
    rng: np.random.Generator,
) -> Tracks:
    """Moves the organs of `tract` through `utterance`."""
    colour = COLOURS[mood]
    lead = _LEAD_SECONDS + delivery.inhale_seconds
    score = _Score(utterance, lead, frames(lead + utterance.seconds + _TAIL_SECONDS))
    gestured = {name: score.gesture(name) for name in ("effort", "roughness", "breath", "whistle", "scrape", "flutter")}
    effort = np.clip(colour.effort + EFFORTS.get(intent, 0.0) + delivery.effort + gestured["effort"], -1, 1)
    rough = np.clip(
        tract.roughness + colour.roughness + delivery.roughness + gestured["roughness"] + score.painted("roughness"),
        0,
        1,
    )
    breath = np.clip(tract.breathiness + colour.breath + gestured["breath"], 0, 1)
    scrape = np.clip(tract.stridulation + gestured["scrape"] * (tract.stridulation > 0.05), 0, 1)
    loud = score.loudness() * 10 ** (effort * 0.22)
    voiced = smoothed(_f32(score.painted("voice") * loud), _VOICE_CORNER_SECONDS)
    pitch = score.melody(tract, intent, mood, delivery, rng) + score.painted("sweep") + score.breaks(tract, effort, rng)
    inhaling = score.inhalation(delivery) * (0.05 + 0.2 * tract.breathiness)
    return Tracks(
        pitch_hz=_hertz(_f32(pitch), tract, colour.tremor, rng),
        voice=voiced,
        aspiration=_f32(
            smoothed(_f32(score.painted("aspiration") * np.sqrt(loud)), _NOISE_CORNER_SECONDS)
            + inhaling
            + voiced * breath**1.5 * 0.55
        ),
        frication=smoothed(_f32(score.painted("frication") * np.sqrt(loud)), _NOISE_CORNER_SECONDS),
        friction_place=score.painted("place"),
        formants=score.formants(tract),
        nasal=smoothed(_f32(np.clip(score.painted("nasal") + 0.5 * tract.nasality, 0, 1)), 0.03),
        nasal_zero=smoothed(score.painted("place"), 0.05),
        flutter=smoothed(_f32(np.clip(score.painted("flutter") + gestured["flutter"], 0, 0.92)), 0.06),
        roughness=smoothed(_f32(rough), 0.08),
        subharmonics=smoothed(_f32(np.clip(tract.subharmonics + 0.5 * score.painted("roughness"), 0, 1)), 0.08),
        effort=smoothed(_f32(effort), 0.08),
        whistle=smoothed(_f32(np.clip(tract.whistle + gestured["whistle"] + score.painted("whistle"), 0, 1)), 0.05),
        scrape=smoothed(_f32(scrape), 0.05),
        events=score.events(),
        lead_seconds=lead,
    )


def _f32(track: Samples) -> Samples:
    return track.astype(np.float32)


def _hertz(semitones: Samples, tract: VocalTract, tremor: float, rng: np.random.Generator) -> Samples:
    """Adds vibrato and drift to a melody and turns it into hertz, held within what can be sounded."""
    count = len(semitones)
    rate = tract.vibrato_hz * (0.85 + 0.3 * wander(rng, count, 1.5))
    phase = np.cumsum(rate) / CONTROL_RATE * 2 * np.pi + rng.uniform(0, 2 * np.pi)
    depth = tract.vibrato_semitones * tremor * (0.3 + 0.9 * wander(rng, count, 1.2))
    drift = (wander(rng, count, 2.5) - 0.5) * 0.9 + (wander(rng, count, 17.0) - 0.5) * (0.25 + 6.0 * tract.jitter)
    pitch = tract.pitch_hz * 2 ** ((semitones + depth * np.sin(phase) + drift) / 12)
    return _f32(np.clip(pitch, 12.0, 9000.0))


class _Score:
    """An utterance laid out on control frames."""

    def __init__(self, utterance: Utterance, lead: float, count: int) -> None:
        self._utterance = utterance
        self._lead = lead
        self._count = count
        self._time = np.arange(count) / CONTROL_RATE - lead
        self._phones = [phone_of(segment.phoneme) for segment in utterance.segments]
        self._painted = self._paint()

    def painted(self, name: str) -> Samples:
        """A track of what the sounds ask for: a field of `Phone` by its name."""
        return self._painted[name]

    def gesture(self, name: str) -> Samples:
        """A track of what the gestures ask for: a field of `GestureShape` by its name."""
        track = np.zeros(self._count, np.float32)
        for start, end, syllable in self._spans():
            track[start:end] = float(getattr(syllable.gesture, name))
        return track

    def loudness(self) -> Samples:
        """The loudness contours of the gestures; a consonant before or after its vowel stays audible."""
        track = np.zeros(self._count, np.float32)
        for start, end, syllable in self._spans():
            time = self._time[start:end]
            u = (time - syllable.nucleus) / max(1e-3, 0.5 * (syllable.coda + syllable.end) - syllable.nucleus)
            level = np.interp(u, *_points(syllable.gesture.loudness))
            floor = np.where(u < 0, 0.75, np.where(time > syllable.coda, 0.4, 0.0))
            if syllable.nucleus > syllable.start:
                floor = np.where((u >= 0) & (u < 0.3), 0.45 * (1 - u / 0.3), floor)
            track[start:end] = np.maximum(level, floor) * (1.0 if syllable.stressed else 0.72)
        return track

    def melody(
        self, tract: VocalTract, intent: Intent, mood: Mood, delivery: Delivery, rng: np.random.Generator
    ) -> Samples:
        """Semitones over the resting pitch."""
        colour = COLOURS[mood]
        phrase_u = np.clip(self._time / max(self._utterance.seconds, 1e-3), 0, 1)
        line = (
            colour.height
            + colour.span * np.interp(phrase_u, *_points(TUNES[intent]))
            + colour.declination * (phrase_u - 0.3)
        )
        knots_t: list[float] = []
        knots_y: list[float] = []
        for syllable in self._utterance.syllables:
            accent = (0.16 if syllable.stressed else 0.0) + rng.normal(0, 0.05)
            for u, share in syllable.gesture.pitch:
                knots_t.append(syllable.start + u * (syllable.end - syllable.start))
                bent = (0.55 * colour.span * share + accent) * tract.pitch_range_semitones
                knots_y.append(bent + syllable.tone)
        sung = np.interp(self._time, knots_t, knots_y)
        limit = tract.pitch_range_semitones
        total = limit * np.tanh(0.75 * line) + sung
        return smoothed(
            _f32(np.clip(total, -1.3 * limit - 6, 1.3 * limit + 6) + delivery.height_semitones), _PITCH_CORNER_SECONDS
        )

    def breaks(self, tract: VocalTract, effort: Samples, rng: np.random.Generator) -> Samples:
        """Jumps of register in semitones: wide, strained voices flip within a syllable, without a glide."""
        track = np.zeros(self._count, np.float32)
        for start, end, _ in self._spans():
            strain = float(effort[start:end].mean()) if end > start else 0.0
            chance = _BREAK_CHANCE * np.clip(strain, 0, 1) * min(1.0, tract.pitch_range_semitones / 12)
            flips, where, up = rng.random() < chance, rng.uniform(0.35, 0.75), rng.random() < 0.5
            if flips:
                track[start + int(where * (end - start)) : end] = (
                    0.5 * tract.pitch_range_semitones * (1 if up else -0.7)
                )
        return smoothed(track, _BREAK_CORNER_SECONDS)

    def inhalation(self, delivery: Delivery) -> Samples:
        """The swell of the breath that is drawn before the utterance, 0 to 1."""
        if delivery.inhale_seconds <= 0:
            return np.zeros(self._count, np.float32)
        u = np.clip(1 + (self._time + _LEAD_SECONDS) / delivery.inhale_seconds, 0, 1)
        return (np.sin(np.pi * u**1.6) ** 2).astype(np.float32)

    def formants(self, tract: VocalTract) -> Samples:
        """Formants over those of an even tube, coarticulated: large animals move slowly."""
        targets = _filled([phone.formants for phone in self._phones])
        tracks = np.ones((4, self._count), np.float32)
        for target, (start, end) in zip(targets, self._edges(), strict=True):
            tracks[:, start:end] = np.array(target, np.float32)[:, None]
        mouth = np.zeros(self._count, np.float32)
        for start, end, syllable in self._spans():
            u = (self._time[start:end] - syllable.nucleus) / max(1e-3, syllable.end - syllable.nucleus)
            mouth[start:end] = np.interp(u, *_points(syllable.gesture.mouth))
        corner = 0.055 * (tract.length_cm / 17) ** 0.3
        tracks = np.stack([smoothed(track, corner) for track in tracks])
        opening = smoothed(mouth, 0.05)
        tracks[0] *= 1 + 0.38 * opening
        tracks[1] *= 1 + 0.14 * opening
        return tracks

    def events(self) -> tuple[Event, ...]:
        """The clicks and gurgles of the utterance."""
        found: list[Event] = []
        for phone, segment in zip(self._phones, self._utterance.segments, strict=True):
            length = segment.end - segment.start
            for kind, u, gain in phone.events:
                start = self._lead + segment.start + u * length
                found.append(Event(kind, start, length * (1 - u), segment.phoneme.place, gain))
        return tuple(found)

    def _paint(self) -> dict[str, Samples]:
        names = ("voice", "aspiration", "frication", "flutter", "roughness", "nasal", "whistle", "sweep")
        tracks = {name: np.zeros(self._count, np.float32) for name in names}
        tracks["place"] = np.full(self._count, 0.5, np.float32)
        for phone, segment, (start, end) in zip(self._phones, self._utterance.segments, self._edges(), strict=True):
            u = (self._time[start:end] - segment.start) / max(1e-3, segment.end - segment.start)
            for name in names:
                contour: Contour = getattr(phone, name)
                if contour:
                    tracks[name][start:end] = np.interp(u, *_points(contour))
            tracks["place"][start:end] = segment.phoneme.place
        return tracks

    def _edges(self) -> list[tuple[int, int]]:
        """First control frame of each sound and the one after its last; at least one frame each."""
        starts = [frames(self._lead + segment.start) for segment in self._utterance.segments]
        ends = [frames(self._lead + segment.end) for segment in self._utterance.segments]
        return [(start, max(start + 1, end)) for start, end in zip(starts, ends, strict=True)]

    def _spans(self) -> list[tuple[int, int, SungSyllable]]:
        return [
            (frames(self._lead + syllable.start), frames(self._lead + syllable.end), syllable)
            for syllable in self._utterance.syllables
        ]


def _points(contour: Contour) -> tuple[list[float], list[float]]:
    return [point[0] for point in contour], [point[1] for point in contour]


def _filled(targets: list[Formants | None]) -> list[Formants]:
    """Sounds without a shape of their own take the next one's, or else the one before."""
    filled = list(targets)
    for i in range(len(filled) - 2, -1, -1):
        filled[i] = filled[i] or filled[i + 1]
    neutral = (1.0, 1.0, 1.0, 1.0)
    result: list[Formants] = []
    for target in filled:
        result.append(target or (result[-1] if result else neutral))
    return result
