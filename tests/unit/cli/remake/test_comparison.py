"""How far apart two files are, which verdict that is, and what was otherwise."""

import io
import json
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from postcards.media.v1 import media_pb2

from postcards_cli.remake.comparison import (
    TOLERANCES,
    CannotCompare,
    Distance,
    Verdict,
    compare_part,
    differences_of,
    overall,
    phrase_distance,
    picture_distance,
    sound_distance,
)

COMPUTED = media_pb2.Provenance(engine="creature", engine_version="1")
DENOISED = media_pb2.Provenance(engine="ddpm", engine_version="1", model="animals")
MOST_LEVELS = TOLERANCES["float32"].levels
COARSE = ("float16", "bfloat16")
PIXELS = np.random.default_rng(1).integers(5, 250, (12, 16, 3))
SAMPLES = np.random.default_rng(2).uniform(-0.9, 0.9, (2000, 2))


def png(pixels: np.ndarray, level: int = 6) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG", compress_level=level)
    return out.getvalue()


def flac(samples: np.ndarray, rate: int = 44100) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format="FLAC", subtype="PCM_24")
    return out.getvalue()


def phrase(*words: str, gloss: str = "Come.") -> bytes:
    said = {"animal_text": " ".join(words), "english_gloss": gloss, "words": [{"text": word} for word in words]}
    return json.dumps({"postcard": "p", "species": "s", "phrase": said}).encode()


def verdict(part: str, kept: dict[str, bytes], again: dict[str, bytes], then=COMPUTED) -> Verdict:
    return compare_part(part, kept, again, then, then).verdict


def moved(step: int) -> np.ndarray:
    pixels = PIXELS.copy()
    pixels[3, 4, 1] += step
    return pixels


@given(st.integers(0, 5))
def test_pictures_are_as_far_apart_as_their_farthest_channel(step):
    distance = picture_distance("image.png", png(PIXELS), png(moved(step)))
    assert distance.max_levels == step
    assert distance.mean_levels == pytest.approx(step / PIXELS.size, abs=1e-6)


def test_the_distance_of_pictures_has_no_direction_and_does_not_wrap():
    dark, light = np.zeros_like(PIXELS), np.full_like(PIXELS, 255)
    assert picture_distance("x", png(dark), png(light)) == picture_distance("x", png(light), png(dark))
    assert picture_distance("x", png(dark), png(light)).max_levels == 255


@given(st.floats(1e-5, 0.05))
def test_calls_are_as_far_apart_as_their_farthest_sample(step):
    louder = SAMPLES.copy()
    louder[700, 0] += step
    distance = sound_distance("call.flac", flac(SAMPLES), flac(louder))
    assert distance.max_difference == pytest.approx(step, rel=0.01, abs=3e-7)


def test_the_signal_to_noise_ratio_is_that_of_the_powers():
    rng = np.random.default_rng(3)
    noisy = SAMPLES + rng.normal(0, SAMPLES.std() / 100, SAMPLES.shape)
    assert sound_distance("c", flac(SAMPLES), flac(noisy)).snr_db == pytest.approx(40, abs=0.5)
    assert sound_distance("c", flac(SAMPLES), flac(SAMPLES)).snr_db is None


def rounded(signal: np.ndarray, snr_db: float, seed: int = 4) -> np.ndarray:
    """With noise so far below its contrast."""
    noise = np.random.default_rng(seed).normal(0, 1, signal.shape)
    return signal + noise / noise.std() * signal.std() / 10 ** (snr_db / 20)


@pytest.mark.parametrize("brighter", [0, 40])
def test_the_noise_of_a_picture_is_measured_by_its_contrast_not_by_its_brightness(brighter):
    plain = PIXELS // 2 + 50 + brighter
    distance = picture_distance("x", png(plain), png(np.round(rounded(plain, 20))))
    assert distance.snr_db == pytest.approx(20, abs=0.3)
    assert picture_distance("x", png(plain), png(plain)).snr_db is None
    flat = np.full_like(PIXELS, 90)
    assert picture_distance("x", png(flat), png(flat + 3)).snr_db is None


def test_what_has_another_shape_has_no_distance():
    assert picture_distance("x", png(PIXELS), png(PIXELS[:8])).other_shape == "16 x 12 pixels, then 16 x 8 pixels"
    assert sound_distance("x", flac(SAMPLES), flac(SAMPLES[:1000])).other_shape
    assert sound_distance("x", flac(SAMPLES), flac(SAMPLES, 22050)).other_shape


@pytest.mark.parametrize(
    ("again", "other"),
    [
        (phrase("ka", "to", "mi"), 0),
        (phrase("ka", "ti", "mi"), 1),
        (phrase("ka", "to"), 1),
        (phrase("ka", "to", "mi", "ma"), 1),
        (phrase("x", "y", "z"), 3),
        (phrase("ka", "to", "mi", gloss="Go."), 3),
    ],
)
def test_words_of_phrases_that_differ(again, other):
    assert phrase_distance("phrase.json", phrase("ka", "to", "mi"), again).other_words == other


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b'{"phrase": 3}', b'{"phrase": {"words": 3}}'])
def test_what_is_no_phrase_is_not_compared(data):
    with pytest.raises(CannotCompare):
        phrase_distance("phrase.json", phrase("ka"), data)


