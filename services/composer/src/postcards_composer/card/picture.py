"""The picture of a card: decoded once, scaled and encoded for where it is shown."""

from io import BytesIO

from PIL import Image

PREVIEW_PIXELS = 480


def render_preview(image_png: bytes) -> bytes:
    """A WebP of the picture, its longer side 480 px (never enlarged), for lists and progress."""
    with Image.open(BytesIO(image_png)) as image:
        preview = image.convert("RGB")
    preview.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS), Image.Resampling.LANCZOS)
    out = BytesIO()
    preview.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
