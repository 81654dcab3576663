"""Compares what was made again with what is kept: are they equal, how far apart are they, and what may be the cause.

Equal bytes need no look. Other pictures are decoded with Pillow and numpy, other calls with soundfile: these are
imported only then, and come with `postcards-cli[verify]`.
"""

import hashlib
import io
import json
import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, cast

from postcards.media.v1 import media_pb2

from postcards_client.errors import PostcardsError

FILES = {
    "image": ("raw.png", "image.png"),
    "language": ("phrase.json",),
    "audio": ("call.flac", "call.mp3"),
}
"""The files of a part that are made again. The first that is there is judged by the tolerance: a print and an MP3 make
much of little."""
MAIN_FILES = {"image": "image.png", "language": "phrase.json", "audio": "call.flac"}
"""The file without which a part is none."""


@dataclass(frozen=True)
class Tolerance:
    """How far apart two files may be that are the same but for rounding: by their farthest point, or as a whole."""

    levels: int = 0
    """Grey levels (of 255) by which any channel of any pixel may differ."""
    difference: float = 0.0
    """Difference of any sample; full scale is 1."""
    mean_levels: float = 0.0
    """Mean difference in grey levels of a print whose untouched sample is near enough: ink falls here or there."""
    snr_db: float = math.inf
    """See `Distance.snr_db`: from here on the whole is the same, whatever its farthest point."""

    def covers(self, distance: "Distance") -> bool:
        """Whether two files are that near."""
        return distance.equal or self.covers_everywhere(distance) or _at_least(distance.snr_db, self.snr_db)

    def covers_everywhere(self, distance: "Distance") -> bool:
        """Whether no point of them is farther apart than it may be."""
        return _at_most(distance.max_levels, self.levels) or _at_most(distance.max_difference, self.difference)


COMPUTED = Tolerance()
"""Of engines that compute without a model."""
TOLERANCES = {
    "float32": Tolerance(levels=2, difference=1e-3, mean_levels=2.0),
    "tf32": Tolerance(levels=2, difference=1e-3, mean_levels=8.0, snr_db=20.0),
    "float16": Tolerance(levels=2, difference=1e-3, mean_levels=8.0, snr_db=20.0),
    "bfloat16": Tolerance(levels=2, difference=1e-3, mean_levels=8.0, snr_db=15.0),
}
"""Of models that denoise, by the numbers that they compute in; later ones are coarser.

With other rows in the step, or on another device, the same sums are rounded otherwise, and many steps carry that on.
float32 has 24 bits: alone and in company differ by one level at most. tf32 and float16 have 11 bits, bfloat16 has 8: a
whole run in them lies 36 to 41 and 22 to 28 dB from one in float32 with tiny models; large ones under strong guidance
carry rounding farther. Other words are 5 dB away there, another seed -2 dB: the borders lie well between.
"""

_OFF = ("false", "null", '""')
"""Settings, as JSON, that mean the same as none: an older manifest does not know them."""
_OF_AN_API = "a model behind an API need not say the same twice: what is kept is the original"


class Verdict(Enum):
    """What became of a part."""

    EQUAL = "equal"
    """Every file has the SHA-256 that it had."""
    WITHIN_TOLERANCE = "equal within tolerance"
    """As near as the engine that made it promises."""
    DIFFERENT = "different"
    """Farther away than that."""
    DAMAGED = "damaged"
    """A kept file is not the one that the manifest names."""
    MISSING = "missing"
    """A kept file is gone."""
    NOT_MADE = "not made again"
    """It could not be made."""
    NOT_COMPARED = "not compared"
    """It was made, but nobody can say how far away it is."""

    @property
    def good(self) -> bool:
        """Whether the part is what it was."""
        return self in (Verdict.EQUAL, Verdict.WITHIN_TOLERANCE)


class CannotCompare(PostcardsError):  # noqa: N818 - a word of the domain, as its siblings
    """A library for looking into files is missing, or a file cannot be read."""


@dataclass(frozen=True)
class Distance:
    """How far apart two files are. Only the numbers of its kind are set."""

    file: str
    """Name of the file."""
    equal: bool = False
    """Whether the bytes are equal."""
    max_levels: int | None = None
    """Picture: largest difference of a channel, in grey levels of 255."""
    mean_levels: float | None = None
    """Picture: mean difference, in grey levels of 255."""
    max_difference: float | None = None
    """Call: largest difference of a sample; full scale is 1."""
    snr_db: float | None = None
    """Power of the call, or of the contrast of the picture, over the power of the difference, in dB; None where there
    is no difference, or nothing that it could be measured by."""
    other_words: int | None = None
    """Phrase: how many words differ."""
    words: int | None = None
    """Phrase: of how many."""
    other_shape: str = ""
    """Why there is no number, e.g. "256 x 256 pixels, then 512 x 512"."""

    def view(self) -> dict[str, Any]:
        """As `--json` shows it."""
        values = {name: value for name, value in vars(self).items() if value is not None and value != ""}
        return values | {"file": self.file, "equal": self.equal}