@pytest.mark.parametrize(
    ("part", "name"), [("image", "image.png"), ("audio", "call.flac"), ("language", "phrase.json")]
)
def test_what_cannot_be_read_is_not_compared(part, name):
    whole = {"image": png(PIXELS), "audio": flac(SAMPLES), "language": phrase("ka")}[part]
    with pytest.raises(CannotCompare, match=name):
        compare_part(part, {name: whole}, {name: b"something else"}, COMPUTED, COMPUTED)


def test_equal_bytes_need_no_look():
    nonsense = {"image.png": b"no picture at all"}
    assert verdict("image", nonsense, nonsense) is Verdict.EQUAL


@given(st.integers(1, 6))
def test_a_model_has_a_tolerance_and_a_computation_has_none(step):
    kept, again = {"image.png": png(PIXELS)}, {"image.png": png(moved(step))}
    assert verdict("image", kept, again) is Verdict.DIFFERENT
    near = Verdict.WITHIN_TOLERANCE if step <= MOST_LEVELS else Verdict.DIFFERENT
    assert verdict("image", kept, again, DENOISED) is near


def made_in(dtype: str, device: str = "cpu") -> media_pb2.Provenance:
    told = media_pb2.Provenance(engine="stable-diffusion", engine_version="1", model="m", device=device)
    told.settings["dtype"] = json.dumps(dtype)
    return told


@given(st.floats(3, 27), st.sampled_from(COARSE), st.sampled_from(["image", "audio"]), st.integers(0, 9))
def test_in_half_precision_the_whole_counts_and_not_the_farthest_point(snr_db, dtype, part, seed):
    border = TOLERANCES[dtype].snr_db
    assume(abs(snr_db - border) > 1)
    if part == "image":
        middle = np.round(PIXELS * 0.5 + 60)
        kept, again = {"image.png": png(middle)}, {"image.png": png(rounded(middle, snr_db, seed).clip(0, 255))}
    else:
        middle = SAMPLES * 0.3
        kept, again = {"call.flac": flac(middle)}, {"call.flac": flac(rounded(middle, snr_db, seed).clip(-1, 1))}
    compared = compare_part(part, kept, again, made_in(dtype), made_in(dtype))
    assert (compared.verdict is Verdict.WITHIN_TOLERANCE) == (snr_db > border)
    assert f"{dtype} rounds otherwise in company" in compared.reason
    whole = compare_part(part, kept, again, made_in("float32"), made_in("float32"))
    assert (whole.verdict, whole.reason) == (Verdict.DIFFERENT, "")


@given(st.sampled_from(COARSE), st.integers(0, 99))
def test_another_picture_is_never_the_same_but_for_rounding(dtype, seed):
    other = np.random.default_rng(seed + 5).permutation(PIXELS.ravel()).reshape(PIXELS.shape)
    assert verdict("image", {"image.png": png(PIXELS)}, {"image.png": png(other)}, made_in(dtype)) is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("then", "now", "near"),
    [
        (made_in("float32"), made_in("float32"), False),
        (made_in("float16"), made_in("float32"), True),
        (made_in("float32"), made_in("bfloat16"), True),
        (made_in("float32", "cuda:0 NVIDIA H100"), made_in("float32"), True),
        (made_in("float8"), made_in("something"), False),
        (DENOISED, DENOISED, False),
    ],
)
def test_the_coarser_numbers_of_then_and_now_count(then, now, near):
    kept, again = {"image.png": png(PIXELS)}, {"image.png": png(rounded(PIXELS, 24).clip(0, 255))}
    assert compare_part("image", kept, again, then, now).verdict.good is near


def test_later_numbers_forgive_more_and_what_is_computed_is_forgiven_nothing():
    borders = [tolerance.snr_db for tolerance in TOLERANCES.values()]
    assert borders == sorted(borders, reverse=True)
    told = made_in("float16")
    told.model = ""
    kept, again = {"image.png": png(PIXELS)}, {"image.png": png(moved(1))}
    assert compare_part("image", kept, again, told, told).verdict is Verdict.DIFFERENT


def test_the_same_pixels_in_other_bytes_are_within_any_tolerance():
    kept, again = {"image.png": png(PIXELS, 1)}, {"image.png": png(PIXELS, 9)}
    assert kept != again
    assert verdict("image", kept, again) is Verdict.WITHIN_TOLERANCE


