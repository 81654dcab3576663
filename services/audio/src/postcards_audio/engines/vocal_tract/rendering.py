"""One call from its score to the recording: who says what where, sounded by the synthesiser."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, cast

import numpy as np

from postcards_audio.engine import DEFAULT_STRANGENESS, AudioRequest, WordTiming, reject_unknown_phonemes
from postcards_audio.engines.vocal_tract.acoustics.ambience import bed
from postcards_audio.engines.vocal_tract.acoustics.stage import Stage
from postcards_audio.engines.vocal_tract.articulation.control_tracks import Tracks, articulate
from postcards_audio.engines.vocal_tract.articulation.default_phrase import default_phrase
from postcards_audio.engines.vocal_tract.articulation.performance import Saying, plan_call
from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_audio.engines.vocal_tract.synthesis.speaker import Excitation, articulated, excite
from postcards_species.ancestry.parents import choose_parents
from postcards_species.place.scene import Scene, derive_scene
from postcards_species.speech.phrase import Phrase
from postcards_species.streams import Stream
from postcards_species.voice.derive import VocalTract, derive_voice

STAGES = ("phonate", "articulate", "place")
"""What `render` begins, in order."""

Begin = Callable[[str, float], None]
"""Called when a stage begins and while it goes on, with its name and the share that is done; may raise to stop."""

_BED_UNDER_VOICE_DB = -32.0


@dataclass(frozen=True)
class Score:
    """A request with everything decided that it left open."""

    seed: int
    seconds: float
    strangeness: float
    vocal_tract: VocalTract
    phrase: Phrase
    scene: Scene

    def settings(self) -> dict[str, Any]:
        """Its fields as values that have a JSON form."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Rendering:
    """What the synthesiser made of a score."""

    recording: Samples
    """Shape (2, n); not mastered."""
    timings: tuple[WordTiming, ...]
    """When the words sound, in order of time."""


def read_score(request: AudioRequest, default_seconds: float) -> Score:
    """What `request` asks for; what it leaves open is that of the species of its seed.

    Raises:
        InvalidField: the phrase has a phoneme that is not in the inventory.
    """
    if request.phrase is not None:
        reject_unknown_phonemes(request.phrase)
    strangeness = DEFAULT_STRANGENESS if request.strangeness is None else request.strangeness
    parents = choose_parents(request.seed)
    tract = request.vocal_tract or derive_voice(request.seed, parents, strangeness)
    return Score(
        seed=request.seed,
        seconds=default_seconds if request.seconds is None else request.seconds,
        strangeness=strangeness,
        vocal_tract=tract,
        phrase=request.phrase or default_phrase(request.seed, tract),
        scene=request.scene or derive_scene(request.seed, parents, ""),
    )


def render(score: Score, begin: Begin) -> Rendering:
    """Sounds the score. Equal scores give equal samples; whatever `begin` raises ends it."""
    sayings = plan_call(score.phrase, score.vocal_tract, score.seconds, random_of(score, "plan"))
    driven = _phonate(score, sayings, begin)
    voices = _articulate(score, sayings, driven, begin)
    return Rendering(_place(score, sayings, voices, begin), _timings(sayings))


def random_of(score: Score, name: str, number: int = 0) -> np.random.Generator:
    """The random numbers of one purpose."""
    return np.random.default_rng(Stream(score.seed, f"call/{name}/{number}").seed())


def _phonate(score: Score, sayings: tuple[Saying, ...], begin: Begin) -> list[tuple[Tracks, Excitation]]:
    driven: list[tuple[Tracks, Excitation]] = []
    for number, saying in enumerate(sayings):
        begin("phonate", number / len(sayings))
        rng = random_of(score, "phonate", number)
        phrase = score.phrase
        tracks = articulate(saying.utterance, saying.tract, phrase.intent, phrase.mood, saying.delivery, rng)
        driven.append((tracks, excite(tracks, saying.tract, rng)))
    return driven


def _articulate(
    score: Score, sayings: tuple[Saying, ...], driven: list[tuple[Tracks, Excitation]], begin: Begin
) -> list[tuple[Samples, int]]:
    """The sound of every saying with the sample at which it begins."""
    voices: list[tuple[Samples, int]] = []
    for number, (saying, (tracks, excitation)) in enumerate(zip(sayings, driven, strict=True)):
        begin("articulate", number / len(sayings))
        voice = articulated(excitation, tracks, saying.tract, random_of(score, "articulate", number))
        voices.append((voice, max(0, round((saying.start - tracks.lead_seconds) * RATE))))
    return voices


def _place(score: Score, sayings: tuple[Saying, ...], voices: list[tuple[Samples, int]], begin: Begin) -> Samples:
    samples = round(score.seconds * RATE)
    stage = Stage(samples, score.scene.biome, random_of(score, "place"))
    for number, (saying, (voice, start)) in enumerate(zip(sayings, voices, strict=True)):
        begin("place", number / len(sayings))
        stage.add(voice, start, saying.azimuth, saying.distance)
    heard = stage.heard()
    level = np.float32(_loudness_of_voices(heard) * 10 ** (_BED_UNDER_VOICE_DB / 20))
    return heard + level * bed(score.scene, samples, random_of(score, "habitat"))


def _loudness_of_voices(heard: Samples) -> float:
    """RMS of the tenth of the call that is loudest: pauses do not count."""
    blocks = heard[:, : heard.shape[1] // 2048 * 2048].reshape(2, -1, 2048)
    energy = np.sort(np.mean(np.square(blocks), axis=(0, 2)))[::-1]
    return float(np.sqrt(energy[: max(1, len(energy) // 10)].mean())) + 1e-4


def _timings(sayings: tuple[Saying, ...]) -> tuple[WordTiming, ...]:
    """When the words of the caller sound; the animal far away is not lit on the card."""
    return tuple(
        WordTiming(word.index, round(saying.start + word.start, 3), round(saying.start + word.end, 3))
        for saying in sayings
        if not saying.is_answer
        for word in saying.utterance.words
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  (any value becomes its JSON form)
    """Enums by their values and tuples as lists, for JSON."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value