@dataclass(frozen=True)
class Difference:
    """One thing that was otherwise when a part was made again."""

    what: str
    """E.g. "model_revision", "libraries.numpy"."""
    then: str
    """As the manifest says; empty: not there."""
    now: str
    """As it is now; empty: not there."""


@dataclass(frozen=True)
class Comparison:
    """A part then and now."""

    verdict: Verdict
    """The one word."""
    distances: tuple[Distance, ...] = ()
    """Its files."""
    differences: tuple[Difference, ...] = ()
    """What was otherwise in the making."""
    reason: str = ""
    """Why it could not be compared, or why it may well be another."""
    files: tuple[str, ...] = ()
    """The files that are damaged or missing."""

    def view(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "verdict": self.verdict.value,
            "distances": [distance.view() for distance in self.distances],
            "differences": [vars(difference) for difference in self.differences],
            "reason": self.reason,
            "files": list(self.files),
        }


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a whole postcard: the gravest of its parts'."""
    gravest = (Verdict.DAMAGED, Verdict.MISSING, Verdict.DIFFERENT, Verdict.NOT_MADE, Verdict.NOT_COMPARED)
    for verdict in (*gravest, Verdict.WITHIN_TOLERANCE):
        if verdict in verdicts:
            return verdict
    return Verdict.EQUAL


def compare_part(
    part: str,
    kept: Mapping[str, bytes],
    again: Mapping[str, bytes],
    then: media_pb2.Provenance,
    now: media_pb2.Provenance,
) -> Comparison:
    """Compares the files of a part, as far as both sides have them.

    Engines that compute (no model) promise equal bytes; models that denoise are held to `TOLERANCES`, by the coarser
    numbers of then and now. A phrase is the same word for word, or another.

    Raises:
        CannotCompare: files differ, and they cannot be looked into.
    """
    if MAIN_FILES[part] not in kept or MAIN_FILES[part] not in again:
        raise CannotCompare(f"there is no {MAIN_FILES[part]} to compare", reason="NO_FILE")
    distances = tuple(
        _distance(name, kept[name], again[name]) for name in FILES[part] if name in kept and name in again
    )
    differences = differences_of(then, now)
    if all(distance.equal for distance in distances):
        return Comparison(Verdict.EQUAL, distances, differences)
    if part == "language":
        near = distances[0].other_words == 0
        reason = _OF_AN_API if then.model and not near else ""
    else:
        numbers = max(_numbers_of(then), _numbers_of(now), key=[*TOLERANCES].index)
        tolerance = TOLERANCES[numbers] if then.model else COMPUTED
        near = _is_near(part, distances, tolerance)
        reason = _on_the_whole(numbers, tolerance, distances[0])
    return Comparison(Verdict.WITHIN_TOLERANCE if near else Verdict.DIFFERENT, distances, differences, reason)


def _on_the_whole(numbers: str, tolerance: Tolerance, judged: "Distance") -> str:
    """What is said where a file is judged as a whole; empty where it is judged by its farthest point."""
    if judged.equal or judged.other_shape or tolerance.covers_everywhere(judged) or math.isinf(tolerance.snr_db):
        return ""
    return f"{numbers} rounds otherwise in company: counts as the same from {tolerance.snr_db:.0f} dB below on"


def _numbers_of(provenance: media_pb2.Provenance) -> str:
    """The numbers that a model computed in, one of `TOLERANCES`; where nobody says, those that forgive least."""
    told = provenance.settings.get("dtype", "").strip('"')
    if told not in TOLERANCES:
        return "float32"
    # What torch does there in convolutions of float32, unless it is told not to.
    return "tf32" if told == "float32" and provenance.device.startswith("cuda") else told


def _is_near(part: str, distances: tuple[Distance, ...], tolerance: Tolerance) -> bool:
    """Whether a picture or call that is not equal is within a tolerance."""
    judged, *others = distances
    if part == "audio":
        # What MP3 makes of a call follows from the call.
        return tolerance.covers(judged)
    return tolerance.covers(judged) and all(
        other.equal or _at_most(other.mean_levels, tolerance.mean_levels) for other in others
    )


def _at_most(value: float | None, most: float) -> bool:
    return value is not None and value <= most


def _at_least(value: float | None, least: float) -> bool:
    return value is not None and value >= least


def _distance(name: str, kept: bytes, again: bytes) -> Distance:
    if hashlib.sha256(kept).digest() == hashlib.sha256(again).digest():
        return Distance(name, equal=True)
    if name.endswith(".json"):
        return phrase_distance(name, kept, again)
    return picture_distance(name, kept, again) if name.endswith(".png") else sound_distance(name, kept, again)


