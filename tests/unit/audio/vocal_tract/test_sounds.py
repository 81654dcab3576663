"""The parts of the synthesiser: phonemes, melody, loudness meter, limiter."""

import math
from dataclasses import replace

import numpy as np
import pyloudnorm
import pytest

from postcards_audio.engines.vocal_tract.articulation.control_tracks import Delivery, articulate
from postcards_audio.engines.vocal_tract.articulation.default_phrase import default_phrase
from postcards_audio.engines.vocal_tract.articulation.gestures import SHAPES
from postcards_audio.engines.vocal_tract.articulation.melody import COLOURS, TUNES
from postcards_audio.engines.vocal_tract.articulation.phones import phone_of
from postcards_audio.engines.vocal_tract.articulation.utterance import time_phrase
from postcards_audio.engines.vocal_tract.mastering import master as mastering
from postcards_audio.engines.vocal_tract.signals import (
    HOP,
    RATE,
    at_audio_rate,
    fast_length,
    shaped_noise,
    smoothed,
    wander,
)
from postcards_audio.engines.vocal_tract.synthesis.speaker import articulated, excite
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.speech.phrase import Intent, Mood
from postcards_species.voice.derive import CallGesture

EXTREMES = {
    "tiny": {"length_cm": 2.0, "pitch_hz": 4000.0, "pitch_range_semitones": 36.0, "tempo": 3.0},
    "huge": {"length_cm": 120.0, "pitch_hz": 20.0, "pitch_range_semitones": 36.0, "tempo": 1.0},
    "torn": {
        "roughness": 1.0,
        "subharmonics": 1.0,
        "jitter": 0.2,
        "shimmer": 0.8,
        "folds": 4,
        "fold_detune_semitones": 12.0,
    },
    "reed": {"nasality": 1.0, "chambers_hz": (40.0, 41.0, 8000.0, 7999.0), "chamber_gain": 1.0, "tempo": 1.2},
}


def speak(phrase, voice, seed=1):
    rng = np.random.default_rng(seed)
    utterance = time_phrase(phrase, range(len(phrase.words)), voice, phrase.mood, 1.0, rng)
    tracks = articulate(utterance, voice, phrase.intent, phrase.mood, Delivery(), rng)
    return tracks, articulated(excite(tracks, voice, rng), tracks, voice, rng)


@pytest.mark.parametrize("anatomy", EXTREMES)
@pytest.mark.parametrize("symbol", INVENTORY)
def test_every_phoneme_sounds_with_every_anatomy(studio, symbol, anatomy):
    voice = studio.voice(0, gestures=(CallGesture.BARK,), **EXTREMES[anatomy])
    _, sound = speak(studio.phrase(f"a {symbol} a"), voice)
    assert np.isfinite(sound).all()
    assert 0.005 < float(np.sqrt(np.mean(sound**2))) < 1
    assert np.abs(sound).max() < 4
    assert np.abs(sound[:4]).max() < 0.01
    assert np.abs(sound[-4:]).max() < 0.01


SMOOTH = [
    symbol
    for symbol, phoneme in INVENTORY.items()
    if phoneme.voiced and not phone_of(phoneme).frication and not phone_of(phoneme).events
]


@pytest.mark.parametrize("symbol", SMOOTH)
def test_voiced_sounds_have_no_clicks(studio, symbol):
    """A pure tone has no steep slopes of its own: any would be a click."""
    voice = studio.voice(
        6, pitch_hz=200.0, roughness=0.0, subharmonics=0.0, breathiness=0.0, stridulation=0.0, whistle=1.0, folds=1
    )
    phrase = studio.phrase(f"m {symbol} m")
    rng = np.random.default_rng(1)
    utterance = time_phrase(phrase, (0,), voice, phrase.mood, 1.0, rng)
    tracks = articulate(utterance, voice, phrase.intent, phrase.mood, Delivery(), rng)
    tracks = replace(tracks, roughness=np.zeros_like(tracks.roughness), subharmonics=np.zeros_like(tracks.roughness))
    excitation = replace(excite(tracks, voice, rng), breath=np.zeros(len(tracks.pitch_hz) * HOP, np.float32))
    sound = articulated(excitation, tracks, voice, rng)
    steepest = 2 * np.pi * float(tracks.pitch_hz.max()) / RATE * float(np.abs(sound).max())
    assert np.abs(np.diff(sound)).max() < 2.5 * steepest


