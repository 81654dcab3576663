"""The card as one HTML file that needs nothing else."""

from html import escape

from postcards_composer.card.content import CardContent


def render_card_html(content: CardContent) -> bytes:
    """The card as one self-contained HTML file, UTF-8, that works offline and from a file URL."""
    return f"<!doctype html><title>{escape(content.name)}</title><h1>{escape(content.name)}</h1>".encode()
