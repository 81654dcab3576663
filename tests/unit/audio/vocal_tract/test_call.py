"""The finished call: length, loudness, peaks, determinism, files."""

import json
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_serving.errors import Cancelled, InvalidField
from postcards_serving.testing import RecordingWork, WorkCancelledAt
from postcards_species.place.scene import Finish, Scene
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.surroundings import Biome, TimeOfDay, Weather
from postcards_species.voice.derive import CallGesture, VocalTract

RATE = 44_100


def true_peak(samples: np.ndarray) -> float:
    """Four times oversampled by zero padding the spectrum."""
    spectrum = np.fft.rfft(samples, axis=1)
    count = samples.shape[1]
    return float(np.abs(np.fft.irfft(spectrum, 4 * count, axis=1) * 4).max())


def longest_silence(samples: np.ndarray) -> int:
    """The longest run of samples that are zero in both ears."""
    loud = np.flatnonzero(np.any(samples != 0, axis=0))
    return int(np.diff(np.concatenate([[-1], loud, [samples.shape[1]]])).max()) - 1


TRACTS = st.builds(
    VocalTract,
    length_cm=st.floats(2, 120),
    pitch_hz=st.floats(20, 4000),
    pitch_range_semitones=st.floats(1, 36),
    folds=st.integers(1, 4),
    fold_detune_semitones=st.floats(0, 12),
    jitter=st.floats(0, 0.2),
    shimmer=st.floats(0, 0.8),
    subharmonics=st.floats(0, 1),
    roughness=st.floats(0, 1),
    breathiness=st.floats(0, 1),
    spectral_tilt_db_per_octave=st.floats(-24, 0),
    chambers_hz=st.lists(st.floats(40, 8000), max_size=4).map(tuple),
    chamber_gain=st.floats(0, 1),
    nasality=st.floats(0, 1),
    trill_hz=st.floats(8, 60),
    tempo=st.floats(0.3, 3),
    click_brightness=st.floats(0, 1),
    whistle=st.floats(0, 1),
    stridulation=st.floats(0, 1),
    stridulation_hz=st.floats(400, 12000),
    vibrato_hz=st.floats(2, 20),
    vibrato_semitones=st.floats(0, 4),
    gestures=st.lists(st.sampled_from(CallGesture), min_size=1, max_size=4).map(tuple),
    calls_per_bout=st.integers(1, 12),
)


LOUD_NEAR_HALF_THE_RATE = VocalTract(
    length_cm=37.36520716973759,
    pitch_hz=3519.549094935971,
    pitch_range_semitones=15.42274579005332,
    folds=3,
    fold_detune_semitones=0.0,
    jitter=0.12147432849439149,
    shimmer=0.4944806007443419,
    subharmonics=0.059711871480596215,
    roughness=0.17499225217205264,
    breathiness=0.0,
    spectral_tilt_db_per_octave=-0.691,
    chambers_hz=(),
    chamber_gain=0.01360485625580488,
    nasality=0.8381719361730997,
    trill_hz=42.968351363772506,
    tempo=0.7821918920913498,
    click_brightness=0.8798278547081493,
    whistle=0.3847562993204646,
    stridulation=0.92,
    stridulation_hz=1367.9967470476413,
    vibrato_hz=5.773655499154978,
    vibrato_semitones=1e-09,
    gestures=(CallGesture.WHINE, CallGesture.BLEAT),
    calls_per_bout=8,
)
"""Clicks so bright that short filters read 1 dB too little between their samples."""


@given(tract=TRACTS, seed=st.integers(0, 2**64 - 1), seconds=st.floats(0.5, 2.5))
@example(tract=LOUD_NEAR_HALF_THE_RATE, seed=2**64 - 1, seconds=1.5769616646735585)
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_any_anatomy_gives_a_call_of_the_asked_length_without_clipping_or_silence(studio, tract, seed, seconds):
    result = studio.record(seed=seed, vocal_tract=tract, seconds=seconds)
    samples = studio.listen(result)
    assert samples.shape == (2, round(seconds * RATE))
    assert result.seconds == pytest.approx(seconds, abs=1 / RATE)
    assert true_peak(samples) < 10 ** (-1.4 / 20)
    assert longest_silence(samples) < 24
    assert result.timings
    assert all(0 <= word.start_seconds < word.end_seconds <= seconds for word in result.timings)


