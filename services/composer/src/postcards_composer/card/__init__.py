"""The card: what people see of a postcard. Pure functions from a `CardContent` to the bytes of a file."""

from postcards_composer.card.content import CardContent, Making, Problem
from postcards_composer.card.materials import Materials, prepare
from postcards_composer.card.page import render_card_html
from postcards_composer.card.picture import render_preview
from postcards_composer.card.prints import render_card_png

__all__ = [
    "CardContent",
    "Making",
    "Materials",
    "Problem",
    "prepare",
    "render_card_html",
    "render_card_png",
    "render_preview",
]
