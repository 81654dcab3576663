from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from postcards_composer.card.colour.oklch import contrast, lch_of, rgb_of
from postcards_composer.card.colour.palette import derive_palette

channels = st.tuples(*[st.integers(0, 255)] * 3)


@given(channels)
def test_a_colour_survives_the_way_to_oklch_and_back(rgb: tuple[int, int, int]):
    assert all(abs(a - b) <= 1 for a, b in zip(rgb_of(lch_of(rgb)), rgb, strict=True))


def test_contrast_is_that_of_the_web_guidelines():
    assert isclose(contrast((0, 0, 0), (255, 255, 255)), 21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@given(st.lists(channels, min_size=1, max_size=6), st.floats(0, 1))
def test_text_is_readable_whatever_the_picture(colours: list[tuple[int, int, int]], turn: float):
    picture = Image.new("RGB", (len(colours) * 8, 24))
    for index, colour in enumerate(colours):
        picture.paste(colour, (index * 8, 0, index * 8 + 8, 24))

    palette = derive_palette(picture, turn)

    for text in (palette.ink, palette.faded, palette.accent, palette.second):
        assert contrast(text, palette.paper) >= 4.5
    assert contrast(palette.ink, palette.table) >= 7
    assert contrast(palette.glow, palette.night) >= 10
    assert contrast(palette.paper, palette.accent) >= 4.5


@given(st.floats(0, 1))
def test_text_is_readable_without_a_picture(turn: float):
    palette = derive_palette(None, turn)
    assert min(contrast(text, palette.paper) for text in (palette.ink, palette.faded, palette.accent)) >= 4.5


def test_the_palette_follows_the_picture():
    red = derive_palette(Image.new("RGB", (64, 64), (200, 40, 30)), 0.5)
    green = derive_palette(Image.new("RGB", (64, 64), (40, 160, 60)), 0.5)
    assert red.accent[0] > red.accent[1] + 60
    assert green.accent[1] > green.accent[0] + 40


def test_the_spectrogram_grows_lighter_with_loudness():
    ramp = derive_palette(Image.new("RGB", (64, 64), (90, 60, 160)), 0.5).ramp
    lightness = [lch_of(rgb).lightness for rgb in ramp]
    assert lightness == sorted(lightness)