@pytest.mark.parametrize(("seed", "seconds"), [(0, 3.0), (1, 3.0), (2, 5.0), (3, 8.0)])
def test_the_loudness_is_sixteen_below_full_scale(studio, seed, seconds):
    result = studio.record(seed=seed, seconds=seconds)
    measured = pyloudnorm.Meter(RATE).integrated_loudness(studio.listen(result).T)
    assert measured == pytest.approx(-16, abs=1)
    assert measured == pytest.approx(result.loudness_lufs, abs=0.2)


@pytest.mark.long
def test_a_minute_is_a_minute(studio):
    result = studio.record(seed=5, seconds=60.0)
    samples = studio.listen(result)
    assert samples.shape[1] == 60 * RATE
    assert longest_silence(samples) < 24
    last = max(word.end_seconds for word in result.timings)
    assert 45 < last < 60
    assert len(result.timings) > 8


def test_the_shortest_call_says_at_least_one_word(studio):
    phrase = studio.phrase("k aa.rr o m", "grr", "sh ii.n a", "t oo.k uu")
    result = studio.record(seed=1, seconds=0.5, phrase=phrase, vocal_tract=studio.voice(3, tempo=0.3))
    assert [word.word_index for word in result.timings][:1] == [0]
    assert result.timings[-1].end_seconds <= 0.5


def test_a_long_call_repeats_the_phrase_and_varies_it(studio):
    phrase = studio.phrase("k aa.n o", "grr")
    result = studio.record(seed=1, seconds=20.0, phrase=phrase, vocal_tract=studio.voice(3))
    first = [word for word in result.timings if word.word_index == 0]
    assert len(first) >= 3
    lengths = {round(word.end_seconds - word.start_seconds, 2) for word in first}
    assert len(lengths) > 1
    starts = [word.start_seconds for word in result.timings]
    assert starts == sorted(starts)
    assert {word.word_index for word in result.timings} == {0, 1}


def test_the_same_request_gives_the_same_bytes(studio):
    first, second = (studio.record(seed=77, seconds=2.0) for _ in range(2))
    assert [blob.data for blob in first.blobs] == [blob.data for blob in second.blobs]
    assert first == second


def test_another_seed_gives_another_call(studio):
    phrase, voice = studio.phrase("k aa"), studio.voice(2)
    calls = [studio.record(seed=seed, seconds=1.0, phrase=phrase, vocal_tract=voice).blobs[0].data for seed in (1, 2)]
    assert calls[0] != calls[1]


def test_the_call_has_a_place(studio):
    left, right = studio.listen(studio.record(seed=4, seconds=3.0))
    likeness = float(np.corrcoef(left, right)[0, 1])
    assert 0.2 < likeness < 0.999


def test_both_files_decode_to_the_whole_call(studio):
    result = studio.record(seed=9, seconds=2.5)
    assert [(blob.name, blob.content_type) for blob in result.blobs] == [
        ("call.flac", "audio/flac"),
        ("call.mp3", "audio/mpeg"),
    ]
    lossless, compressed = studio.listen(result, 0), studio.listen(result, 1)
    assert lossless.shape[1] == round(2.5 * RATE)
    assert compressed.shape[0] == 2
    assert abs(compressed.shape[1] - lossless.shape[1]) < 3000
    shared = min(compressed.shape[1], lossless.shape[1])
    assert float(np.corrcoef(lossless[0, :shared], compressed[0, :shared])[0, 1]) > 0.9


def test_the_ends_are_quiet(studio):
    samples = np.abs(studio.listen(studio.record(seed=12, seconds=2.0)))
    assert samples[:, :32].max() < 0.02
    assert samples[:, -32:].max() < 0.02


@pytest.mark.parametrize("biome", list(Biome))
def test_every_place_is_quieter_than_the_voice(studio, biome):
    scenes = [
        Scene(biome, weather, hour, Finish.FIELD_PLATE, 0.5, 0.5, 0)
        for weather in (Weather.STORM, Weather.CLEAR)
        for hour in (TimeOfDay.NIGHT,)
    ]
    for scene in scenes:
        result = studio.record(
            seed=21, seconds=3.0, scene=scene, phrase=studio.phrase("aa"), vocal_tract=studio.voice(5)
        )
        samples = studio.listen(result)
        energy = np.sort(np.square(samples[:, : 60 * 2048]).reshape(2, -1, 2048).mean(axis=(0, 2)))
        assert energy[0] > 1e-9
        assert 10 * np.log10(energy[-5] / energy[3]) > 12