def picture_distance(name: str, kept: bytes, again: bytes) -> Distance:
    """How far apart two pictures are. Raises `CannotCompare`."""
    with _libraries():
        numpy, image = import_module("numpy"), import_module("PIL.Image")
    try:
        then, now = (
            numpy.asarray(image.open(io.BytesIO(data)).convert("RGB"), dtype=numpy.int16) for data in (kept, again)
        )
    except (OSError, ValueError) as error:
        raise CannotCompare(f"{name} cannot be read: {error}", reason="UNREADABLE") from None
    if then.shape != now.shape:
        sizes = ", then ".join(f"{array.shape[1]} x {array.shape[0]} pixels" for array in (then, now))
        return Distance(name, other_shape=sizes)
    apart = numpy.abs(then - now)
    return Distance(
        name,
        max_levels=int(apart.max()),
        mean_levels=round(float(apart.mean()), 6),
        snr_db=_decibels(float(then.var()), float(numpy.square(apart, dtype=numpy.float64).mean())),
    )


def sound_distance(name: str, kept: bytes, again: bytes) -> Distance:
    """How far apart two calls are. Raises `CannotCompare`."""
    with _libraries():
        numpy, soundfile = import_module("numpy"), import_module("soundfile")
    try:
        (then, rate), (now, other_rate) = (
            soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True) for data in (kept, again)
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise CannotCompare(f"{name} cannot be read: {error}", reason="UNREADABLE") from None
    if then.shape != now.shape or rate != other_rate:
        lengths = ", then ".join(f"{len(a) / r:.2f} s at {r} Hz" for a, r in ((then, rate), (now, other_rate)))
        return Distance(name, other_shape=lengths)
    apart = then - now
    return Distance(
        name,
        max_difference=float(f"{float(numpy.abs(apart).max()):.3g}"),
        snr_db=_decibels(float(numpy.square(then).mean()), float(numpy.square(apart).mean())),
    )


def _decibels(power: float, noise: float) -> float | None:
    return round(10 * math.log10(power / noise), 2) if noise and power else None


def phrase_distance(name: str, kept: bytes, again: bytes) -> Distance:
    """How many words of two phrases differ; sounds and meanings of a word are part of it. Raises `CannotCompare`."""
    try:
        then, now = (cast("dict[str, Any]", json.loads(data))["phrase"] for data in (kept, again))
        words, other_words = list(then["words"]), list(now["words"])
    except (ValueError, KeyError, TypeError):
        raise CannotCompare(f"{name} cannot be read: it holds no phrase", reason="UNREADABLE") from None
    longest = max(len(words), len(other_words))
    padded = zip(
        words + [None] * (longest - len(words)), other_words + [None] * (longest - len(other_words)), strict=True
    )
    differing = sum(one != other for one, other in padded)
    if not differing and then != now:
        # The words are the same and the sentence is not: its meaning, its intent or its mood.
        differing = longest
    return Distance(name, other_words=differing, words=longest)


def differences_of(then: media_pb2.Provenance, now: media_pb2.Provenance) -> tuple[Difference, ...]:
    """What was otherwise in the making: engine, model, device, settings, libraries, files of the model, notes.

    Files of the model count only where they were written down then. What the making consumed is no difference.
    """
    found = [
        Difference(name, getattr(then, name), getattr(now, name))
        for name in ("engine", "engine_version", "model", "model_revision", "device")
    ]
    for table in ("settings", "libraries", "model_files"):
        before: Mapping[str, str] = getattr(then, table)
        after: Mapping[str, str] = getattr(now, table)
        if table == "model_files" and not before:
            continue
        names = sorted({*before, *after})
        found += [Difference(f"{table}.{name}", before.get(name, ""), after.get(name, "")) for name in names]
    found += [Difference("note", note, "") for note in then.notes if note not in now.notes]
    found += [Difference("note", "", note) for note in now.notes if note not in then.notes]
    return tuple(item for item in found if not _same(item.then, item.now))


def _same(then: str, now: str) -> bool:
    """Whether two texts say the same: numbers may be written in two ways, and what is off may go without saying."""
    if then == now:
        return True
    if not (then and now):
        return (then or now) in _OFF
    try:
        return bool(json.loads(then) == json.loads(now))
    except ValueError:
        return False


@contextmanager
def _libraries() -> Generator[None]:
    """Says in one line which library is missing: a client need not have those that look into files."""
    try:
        yield
    except ImportError as error:
        raise CannotCompare(
            f"the files differ, and {(error.name or 'a library').split('.')[0]} is not installed to say how far: "
            "pip install 'postcards-cli[verify]'",
            reason="LIBRARY_MISSING",
        ) from None