def test_a_print_is_judged_by_the_sample_that_it_is_made_from():
    spotted = PIXELS.copy()
    spotted[0, 0] = 255 - spotted[0, 0]
    kept = {"image.png": png(PIXELS), "raw.png": png(PIXELS)}
    assert verdict("image", kept, kept | {"image.png": png(spotted)}, DENOISED) is Verdict.WITHIN_TOLERANCE
    assert verdict("image", kept, kept | {"image.png": png(255 - PIXELS)}, DENOISED) is Verdict.DIFFERENT
    assert verdict("image", kept, kept | {"raw.png": png(moved(5))}, DENOISED) is Verdict.DIFFERENT
    assert verdict("image", kept, {"image.png": png(spotted)}, DENOISED) is Verdict.DIFFERENT, "no sample to judge by"


@pytest.mark.parametrize(("step", "near"), [(0.9e-3, True), (1.2e-3, False)])
def test_a_call_of_a_model_has_a_tolerance(step, near):
    kept = {"call.flac": flac(SAMPLES), "call.mp3": b"mp3"}
    again = {"call.flac": flac(np.clip(SAMPLES + step, -1, 1)), "call.mp3": b"mp3"}
    assert verdict("audio", kept, again) is Verdict.DIFFERENT
    assert verdict("audio", kept, again, DENOISED) is (Verdict.WITHIN_TOLERANCE if near else Verdict.DIFFERENT)


def test_an_mp3_that_is_encoded_otherwise_is_no_other_call():
    mp3 = io.BytesIO()
    soundfile.write(mp3, SAMPLES, 44100, format="MP3")
    kept = {"call.flac": flac(SAMPLES), "call.mp3": mp3.getvalue()}
    other = io.BytesIO()
    soundfile.write(other, SAMPLES * 0.99, 44100, format="MP3")
    assert verdict("audio", kept, kept | {"call.mp3": other.getvalue()}) is Verdict.WITHIN_TOLERANCE


def test_a_phrase_is_the_same_word_for_word_or_another():
    kept = {"phrase.json": phrase("ka", "to")}
    spaced = {"phrase.json": json.dumps(json.loads(kept["phrase.json"]), indent=4).encode()}
    assert verdict("language", kept, spaced) is Verdict.WITHIN_TOLERANCE
    assert verdict("language", kept, {"phrase.json": phrase("ka", "ti")}, DENOISED) is Verdict.DIFFERENT


def test_nothing_is_never_equal():
    with pytest.raises(CannotCompare):
        compare_part("image", {"image.png": b"x"}, {}, COMPUTED, COMPUTED)


@pytest.mark.parametrize(("part", "module"), [("image", "numpy"), ("audio", "soundfile")])
def test_a_missing_library_is_one_line_with_what_to_do(monkeypatch, part, module):
    monkeypatch.setitem(sys.modules, module, None)
    name = {"image": "image.png", "audio": "call.flac"}[part]
    with pytest.raises(CannotCompare, match=rf"{module} is not installed.*postcards-cli\[verify\]"):
        compare_part(part, {name: b"1"}, {name: b"2"}, COMPUTED, COMPUTED)


def test_what_was_otherwise():
    then = media_pb2.Provenance(
        engine="ddpm",
        engine_version="1",
        model="animals",
        model_revision="sha256:aa",
        device="cuda:0 NVIDIA H100",
        settings={"steps": "20", "guidance_scale": "3.0", "gone": "1"},
        libraries={"numpy": "2.4"},
        notes=["a note", "another"],
        usage={"prompt_tokens": 5},
    )
    now = media_pb2.Provenance()
    now.CopyFrom(then)
    assert differences_of(then, now) == ()
    now.model_revision, now.device = "sha256:bb", "cpu"
    now.settings["steps"], now.settings["guidance_scale"], now.settings["new"] = "30", "3", "true"
    now.settings["exact"] = "false"
    del now.settings["gone"]
    now.libraries["numpy"] = "2.5"
    now.model_files["a.onnx"] = "ff"
    now.usage["prompt_tokens"] = 9
    del now.notes[0]
    found = {item.what: (item.then, item.now) for item in differences_of(then, now)}
    assert found == {
        "model_revision": ("sha256:aa", "sha256:bb"),
        "device": ("cuda:0 NVIDIA H100", "cpu"),
        "settings.steps": ("20", "30"),
        "settings.gone": ("1", ""),
        "settings.new": ("", "true"),
        "libraries.numpy": ("2.4", "2.5"),
        "note": ("a note", ""),
    }
    then.model_files["a.onnx"] = "ee"
    assert "model_files.a.onnx" in {item.what for item in differences_of(then, now)}


@given(st.lists(st.sampled_from(Verdict), min_size=1, max_size=3))
def test_the_whole_is_good_only_when_every_part_is(verdicts):
    assert overall(verdicts).good == all(one.good for one in verdicts)
    assert overall(verdicts) in verdicts or overall(verdicts) is Verdict.EQUAL


def test_a_distance_is_plain_json():
    view = Distance("image.png", max_levels=2, mean_levels=0.5).view()
    assert json.loads(json.dumps(view)) == {"file": "image.png", "equal": False, "max_levels": 2, "mean_levels": 0.5}