def test_stages_are_reported_in_order():
    work = RecordingWork()
    engine = VocalTractEngine()
    engine.generate(AudioRequest(seed=3, seconds=6.0), work)
    stages = list(dict.fromkeys(event.stage for event in work.events))
    assert stages == list(engine.stages) == ["phonate", "articulate", "place", "master", "encode"]
    fractions = [event.fraction for event in work.events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("stage", ["phonate", "articulate", "place", "master"])
def test_a_cancelled_call_goes_no_further(stage):
    work = WorkCancelledAt(stage)
    with pytest.raises(Cancelled):
        VocalTractEngine().generate(AudioRequest(seed=3, seconds=2.0), work)
    assert work.stages[-1] == stage
    assert work.stages.count(stage) == 1


def test_an_unknown_phoneme_is_named_with_its_path(studio):
    phrase = studio.phrase("k aa.n zzz")
    with pytest.raises(InvalidField) as caught:
        studio.record(phrase=phrase)
    assert caught.value.field == "phrase.words[0].syllables[1].phonemes[1]"


def test_the_provenance_holds_everything(studio):
    result = studio.record(seed=8, seconds=1.0)
    settings_made = {name: json.loads(value) for name, value in result.provenance.settings.items()}
    assert settings_made["seed"] == 8
    assert settings_made["seconds"] == 1.0
    assert settings_made["vocal_tract"]["length_cm"] > 0
    assert settings_made["phrase"]["words"]
    assert settings_made["scene"]["biome"]
    assert result.provenance.engine == "vocal-tract"
    assert set(result.provenance.libraries) == {"numpy", "soundfile"}


@pytest.mark.parametrize(("intent", "mood"), list(zip(Intent, [*Mood, *Mood], strict=False)))
def test_every_mood_and_intent_can_be_voiced(studio, intent, mood):
    phrase = studio.phrase("m a.n u", intent=intent, mood=mood)
    assert studio.record(seed=2, seconds=0.5, phrase=phrase).timings


def test_the_whole_phrase_is_said_and_then_echoed(studio):
    phrase = studio.phrase("k aa.n o", "grr.m u", "sh ii", "t oo.r a", "m e.l i.n a")
    for seed in range(3):
        result = studio.record(seed=seed, seconds=8.0, phrase=phrase, vocal_tract=studio.voice(seed))
        said = [word.word_index for word in result.timings]
        assert said[:5] == [0, 1, 2, 3, 4]


def colour(samples: np.ndarray) -> np.ndarray:
    """Mean and spread of the logarithmic spectrum in third octaves while the animal sounds."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.mean(axis=0), 2048)[::1024] * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    loud = power[power.sum(axis=1) > 0.05 * np.percentile(power.sum(axis=1), 95)]
    edges = np.searchsorted(np.fft.rfftfreq(2048, 1 / RATE), 60 * 2 ** (np.arange(26) / 3))
    bands = np.log(np.stack([loud[:, a : max(b, a + 1)].mean(axis=1) for a, b in pairwise(edges)], axis=1) + 1e-9)
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)])


@pytest.mark.long
def test_species_are_further_apart_than_the_phrases_of_one(studio):
    scene = Scene(Biome.DESERT, Weather.CLEAR, TimeOfDay.DAY, Finish.FIELD_PLATE, 0.5, 0.5, 0)
    phrases = [studio.phrase("k aa.n o", "grr"), studio.phrase("m e.l i", "t oo.s a"), studio.phrase("h uh.r a", "n i")]
    calls = np.array(
        [
            [
                colour(studio.listen(studio.record(seed=n, seconds=3.0, phrase=p, scene=scene, vocal_tract=voice)))
                for n, p in enumerate(phrases)
            ]
            for voice in (studio.voice(seed) for seed in range(1, 7))
        ]
    )
    calls = (calls - calls.mean(axis=(0, 1))) / calls.std(axis=(0, 1))
    distance = np.sqrt(((calls[:, :, None, None] - calls[None, None]) ** 2).mean(axis=-1))
    same = np.eye(6, dtype=bool)[:, None, :, None] & ~np.eye(3, dtype=bool)[None, :, None, :]
    other = np.broadcast_to(~np.eye(6, dtype=bool)[:, None, :, None], distance.shape)
    assert distance[other].mean() > 1.25 * distance[np.broadcast_to(same, distance.shape)].mean()
