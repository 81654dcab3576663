"""What page and print share: decoded once, and the same as if each had done it."""

import pytest

from postcards_composer.card import prepare, render_card_html, render_card_png
from postcards_composer.card import spectrogram as spectrograms
from postcards_composer.card.assembly import render_card


def test_shared_materials_change_nothing(a_card):
    content = a_card()
    page, sheet = render_card(content)
    assert page.data == render_card_html(content)
    assert sheet.data == render_card_png(content)


def test_the_call_is_analysed_once(a_card, monkeypatch):
    decoded = []
    monkeypatch.setattr(spectrograms, "_mono", lambda sound, mono=spectrograms._mono: decoded.append(1) or mono(sound))
    render_card(a_card())
    assert len(decoded) == 1


def test_what_is_missing_is_missing(a_card):
    materials = prepare(a_card(image_png=None, call_mp3=None))
    assert materials.picture is None
    assert materials.spectrogram is None


def test_a_broken_picture_is_told(a_card):
    with pytest.raises(ValueError, match="picture"):
        prepare(a_card(image_png=b"no picture"))
