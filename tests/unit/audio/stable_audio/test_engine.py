"""Calls of the engine, from a request to files."""

import io
import json
import threading
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="make setup-models brings it")

from postcards_audio.engine import AudioRequest  # noqa: E402
from postcards_audio.engines.stable_audio import StableAudioEngine  # noqa: E402
from postcards_audio.engines.stable_audio.engine import STAGES  # noqa: E402
from postcards_audio.engines.stable_audio.resemblance import resemblance  # noqa: E402
from postcards_audio.engines.vocal_tract import VocalTractEngine  # noqa: E402
from postcards_serving.engine.work import Work  # noqa: E402
from postcards_serving.errors import Cancelled, DeadlineExceeded, InvalidField, OutOfMemory  # noqa: E402
from postcards_serving.testing import WorkCancelledAt  # noqa: E402

RATE = 44_100


@pytest.fixture
def engine(stable_audio_model):
    engine = StableAudioEngine(stable_audio_model, batch_rows=3)
    yield engine
    # The model outlives the engine: other tests use it.
    engine._batch.close()


def ask(engine, work=None, **request):
    return engine.generate(AudioRequest(**{"steps": 6, "seconds": 1.0, **request}), work or Work())


def listen(result) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(result.blobs[0].data))
    assert rate == RATE
    return samples.T


def settings_of(result) -> dict:
    return {name: json.loads(value) for name, value in result.provenance.settings.items()}


@pytest.mark.parametrize("seconds", [0.5, 1.2345, 2.9])
def test_a_call_has_the_asked_length_loudness_and_files(engine, seconds):
    result = ask(engine, seconds=seconds, init_strength=1.0)
    samples = listen(result)
    assert samples.shape == (2, round(seconds * RATE))
    assert [blob.name for blob in result.blobs] == ["call.flac", "call.mp3"]
    assert result.loudness_lufs == pytest.approx(-16, abs=1)
    assert np.abs(samples).max() < 0.95
    assert result.timings == ()


def test_a_call_longer_than_the_models_sounds_is_refused(engine):
    with pytest.raises(InvalidField, match=r"must be 0\.5 to 2\.9 for this model, not 3"):
        ask(engine, seconds=3.0)
    assert settings_of(ask(engine, seconds=None))["seconds"] == 2.9
    assert ask(engine, seconds=float(np.float32(2.9))).seconds == pytest.approx(2.9, abs=1e-4)


def test_without_strength_the_call_is_what_the_vocal_tract_says(engine):
    kept, said = (
        ask(engine, seed=5, init_strength=0.0),
        VocalTractEngine().generate(AudioRequest(seed=5, seconds=1.0), Work()),
    )
    assert resemblance(listen(kept), listen(said)) > 0.99
    assert kept.timings == said.timings
    assert any("no step" in note for note in kept.provenance.notes)


class TameModel:
    """A model that decodes everything to the rendering that it was given, or to noise."""

    def __init__(self, model, *, keep):
        self._model, self._keep = model, keep

    def __getattr__(self, name):
        return getattr(self._model, name)

    def decode(self, _latents, piece):
        begin, end = piece.start * 2048, piece.stop * 2048
        whole = np.zeros((2, 64 * 2048), np.float32)
        whole[:, : self._heard.shape[1]] = self._heard
        rng = np.random.default_rng(0)
        return whole[:, begin:end] if self._keep else rng.standard_normal((2, end - begin)).astype(np.float32)

    def encode(self, samples, piece):
        self._heard = samples
        return self._model.encode(samples, piece)


@pytest.mark.parametrize("keep", [True, False])
def test_words_have_times_as_long_as_the_call_follows_its_rendering(stable_audio_model, keep):
    engine = StableAudioEngine(TameModel(stable_audio_model, keep=keep))
    result = ask(engine, seconds=2.5, init_strength=0.3)
    assert bool(result.timings) is keep
    assert (settings_of(result)["resemblance"] > 0.5) is keep
    assert any("no word has a time" in note for note in result.provenance.notes) is not keep
    engine._batch.close()


def test_everything_that_makes_the_call_again_is_recorded(engine):
    result = ask(
        engine, seed=9, prompt="a bird", negative_prompt="wind", guidance_scale=3.0, exact=True, strangeness=0.2
    )
    provenance, recorded = result.provenance, settings_of(result)
    assert (provenance.engine, provenance.model) == ("stable-audio", "tiny-stable-audio")
    assert provenance.model_revision.startswith("sha256:")
    assert set(provenance.model_files) >= {"model.safetensors", "model_config.json", "text_encoder/model.safetensors"}
    assert provenance.device == "cpu"
    assert {"torch", "stable-audio-tools", "k-diffusion", "transformers", "numpy"} <= provenance.libraries.keys()
    assert (
        recorded.items()
        >= {
            "seed": 9,
            "seconds": 1.0,
            "strangeness": 0.2,
            "prompt": "a bird",
            "negative_prompt": "wind",
            "steps": 6,
            "guidance_scale": 3.0,
            "init_strength": 0.3,
            "exact": True,
            "sampler": "dpmpp-3m-sde",
            "noise": "brownian",
            "dtype": "float32",
        }.items()
    )
    assert {"vocal_tract", "phrase", "scene"} <= recorded.keys()
    assert [
        blob.sha256
        for blob in ask(
            engine, seed=9, prompt="a bird", negative_prompt="wind", guidance_scale=3.0, exact=True, strangeness=0.2
        ).blobs
    ] == [blob.sha256 for blob in result.blobs]


