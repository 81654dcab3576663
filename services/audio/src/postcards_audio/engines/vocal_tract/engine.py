"""The engine: from a request to a finished call, stage by stage."""

from dataclasses import asdict
from enum import Enum
from importlib.metadata import version
from typing import Any, cast

import numpy as np

from postcards_audio.engine import DEFAULT_STRANGENESS, AudioRequest, AudioResult, WordTiming, reject_unknown_phonemes
from postcards_audio.engines.vocal_tract.articulation import Tracks, articulate
from postcards_audio.engines.vocal_tract.encoding import flac, mp3
from postcards_audio.engines.vocal_tract.habitat import bed
from postcards_audio.engines.vocal_tract.individual import Excitation, articulated, excite
from postcards_audio.engines.vocal_tract.mastering import finish
from postcards_audio.engines.vocal_tract.own_phrase import own_phrase
from postcards_audio.engines.vocal_tract.performance import Saying, plan_call
from postcards_audio.engines.vocal_tract.place import Stage
from postcards_audio.engines.vocal_tract.signals import RATE, Samples
from postcards_serving.work import Progress, Provenance, Work, json_settings
from postcards_species.parents import choose_parents
from postcards_species.phrase import Phrase
from postcards_species.streams import Stream
from postcards_species.voice import VocalTract, derive_voice
from postcards_species.world import Scene, derive_scene

DEFAULT_SECONDS = 10.0
_BED_UNDER_VOICE_DB = -32.0
_STAGES = ("phonate", "articulate", "place", "master", "encode")


class VocalTractEngine:
    """Pronounces the phrase with the anatomy of the species. Computes; needs no model."""

    name = "vocal-tract"
    version = "1"
    stages = _STAGES

    def generate(self, request: AudioRequest, work: Work) -> AudioResult:
        """Makes the call. Equal requests give equal samples.

        Raises:
            InvalidField: the phrase has a phoneme that is not in the inventory.
            Cancelled, DeadlineExceeded: `work` says so; looked up between stages and between sayings.
        """
        if request.phrase is not None:
            reject_unknown_phonemes(request.phrase)
        call = _Call(request, work)
        return call.result(self.name, self.version)

    def close(self) -> None:
        """Nothing is held."""


class _Call:
    """One call on its way through the stages."""

    def __init__(self, request: AudioRequest, work: Work) -> None:
        self._work = work
        self._seed = request.seed
        self._seconds = DEFAULT_SECONDS if request.seconds is None else request.seconds
        self._strangeness = DEFAULT_STRANGENESS if request.strangeness is None else request.strangeness
        parents = choose_parents(request.seed)
        self._tract: VocalTract = request.vocal_tract or derive_voice(request.seed, parents, self._strangeness)
        self._phrase: Phrase = request.phrase or own_phrase(request.seed, self._tract)
        self._scene: Scene = request.scene or derive_scene(request.seed, parents, "")

    def result(self, engine: str, engine_version: str) -> AudioResult:
        sayings = plan_call(self._phrase, self._tract, self._seconds, self._random("plan"))
        driven = self._phonate(sayings)
        voices = self._articulate(sayings, driven)
        recording = self._place(sayings, voices)
        self._begin("master")
        master = finish(recording)
        self._begin("encode")
        lossless = flac(master.samples, self._random("dither"))
        self._work.check()
        compressed = mp3(master.samples)
        self._work.report(Progress("encode", len(_STAGES), len(_STAGES), 1.0))
        return AudioResult(
            blobs=(lossless, compressed),
            seconds=master.samples.shape[1] / RATE,
            sample_rate_hz=RATE,
            channels=2,
            loudness_lufs=round(master.loudness_lufs, 2),
            timings=_timings(sayings),
            provenance=self._provenance(engine, engine_version),
        )

    def _random(self, name: str, number: int = 0) -> np.random.Generator:
        return np.random.default_rng(Stream(self._seed, f"call/{name}/{number}").seed())

    def _begin(self, stage: str, share: float = 0.0) -> None:
        self._work.check()
        step = _STAGES.index(stage)
        self._work.report(Progress(stage, step, len(_STAGES), (step + share) / len(_STAGES)))

    def _phonate(self, sayings: tuple[Saying, ...]) -> list[tuple[Tracks, Excitation]]:
        driven: list[tuple[Tracks, Excitation]] = []
        for number, saying in enumerate(sayings):
            self._begin("phonate", number / len(sayings))
            rng = self._random("phonate", number)
            tracks = articulate(
                saying.utterance, saying.tract, self._phrase.intent, self._phrase.mood, saying.delivery, rng
            )
            driven.append((tracks, excite(tracks, saying.tract, rng)))
        return driven

    def _articulate(
        self, sayings: tuple[Saying, ...], driven: list[tuple[Tracks, Excitation]]
    ) -> list[tuple[Samples, int]]:
        """The sound of every saying with the sample at which it begins."""
        voices: list[tuple[Samples, int]] = []
        for number, (saying, (tracks, excitation)) in enumerate(zip(sayings, driven, strict=True)):
            self._begin("articulate", number / len(sayings))
            voice = articulated(excitation, tracks, saying.tract, self._random("articulate", number))
            voices.append((voice, max(0, round((saying.start - tracks.lead_seconds) * RATE))))
        return voices

    def _place(self, sayings: tuple[Saying, ...], voices: list[tuple[Samples, int]]) -> Samples:
        self._begin("place")
        samples = round(self._seconds * RATE)
        stage = Stage(samples, self._scene.biome, self._random("place"))
        for saying, (voice, start) in zip(sayings, voices, strict=True):
            self._work.check()
            stage.add(voice, start, saying.azimuth, saying.distance)
        heard = stage.heard()
        level = np.float32(_loudness_of_voices(heard) * 10 ** (_BED_UNDER_VOICE_DB / 20))
        return heard + level * bed(self._scene, samples, self._random("habitat"))

    def _provenance(self, engine: str, engine_version: str) -> Provenance:
        return Provenance(
            engine=engine,
            engine_version=engine_version,
            device="cpu",
            settings=json_settings(
                seed=self._seed,
                seconds=self._seconds,
                strangeness=self._strangeness,
                vocal_tract=_plain(asdict(self._tract)),
                phrase=_plain(asdict(self._phrase)),
                scene=_plain(asdict(self._scene)),
            ),
            libraries={name: version(name) for name in ("numpy", "soundfile")},
        )


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
