from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from postcards_composer.card import CardContent, Problem, render_card_png, render_preview

Cards = Callable[..., CardContent]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def flat(size: tuple[int, int], colour: object, mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def test_it_is_two_sides_of_a6_at_300_dpi(a_card: Cards):
    image = Image.open(BytesIO(render_card_png(a_card())))
    assert image.size == (1748, 2480)
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_square_picture_stands_whole_beside_the_name(a_card: Cards):
    sheet = pixels(render_card_png(a_card(image_png=flat((512, 512), (200, 30, 30)))))
    assert (sheet[:1240, 508:] == (200, 30, 30)).all()
    assert (sheet[600, :20] > 220).all()


def test_a_wide_picture_fills_the_front(a_card: Cards):
    sheet = pixels(render_card_png(a_card(image_png=flat((1408, 1000), (30, 90, 30)))))
    assert (sheet[:600] == (30, 90, 30)).all()


def test_the_call_is_drawn_at_the_foot_of_the_back(a_card: Cards):
    sounding = pixels(render_card_png(a_card()))[-280:]
    silent = pixels(render_card_png(a_card(call_mp3=None, timings=())))[-280:]
    assert np.ptp(sounding[:200], axis=(0, 1)).min() > 120
    assert (silent[:60] == silent[0, 0]).all()


@pytest.mark.parametrize("part", ["picture", "call", "phrase"])
def test_any_part_may_be_missing(a_card: Cards, part: str):
    changes = {"picture": {"image_png": None}, "call": {"call_mp3": None, "timings": ()}, "phrase": {"phrase": None}}
    reason = "The server was away. " * 30
    sheet = pixels(render_card_png(a_card(**changes[part], problems=(Problem(part, reason),))))
    assert sheet.shape == (2480, 1748, 3)
    assert np.ptp(sheet[:1240]) > 100


@pytest.mark.parametrize("name", ["O", "W" * 64, "Grr-" * 16, "漢字", ""])
def test_names_of_any_length_are_set(a_card: Cards, name: str):
    long = "Wordwithoutanyend" * 30
    assert render_card_png(a_card(name=name, binomial=name, field_note=long, theme=long, temperament=(long,)))


def test_the_preview_is_small_and_keeps_its_shape():
    preview = Image.open(BytesIO(render_preview(flat((1024, 512), "red"))))
    assert (preview.format, preview.size) == ("WEBP", (480, 240))


def test_a_small_picture_is_not_enlarged():
    assert Image.open(BytesIO(render_preview(flat((64, 64), "red")))).size == (64, 64)


def test_what_is_transparent_becomes_white():
    preview = Image.open(BytesIO(render_preview(flat((64, 64), (0, 0, 0, 0), "RGBA"))))
    assert np.asarray(preview.convert("RGB")).min() > 250


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match="picture"):
        render_preview(b"none")
