"""What both sides of the work on a card need: worked out once, for the page and the print."""

from dataclasses import dataclass

from PIL import Image

from postcards_composer.card.colour.palette import Palette, derive_palette
from postcards_composer.card.content import CardContent
from postcards_composer.card.picture import open_picture
from postcards_composer.card.spectrogram import Spectrogram, analyse


@dataclass(frozen=True)
class Materials:
    """The picture and the call of a card, decoded. Only read, so several threads may use it."""

    picture: Image.Image | None
    """The picture in RGB; None where there is none."""
    palette: Palette
    """The colours of the card."""
    spectrogram: Spectrogram | None
    """The call; None where there is none."""


def prepare(content: CardContent) -> Materials:
    """Decodes what a card is made of.

    Raises:
        ValueError: the picture or the call cannot be decoded.
    """
    picture = open_picture(content.image_png) if content.image_png else None
    return Materials(
        picture=picture,
        palette=derive_palette(picture, content.scene.hue),
        spectrogram=analyse(content.call_mp3) if content.call_mp3 else None,
    )
