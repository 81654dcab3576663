"""Phrases, voices and recordings for the tests of the synthesiser."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_serving.engine.work import Work
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word
from postcards_species.voice.derive import VocalTract, derive_voice


class Studio:
    """Makes phrases and records them."""

    def __init__(self) -> None:
        self._engine = VocalTractEngine()

    def phrase(self, *words: str, intent: Intent = Intent.TELLING, mood: Mood = Mood.CALM) -> Phrase:
        """Words of syllables between dots, phonemes between spaces; the first syllable of each bears stress."""
        made = tuple(
            Word(
                word.replace(" ", ""),
                "",
                tuple(
                    Syllable(tuple(syllable.split()), syllable.replace(" ", ""), stressed=place == 0)
                    for place, syllable in enumerate(word.split("."))
                ),
            )
            for word in words
        )
        return Phrase(" ".join(word.text for word in made), "", intent, mood, made)

    def voice(self, seed: int = 0, **changes: object) -> VocalTract:
        """The voice of species `seed`, changed."""
        return replace(derive_voice(seed, choose_parents(seed), 0.3), **changes)

    def record(self, **fields: object) -> AudioResult:
        """What the engine makes of a request."""
        return self._engine.generate(AudioRequest(**fields), Work())

    def listen(self, result: AudioResult, blob: int = 0) -> np.ndarray:
        """The samples of a blob, shape (2, n)."""
        samples, rate = soundfile.read(io.BytesIO(result.blobs[blob].data), dtype="float32", always_2d=True)
        assert rate == 44_100
        return samples.T


@pytest.fixture(scope="session")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="session")
def stable_audio_folder(tmp_path_factory):
    """A tiny Stable Audio checkpoint with sounds of 2.9 seconds."""
    pytest.importorskip("stable_audio_tools", reason="make setup-models brings it")
    from checkpoints.stable_audio import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("models") / "tiny-stable-audio")


@pytest.fixture(scope="session")
def stable_audio_model(stable_audio_folder):
    """The checkpoint, loaded as the service loads it."""
    from postcards_audio.engines.stable_audio import load_model

    return load_model(str(stable_audio_folder), device="cpu", threads=1)