def test_every_gesture_mood_and_intent_has_a_shape():
    assert set(SHAPES) == set(CallGesture)
    assert set(COLOURS) == set(Mood)
    assert set(TUNES) == set(Intent)


def pitch_line(studio, intent, mood, seed=1):
    phrase = studio.phrase("m a.n u", "l o", "m aa", intent=intent, mood=mood)
    voice = studio.voice(0, gestures=(CallGesture.HUM,), vibrato_semitones=0.0, jitter=0.0, pitch_range_semitones=10.0)
    tracks, _ = speak(phrase, voice, seed)
    return 12 * np.log2(tracks.pitch_hz / voice.pitch_hz)


def test_a_question_rises_and_mourning_falls(studio):
    for seed in range(4):
        question = pitch_line(studio, Intent.QUESTION, Mood.CALM, seed)
        mourning = pitch_line(studio, Intent.MOURNING, Mood.SORROWFUL, seed)
        fifth = len(question) // 5
        assert question[-fifth:].mean() > question[: 4 * fifth].mean() + 2
        assert mourning[-len(mourning) // 5 :].mean() < mourning[: len(mourning) // 5].mean() - 4


def test_moods_have_melodies_of_their_own(studio):
    lines = {}
    for mood in Mood:
        line = pitch_line(studio, Intent.TELLING, mood)
        lines[mood] = np.interp(np.linspace(0, 1, 50), np.linspace(0, 1, len(line)), line)
    assert lines[Mood.FEARFUL].mean() > lines[Mood.CALM].mean() + 2
    assert lines[Mood.SOLEMN].mean() < lines[Mood.CALM].mean() - 1
    pairs = [(a, b) for a in Mood for b in Mood if a.value < b.value]
    assert all(np.abs(lines[a] - lines[b]).max() > 0.8 for a, b in pairs)


def test_moods_set_the_pace(studio):
    phrase = studio.phrase("m a.n u", "l o")
    lengths = {}
    for mood in Mood:
        rng = np.random.default_rng(2)
        lengths[mood] = time_phrase(phrase, (0, 1), studio.voice(0), mood, 1.0, rng).seconds
    assert lengths[Mood.FEARFUL] < lengths[Mood.CALM] < lengths[Mood.SORROWFUL]


def test_tone_raises_its_syllable(studio):
    flat = pitch_line(studio, Intent.TELLING, Mood.CALM)
    phrase = studio.phrase("m a.n u", "l o", "m aa")
    words = phrase.words
    high = type(words[0].syllables[0])(("m", "a"), "ma", True, 8.0)
    raised = type(phrase)(
        phrase.animal_text,
        "",
        phrase.intent,
        phrase.mood,
        (type(words[0])("ma", "", (high, *words[0].syllables[1:])), *words[1:]),
    )
    voice = studio.voice(0, gestures=(CallGesture.HUM,), vibrato_semitones=0.0, jitter=0.0, pitch_range_semitones=10.0)
    tracks, _ = speak(raised, voice)
    line = 12 * np.log2(tracks.pitch_hz / voice.pitch_hz)
    assert line[: len(line) // 8].mean() > flat[: len(flat) // 8].mean() + 5


def spectrum_peak(sound: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    smooth = np.convolve(power, np.ones(41) / 41, mode="same")
    band = (hertz >= low) & (hertz <= high)
    return float(hertz[band][np.argmax(smooth[band])])


def test_formants_follow_the_length_of_the_tract(studio):
    """The lowest resonance of an open vowel lies at 1.57 quarter waves."""
    for length in (9.0, 17.0, 34.0):
        voice = studio.voice(
            0, length_cm=length, pitch_hz=30.0, breathiness=0.9, roughness=0.0, folds=1, chambers_hz=(), nasality=0.0,
            stridulation=0.0, whistle=0.0, gestures=(CallGesture.HISS,), vibrato_semitones=0.0,
        )  # fmt: skip
        _, sound = speak(studio.phrase("h aa"), voice)
        expected = 1.57 * 35_000 / (4 * length)
        assert spectrum_peak(sound, 0.5 * expected, 1.25 * expected) == pytest.approx(expected, rel=0.2)


def test_vowels_differ_in_their_formants():
    first = {symbol: phone_of(INVENTORY[symbol]).formants for symbol in ("i", "a", "u")}
    assert first["a"][0] > first["i"][0] + 0.5
    assert first["i"][1] > first["u"][1] + 0.5


def test_the_meter_agrees_with_the_standard():
    rng = np.random.default_rng(0)
    time = np.arange(5 * RATE) / RATE
    bursts = np.where(np.sin(2 * np.pi * 0.7 * time) > 0.3, 1.0, 0.001)
    for sound in (
        rng.standard_normal((2, len(time))) * 0.1,
        np.stack([np.sin(2 * np.pi * 997 * time)] * 2) * 0.3,
        rng.standard_normal((2, len(time))) * 0.2 * bursts,
        np.stack([np.sin(2 * np.pi * 60 * time), np.zeros_like(time)]) * 0.5,
    ):
        expected = pyloudnorm.Meter(RATE).integrated_loudness(sound.T)
        assert mastering.integrated_loudness(sound.astype(np.float32)) == pytest.approx(expected, abs=0.1)


def test_the_limiter_holds_the_peaks_of_anything():
    rng = np.random.default_rng(1)
    sound = (rng.standard_normal((2, 2 * RATE)) * 0.01).astype(np.float32)
    for at in rng.integers(0, 2 * RATE - 400, 25):
        sound[:, at : at + 300] += 0.9 * np.sin(np.arange(300) * 1.9).astype(np.float32)
    master = mastering.finish(sound)
    spectrum = np.fft.rfft(master.samples, axis=1)
    peak = np.abs(np.fft.irfft(spectrum, 8 * RATE, axis=1) * 4).max()
    assert peak < 10 ** (-1.0 / 20)
    assert peak > 10 ** (-6 / 20)


def test_silence_stays_finite():
    master = mastering.finish(np.zeros((2, RATE), np.float32))
    assert np.isfinite(master.samples).all()
    assert math.isfinite(master.loudness_lufs)


def test_own_phrases_use_the_inventory_and_follow_the_anatomy(studio):
    rough = studio.voice(1, roughness=1.0, whistle=0.0, pitch_hz=80.0)
    pure = studio.voice(1, roughness=0.0, whistle=1.0, pitch_hz=3000.0)

    def growls(voice):
        sounds = [
            p for seed in range(60) for w in default_phrase(seed, voice).words for s in w.syllables for p in s.phonemes
        ]
        assert set(sounds) <= set(INVENTORY)
        return sum(INVENTORY[sound].manner.value == "growl" for sound in sounds) / len(sounds)

    assert growls(rough) > 2 * growls(pure)
    assert default_phrase(5, rough) == default_phrase(5, rough)


def test_signals_keep_their_promises():
    rng = np.random.default_rng(0)
    assert fast_length(1000) == 1024
    assert fast_length(1100) == 1280
    assert fast_length(1300) == 1536
    assert all(fast_length(count) >= count for count in range(1, 3000, 7))
    assert np.allclose(smoothed(np.ones(100, np.float32), 0.05), 1)
    assert np.allclose(at_audio_rate(np.array([0.0, 1.0, 1.0], np.float32))[:65:32], [0, 0.5, 1])
    track = wander(rng, 2000, 5.0)
    assert track.min() >= 0
    assert track.max() <= 1
    assert np.abs(np.diff(track)).max() < 0.05
    noise = shaped_noise(rng, 4096, np.ones(2049))
    assert float(np.sqrt(np.mean(noise**2))) == pytest.approx(1, rel=1e-3)
