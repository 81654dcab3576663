"""One picture file, as the square that the network learns from."""

import warnings
from io import BytesIO
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

Pixels = npt.NDArray[np.uint8]

MAX_BYTES = 256 * 2**20
"""Largest file that is read."""
MAX_PIXELS = 120_000_000
"""Most pixels that are decoded: a file of a few kilobytes may claim billions."""
LEAST_SIDE = 8
"""Fewest pixels of the shorter side that show anything."""

# EPS would start Ghostscript; the others are no pictures, or only names of other programs' files.
_REFUSED_FORMATS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_TOO_MANY_PIXELS = f"more than {MAX_PIXELS // 10**6} million pixels"
_PHONE_SUFFIXES = (".heic", ".heif")


class UnreadablePictureError(ValueError):
    """The file is no picture that can be used. The message says why, in a few words."""


def suffixes() -> frozenset[str]:
    """Lower-case endings of files that should be pictures, each with its dot."""
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in formats()}
    return frozenset(known | set(_PHONE_SUFFIXES))


def formats() -> list[str]:
    """Names of the formats that are read."""
    Image.init()
    return sorted(set(Image.OPEN) - _REFUSED_FORMATS)


def read_square(data: bytes, side: int) -> Pixels:
    """The middle of a picture, upright, in RGB, scaled by area; transparent parts become white.

    Of an animation it is the first frame.

    Args:
        data: the file.
        side: width and height to make, pixels.

    Returns:
        [side, side, 3].

    Raises:
        UnreadablePictureError: it is none, or too large or too small.
    """
    if len(data) > MAX_BYTES:
        raise UnreadablePictureError(f"larger than {MAX_BYTES // 2**20} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _square(_decoded(data, side), side)
    except UnreadablePictureError:
        raise
    except Image.DecompressionBombError:
        raise UnreadablePictureError(_TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise UnreadablePictureError(_why_unknown(data)) from None
    except MemoryError:
        raise UnreadablePictureError("too large for the memory") from None
    except Exception as fault:
        # Decoders of rare formats raise whatever comes to their authors' minds.
        raise UnreadablePictureError(_in_a_line(fault)) from None


def _decoded(data: bytes, side: int) -> Pixels:
    """The whole picture, [height, width, 3]."""
    with Image.open(BytesIO(data), formats=formats()) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadablePictureError(_TOO_MANY_PIXELS)
        if min(width, height) < LEAST_SIDE:
            raise UnreadablePictureError(f"only {width} x {height} pixels")
        # JPEG decodes to a half, a quarter or an eighth at a fraction of the cost; twice the side is kept to scale by.
        image.draft("RGB", (2 * side, 2 * side))
        image.load()
        return np.asarray(_in_rgb(_upright(image)))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # Notes that no one can read say nothing of which way is up; the picture is as good as any.
        return image


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _in_eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        see_through = image.convert("RGBA")
        white = Image.new("RGBA", see_through.size, "white")
        return Image.alpha_composite(white, see_through).convert("RGB")
    return image.convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """A picture of more than eight bits in grey, by its format's range or, where it has none, by its own."""
    values = np.asarray(image).astype(np.float64)
    low, high = (0.0, 65535.0)
    if values.min() < low or values.max() > high or image.mode == "F":
        low, high = float(values.min()), float(values.max())
    elif values.max() <= 255:
        high = 255.0
    return Image.fromarray(np.clip((values - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8))


def _square(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    middle = np.ascontiguousarray(pixels[top : top + short, left : left + short])
    shrinks = short >= side
    return cast(Pixels, cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def _why_unknown(data: bytes) -> str:
    if not data:
        return "empty"
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"hevc", b"heim", b"msf1"):
        return "a HEIC photo of a phone: save it as JPEG first"
    return "no picture, or damaged"


def _in_a_line(fault: Any) -> str:  # noqa: ANN401 - anything that was raised
    words = " ".join(str(fault).split())
    return (words[:120] or type(fault).__name__).removesuffix(".")
