"""Every kind of picture file becomes the same upright RGB square, or is refused in a few words."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from postcards_image.training.data import pictures
from postcards_image.training.data.pictures import UnreadablePictureError, read_square

RED, BLUE = (220, 30, 20), (20, 40, 210)


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    held = BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def halves() -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", (64, 64), BLUE)
    image.paste(RED, (0, 0, 64, 32))
    return image


def near(pixel: np.ndarray, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= tolerance)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "TGA", "JPEG2000"])
def test_formats(kind):
    square = read_square(file(halves(), kind), 16)
    assert square.shape == (16, 16, 3)
    assert square.dtype == np.uint8
    assert near(square[2, 8], RED, 30)
    assert near(square[13, 8], BLUE, 30)


# What each orientation does to a picture; see the EXIF standard, tag 274.
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_that_lies_on_its_side_is_put_upright(orientation, stored, kind):
    exif = Image.Exif()
    exif[274] = orientation
    square = read_square(file(halves().transpose(stored), kind, exif=exif), 16)
    assert near(square[2, 8], RED, 30)
    assert near(square[13, 8], BLUE, 30)


@pytest.mark.parametrize(
    "notes", [b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0junk"]
)
def test_damaged_notes_of_a_camera_spoil_no_picture(notes):
    assert near(read_square(file(halves(), "JPEG", exif=notes), 16)[2, 8], RED, 30)


def test_see_through_parts_are_white():
    image = Image.new("RGBA", (32, 32), (*RED, 0))
    image.paste((*BLUE, 255), (0, 0, 32, 16))
    square = read_square(file(image), 16)
    assert near(square[2, 8], BLUE)
    assert near(square[13, 8], (255, 255, 255))
    half = read_square(file(Image.new("RGBA", (32, 32), (0, 0, 0, 128))), 8)
    assert near(half[4, 4], (127, 127, 127), 2)


def test_palettes_with_a_see_through_colour():
    image = Image.new("P", (32, 32), 1)
    image.putpalette([*RED, *BLUE])
    image.paste(0, (0, 0, 32, 16))
    square = read_square(file(image, "PNG", transparency=1), 16)
    assert near(square[2, 8], RED)
    assert near(square[13, 8], (255, 255, 255))


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey(mode):
    image = Image.new("L", (32, 32), 255).convert(mode)
    assert near(read_square(file(image), 16)[8, 8], (255, 255, 255))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    square = read_square(file(halves().convert("CMYK"), kind), 16)
    assert near(square[2, 8], RED, 40)
    assert near(square[13, 8], BLUE, 40)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey(kind):
    values = np.linspace(0, 65535, 64, dtype=np.uint16)[None].repeat(64, axis=0)
    square = read_square(file(Image.fromarray(values), kind), 16)
    assert square[8, 0, 0] < 12
    assert square[8, 15, 0] > 243
    assert abs(int(square[8, 8, 0]) - 132) < 8


def test_fractions_are_stretched_over_their_range():
    values = np.linspace(-3, 5, 64, dtype=np.float32)[None].repeat(64, axis=0)
    square = read_square(file(Image.fromarray(values), "TIFF"), 16)
    assert square[8, 0, 0] < 12
    assert square[8, 15, 0] > 243


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE, BLUE)]
    data = file(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert near(read_square(data, 16)[8, 8], RED, 20)


@pytest.mark.parametrize("size", [(200, 60), (60, 200), (61, 60)])
def test_the_middle_of_a_picture_that_is_no_square(size):
    image = Image.new("RGB", size, BLUE)
    left, top = size[0] // 2 - 30, size[1] // 2 - 30
    image.paste(RED, (left, top, left + 60, top + 60))
    square = read_square(file(image), 16)
    assert all(near(square[row, column], RED) for row in (1, 14) for column in (1, 14))


def test_scaling_is_by_area():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    square = read_square(file(Image.fromarray(stripes)), 16)
    assert np.all(square == 100)


def test_a_small_picture_is_enlarged():
    assert read_square(file(Image.new("RGB", (9, 8), RED)), 64).shape == (64, 64, 3)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has more pixels than there is memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "no picture, or damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "no picture"),
        (bomb(60_000, 60_000), "^more than 120 million pixels$"),
        (bomb(20_000, 10_000), "more than 120 million"),
        (file(Image.new("RGB", (7, 90))), "only 7 x 90 pixels"),
        (file(halves(), "PNG")[:90], "truncated|broken|damaged|incomplete"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_few_words(data, said):
    with pytest.raises(UnreadablePictureError, match=said) as refused:
        read_square(data, 16)
    assert len(str(refused.value)) < 160
    assert "\n" not in str(refused.value)


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 2**20)
    with pytest.raises(UnreadablePictureError, match="larger than 1 MB"):
        read_square(bytes(2**20 + 1), 16)


def test_a_photo_cut_short_is_refused():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    with pytest.raises(UnreadablePictureError, match="truncated"):
        read_square(file(noise, "JPEG")[:4000], 16)


@settings(max_examples=60)
@given(kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]), data=st.data())
def test_a_file_with_flipped_bytes_is_a_picture_or_is_refused(kind, data):
    content = bytearray(file(halves().resize((24, 24)), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert read_square(bytes(content), 8).shape == (8, 8, 3)
    except UnreadablePictureError as fault:
        assert str(fault)  # noqa: PT017 - both ends are right; anything else that is raised fails


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(data):
    with pytest.raises(UnreadablePictureError, match=r"\w"):
        read_square(data, 8)


def test_no_format_that_starts_another_program_is_read():
    assert not {"EPS", "WMF", "MPEG"} & set(pictures.formats())
    assert {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tiff", ".heic"} <= pictures.suffixes()
    assert ".eps" not in pictures.suffixes()