def test_the_defaults_are_those_of_the_author(engine):
    recorded = settings_of(ask(engine, steps=None, init_strength=0.01))
    assert (recorded["steps"], recorded["guidance_scale"]) == (150, 7.0)
    assert recorded["prompt"].startswith("Wildlife documentary field recording of an unsettling")


def test_a_prompt_that_is_cut_is_said(engine):
    result = ask(engine, prompt="growl " * 60, negative_prompt="x" * 100, init_strength=1.0)
    assert [note for note in result.provenance.notes if "128 tokens" in note and " of prompt " in note]
    assert not [note for note in result.provenance.notes if "negative_prompt" in note]


def test_stages_are_reported_in_order_and_never_go_back(engine):
    events = []
    ask(engine, Work(events.append), init_strength=0.5, steps=10)
    assert list(dict.fromkeys(event.stage for event in events)) == list(STAGES)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {event.steps for event in events[2:]} == {10}


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_a_cancelled_call_goes_no_further(engine, stage):
    work = WorkCancelledAt(stage)
    with pytest.raises(Cancelled):
        ask(engine, work, steps=1000, init_strength=0.5 if stage in STAGES[:3] else 0.01)
    assert work.stages[-1] == stage
    assert work.stages.count("denoise") < 20


def test_a_call_whose_time_is_over_stops(engine):
    with pytest.raises(DeadlineExceeded):
        ask(engine, Work(timeout=0.2), steps=1000, init_strength=1.0)


def test_calls_in_company_are_as_alone(engine):
    requests = [
        {"seed": seed, "steps": 4 + 3 * seed, "seconds": 0.5 + seed / 2, "guidance_scale": float(1 + seed)}
        for seed in range(4)
    ]
    alone = [ask(engine, init_strength=1.0, **request) for request in requests]
    together = [None] * 4

    def make(place):
        together[place] = ask(engine, init_strength=1.0, **requests[place])

    threads = [threading.Thread(target=make, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        # 16 bits with dither: a step of the last bit is 3e-5.
        assert np.abs(listen(one) - listen(other)).max() < 2e-4


class CrampedModel:
    """A model on a device that holds few rows at once, or no sound."""

    def __init__(self, model, *, rows=100, sounds=True):
        self._model, self._rows, self._sounds = model, rows, sounds
        self.reclaimed = 0

    def __getattr__(self, name):
        return getattr(self._model, name)

    def give_back_cached(self):
        self.reclaimed += 1

    def estimate(self, noisy, levels, guided):
        if len(guided) > self._rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._model.estimate(noisy, levels, guided)

    def decode(self, latents, piece):
        if not self._sounds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self._model.decode(latents, piece)


def test_short_memory_narrows_the_batch_and_every_call_is_made(stable_audio_model):
    cramped = CrampedModel(stable_audio_model, rows=1)
    engine = StableAudioEngine(cramped, batch_rows=4)
    results = []
    threads = [
        threading.Thread(target=lambda seed=seed: results.append(ask(engine, seed=seed, steps=30, init_strength=1.0)))
        for seed in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    engine._batch.close()


@pytest.mark.parametrize("cramped", [{"rows": 0}, {"sounds": False}])
def test_a_call_that_does_not_fit_fails_alone(stable_audio_model, cramped):
    model = CrampedModel(stable_audio_model, **cramped)
    engine = StableAudioEngine(model)
    with pytest.raises(OutOfMemory):
        ask(engine, init_strength=1.0)
    model._rows, model._sounds = 100, True
    assert ask(engine, init_strength=1.0).seconds == 1.0
    engine._batch.close()


def test_a_sound_of_no_numbers_is_an_error_not_a_file(stable_audio_model):
    class Broken(CrampedModel):
        def decode(self, latents, piece):
            return self._model.decode(latents, piece) * np.float32("nan")

    engine = StableAudioEngine(Broken(stable_audio_model))
    with pytest.raises(Exception, match="no sound"):
        ask(engine)
    engine._batch.close()


@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(0.05, 20))
def test_resemblance_is_of_rhythm_whatever_the_level_and_the_timbre(seed, gain):
    rng = np.random.default_rng(seed)
    rhythm = np.repeat(rng.uniform(0.02, 1, 20), RATE // 10)
    one, other = (rhythm * rng.standard_normal((2, len(rhythm))) for _ in range(2))
    assert resemblance(one, gain * other) > 0.9
    assert -1.001 <= resemblance(one, np.roll(other, RATE, axis=1)) < 0.9
    assert resemblance(one, np.zeros_like(one)) == 0


def test_prompts_follow_the_anatomy_where_the_request_has_none(engine):
    from postcards_species.ancestry.parents import choose_parents
    from postcards_species.voice.derive import derive_voice

    voice = derive_voice(1, choose_parents(1), 0.5)
    low, high = (
        settings_of(ask(engine, init_strength=0.0, vocal_tract=replace(voice, pitch_hz=pitch)))["prompt"]
        for pitch in (60.0, 2000.0)
    )
    assert "Deep guttural" in low
    assert "birdlike" in high
