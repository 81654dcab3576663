"""The picture of a card: decoded once, scaled and encoded for where it is shown."""

from base64 import b64encode
from io import BytesIO

from PIL import Image

PREVIEW_PIXELS = 480
PAGE_PIXELS = 1280


def open_picture(image_png: bytes) -> Image.Image:
    """The decoded picture in RGB; what is transparent becomes white.

    Raises:
        ValueError: it is no picture.
    """
    try:
        with Image.open(BytesIO(image_png)) as image:
            if image.mode in ("RGBA", "LA", "P"):
                solid = image.convert("RGBA")
                ground = Image.new("RGBA", solid.size, "white")
                return Image.alpha_composite(ground, solid).convert("RGB")
            return image.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"the picture cannot be decoded: {error}") from error


def _webp(image: Image.Image, quality: int, method: int) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    return out.getvalue()


def within(picture: Image.Image, pixels: int) -> Image.Image:
    """A copy of the picture whose longer side is at most `pixels`."""
    copy = picture.copy()
    copy.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
    return copy


def render_preview(image_png: bytes) -> bytes:
    """A WebP of the picture, its longer side 480 px (never enlarged), for lists and progress.

    Raises:
        ValueError: it is no picture.
    """
    return _webp(within(open_picture(image_png), PREVIEW_PIXELS), quality=82, method=4)


def page_picture(picture: Image.Image) -> bytes:
    """The picture as it is embedded in the page: a WebP of good quality."""
    return _webp(within(picture, PAGE_PIXELS), quality=86, method=2)


def strip_image(image: Image.Image) -> bytes:
    """A spectrogram as it is embedded in the page."""
    return _webp(image, quality=78, method=2)


def mask_image(mask: Image.Image) -> bytes:
    """A drawing of one ink as a small PNG."""
    out = BytesIO()
    mask.save(out, "PNG", optimize=True)
    return out.getvalue()


def data_uri(content_type: str, data: bytes) -> str:
    """The bytes as a data URI."""
    return f"data:{content_type};base64,{b64encode(data).decode('ascii')}"
