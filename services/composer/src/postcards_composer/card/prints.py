"""The card as a picture to print: A6 at 300 dpi, front above back."""

from io import BytesIO
from math import sqrt

from PIL import Image, ImageDraw

from postcards_composer.card.colour.palette import Palette
from postcards_composer.card.content import CardContent
from postcards_composer.card.materials import Materials, prepare
from postcards_composer.card.spectrogram import coloured
from postcards_composer.card.stamp import design as stamp
from postcards_composer.card.stamp import drawing
from postcards_composer.card.text import speech, wording
from postcards_composer.card.text.pronunciation import pronunciation
from postcards_composer.card.typography import typefaces
from postcards_composer.card.typography.layout import BLEED_ASPECT, name_lines
from postcards_composer.card.typography.lettering import Pen, shortened, wrapped
from postcards_composer.card.typography.typefaces import Face, fitted, font
from postcards_species.streams import Stream

WIDTH, HEIGHT = 1748, 1240
"""One side of the card in pixels."""
_STRIP = WIDTH - HEIGHT
_BAND = 280
_MARGIN = 64
_SPINE = 934


def render_card_png(content: CardContent, materials: Materials | None = None) -> bytes:
    """Front and back of the card below each other, 1748 x 2480 px, PNG at 300 dpi, a fine fold line between them.

    `materials` are those of `content`, where they have been prepared.

    Raises:
        ValueError: the picture or the call cannot be decoded.
    """
    materials = materials or prepare(content)
    image, palette = materials.picture, materials.palette
    sheet = Image.new("RGB", (WIDTH, 2 * HEIGHT), palette.paper)
    _front(sheet, content, image, palette)
    back = Image.new("RGB", (WIDTH, HEIGHT), palette.paper)
    _back(back, content, materials)
    sheet.paste(back, (0, HEIGHT))
    ImageDraw.Draw(sheet).line([(0, HEIGHT), (WIDTH, HEIGHT)], fill=palette.hairline, width=1)
    out = BytesIO()
    sheet.save(out, "PNG", dpi=(300, 300), compress_level=1)
    return out.getvalue()


def _front(sheet: Image.Image, content: CardContent, image: Image.Image | None, palette: Palette) -> None:
    if image is not None and image.width >= BLEED_ASPECT * image.height:
        sheet.paste(_covering(image, WIDTH, HEIGHT), (0, 0))
        _name_slip(sheet, content, palette)
        return
    if image is not None:
        sheet.paste(_covering(image, HEIGHT, HEIGHT), (_STRIP, 0))
    else:
        sheet.paste(_plate(content, palette), (_STRIP, 0))
    sheet.paste(_name_strip(content, palette), (0, 0))


def _covering(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture scaled to cover a box, what is over cut away evenly."""
    scale = max(width / image.width, height / image.height)
    inner_width, inner_height = width / scale, height / scale
    left, top = (image.width - inner_width) / 2, (image.height - inner_height) / 2
    box = (left, top, left + inner_width, top + inner_height)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box)


def _plate(content: CardContent, palette: Palette) -> Image.Image:
    """What stands in for a lost picture: a rosette, as on a bank note, and why."""
    plate = Image.new("RGB", (HEIGHT, HEIGHT), palette.paper)
    draw = ImageDraw.Draw(plate)
    centre = HEIGHT / 2
    for line in stamp.rosette(Stream(content.seed, "plate"), HEIGHT * 0.46):
        points = [(centre + x, centre + y) for x, y in line]
        draw.line([*points, points[0]], fill=palette.accent, width=2)
    reason = next((problem.reason for problem in content.problems if problem.part == "picture"), "")
    lines = wrapped(font(Face.TEXT, 34), reason, 760)[:3]
    half = 70 + 24 * len(lines)
    draw.rectangle([190, centre - half, HEIGHT - 190, centre + half], fill=palette.paper)
    for y in (centre - half, centre + half):
        draw.line([(190, y), (HEIGHT - 190, y)], fill=palette.accent, width=3)
    y = centre - half + 84
    draw.text(
        (centre, y), "The picture was lost in the post.", font=font(Face.PHRASE, 54), fill=palette.ink, anchor="ms"
    )
    for index, text in enumerate(lines):
        draw.text((centre, y + 56 + 44 * index), text, font=font(Face.TEXT, 34), fill=palette.faded, anchor="ms")
    return plate


def _name_strip(content: CardContent, palette: Palette) -> Image.Image:
    """The left of the front: the name, read upwards, and the binomial beside it."""
    lying = Image.new("RGB", (HEIGHT, _STRIP), palette.paper)
    pen = Pen(ImageDraw.Draw(lying))
    lines = name_lines(wording.typographic(content.name))
    longest = max(lines, key=lambda line: typefaces.width_in_ems(Face.DISPLAY, line))
    face = fitted(Face.DISPLAY, longest, 985, min(262, int(330 / (len(lines) * 0.98))))
    binomial = fitted(Face.TEXT_ITALIC, content.binomial, 985, 42)
    leading = 0.98 * face.size
    total = leading * len(lines) + 1.4 * binomial.size
    y = (_STRIP - total) / 2 + 0.79 * face.size
    for line in lines:
        pen.line((46, y), line, face, palette.accent)
        y += leading
    pen.line((46, y - leading + 0.25 * face.size + 1.15 * binomial.size), content.binomial, binomial, palette.ink)
    upright = lying.transpose(Image.Transpose.ROTATE_90)
    label = Pen(ImageDraw.Draw(upright))
    for text, baseline in (("JUNGLE", 66), ("POST", 92)):
        label.tracked((46, baseline), text, font(Face.LABEL, 23), palette.faded, 0.06)
    return upright


def _name_slip(sheet: Image.Image, content: CardContent, palette: Palette) -> None:
    """A slip of paper with the name, on a picture that fills the front."""
    pen = Pen(ImageDraw.Draw(sheet))
    face = fitted(Face.DISPLAY, wording.typographic(content.name), 1100, 118)
    binomial = font(Face.TEXT_ITALIC, 34)
    width = max(face.getlength(wording.typographic(content.name)), binomial.getlength(content.binomial)) + 84
    top = HEIGHT - 56 - 1.25 * face.size - 74
    pen.draw.rectangle([46, top, 46 + width, HEIGHT - 46], fill=palette.paper)
    pen.line((88, top + 30 + 0.8 * face.size), wording.typographic(content.name), face, palette.accent)
    pen.line((88, HEIGHT - 46 - 30), content.binomial, binomial, palette.ink)


def _back(sheet: Image.Image, content: CardContent, materials: Materials) -> None:
    pen = Pen(ImageDraw.Draw(sheet))
    palette = materials.palette
    _sound(sheet, pen, content, materials)
    _speech(pen, content, palette)
    _spine(sheet, pen, content, palette)
    _address(pen, content, palette)
    _postage(sheet, content, materials.picture, palette)


def _postage(sheet: Image.Image, content: CardContent, image: Image.Image | None, palette: Palette) -> None:
    design = stamp.design_stamp(content.seed)
    piece = drawing.draw_stamp(design, image, palette, 392, content.seed)
    piece = piece.rotate(-design.tilt, Image.Resampling.BICUBIC, expand=True)
    sheet.paste(piece, (WIDTH - 42 - piece.width, 38), piece)
    mark = drawing.draw_postmark(
        wording.post_office(content.scene), wording.postmark_date(content.created), 292, content.seed
    )
    mark = mark.rotate(-design.postmark_tilt, Image.Resampling.BICUBIC, expand=True, center=(146, 146))
    sheet.paste(palette.second, (1000, 206 - mark.height // 2 + 0), mark)


def _speech(pen: Pen, content: CardContent, palette: Palette) -> None:
    """The left of the back: what it says, word by word, what it means, and the field note at the foot."""
    width = _SPINE - _MARGIN - 46
    small = next(
        size
        for size in (30, 28, 26, 24, 22)
        if size == 22 or len(wrapped(font(Face.TEXT, size), wording.typographic(content.field_note), width)) <= 6
    )
    note = font(Face.TEXT, small)
    lines = wrapped(note, wording.typographic(content.field_note), width)
    foot = HEIGHT - _BAND - 46 - (len(lines) - 1) * 1.42 * small
    pen.paragraph((_MARGIN, foot), lines, note, palette.ink, 1.42)
    if content.phrase is None:
        pen.tracked((_MARGIN, 92), "WHAT IT SAYS", font(Face.LABEL, 23), palette.accent, 0.06)
        pen.line((_MARGIN, 178), "It kept its own counsel.", font(Face.PHRASE, 72), palette.faded)
        return
    pen.tracked((_MARGIN, 92), wording.said(content.phrase).upper(), font(Face.LABEL, 23), palette.accent, 0.06)
    y = _phrase(pen, content, palette, width)
    hand = font(Face.HAND, 40)
    meaning = wrapped(hand, wording.typographic(content.phrase.english_gloss), width)
    pen.paragraph((_MARGIN, y + 70), meaning[: max(1, int((foot - y - 90) / (1.35 * 40)))], hand, palette.second, 1.35)


def _phrase(pen: Pen, content: CardContent, palette: Palette, width: float) -> float:
    """Sets the phrase with its gloss below each word, and returns the last baseline."""
    assert content.phrase is not None  # noqa: S101 (the caller has looked)
    words = speech.shown_words(content.phrase, ())
    texts = ["".join(s.text + "·" * s.dotted for s in word.syllables) + word.after for word in words]
    ems = typefaces.width_in_ems(Face.PHRASE, " ".join(texts))
    size = int(min(104, max(38, sqrt(250 * width / (1.3 * max(1.0, ems))))))
    face, gloss = font(Face.PHRASE, size), font(Face.TEXT_ITALIC, 27 if size > 50 else 23)
    x, y = float(_MARGIN), 110 + 0.9 * size
    for word, text in zip(words, texts, strict=True):
        wide = max(face.getlength(text), gloss.getlength(word.gloss))
        if x > _MARGIN and x + wide > _MARGIN + width:
            x, y = float(_MARGIN), y + 1.12 * size + 1.1 * gloss.size
        at = x
        for syllable in word.syllables:
            at += pen.line((at, y), syllable.text, face, palette.accent if syllable.stressed else palette.ink)
            if syllable.dotted:
                at += pen.line((at, y), "·", face, palette.hairline)
        pen.line((at, y), word.after, face, palette.ink)
        pen.line((x, y + 0.24 * size + 0.85 * gloss.size), word.gloss, gloss, palette.second)
        x += wide + 0.3 * size
    return y + 0.24 * size + 0.85 * gloss.size


def _spine(sheet: Image.Image, pen: Pen, content: CardContent, palette: Palette) -> None:
    top, bottom = 60, HEIGHT - _BAND - 46
    pen.draw.line([(_SPINE, top), (_SPINE, bottom)], fill=palette.hairline, width=2)
    lying = Image.new("RGB", (bottom - top, 24), palette.paper)
    text = f"JUNGLE POST · NO. {wording.serial(content.seed)} · PRINTED BY LIGHT AND LUNGS"
    Pen(ImageDraw.Draw(lying)).tracked((0, 19), text, font(Face.LABEL, 15), palette.faded, 0.1)
    sheet.paste(lying.transpose(Image.Transpose.ROTATE_90), (_SPINE + 6, top))


def _address(pen: Pen, content: CardContent, palette: Palette) -> None:
    """The right of the back: who it is, how to say it, and the address lines."""
    left, right = _SPINE + 70, WIDTH - 52
    lines = wording.address_lines(content)
    y = HEIGHT - _BAND - 60 - 58 * (len(lines) - 1)
    label = font(Face.LABEL, 18)
    first = y - 58
    for title, text in lines:
        pen.tracked((left, y), title.upper(), label, palette.faded, 0.06)
        hand = fitted(Face.HAND, text, right - left - 134, 32, 25)
        pen.line((left + 134, y - 2), shortened(hand, text, right - left - 134), hand, palette.ink)
        pen.draw.line([(left, y + 14), (right, y + 14)], fill=palette.hairline, width=2)
        y += 58
    say = wrapped(font(Face.TEXT, 25), pronunciation(content.name, content.phonology), right - left - 50)[:2]
    first -= 32 * len(say) + 2 if say else 0
    if say:
        pen.tracked((left, first + 32), "SAY", label, palette.faded, 0.06)
        pen.paragraph((left + 50, first + 32), say, font(Face.TEXT, 25), palette.faded, 1.26)
    face = fitted(Face.DISPLAY, wording.typographic(content.name), right - left, 52)
    wide = pen.line((left, first - 14), wording.typographic(content.name), face, palette.ink)
    binomial = font(Face.TEXT_ITALIC, 30)
    if wide + 20 + binomial.getlength(content.binomial) <= right - left:
        pen.line((left + wide + 20, first - 14), content.binomial, binomial, palette.ink)


def _sound(sheet: Image.Image, pen: Pen, content: CardContent, materials: Materials) -> None:
    """The foot of the back: the call as a spectrogram with the words where they sound."""
    top = HEIGHT - _BAND
    palette, spectrogram = materials.palette, materials.spectrogram
    pen.draw.rectangle([0, top, WIDTH, HEIGHT], fill=palette.night)
    if spectrogram is None:
        reason = next((problem.reason for problem in content.problems if problem.part == "call"), "")
        pen.line((_MARGIN, top + 130), "No call was recorded.", font(Face.PHRASE, 52), palette.glow)
        text = shortened(font(Face.TEXT, 30), reason, WIDTH - 2 * _MARGIN)
        pen.line((_MARGIN, top + 186), text, font(Face.TEXT, 30), palette.glow)
        return
    tall = _BAND - 58 if content.timings else _BAND
    sheet.paste(coloured(spectrogram, palette.ramp).resize((WIDTH, tall), Image.Resampling.BICUBIC), (0, top))
    words = content.phrase.words if content.phrase else ()
    scale = WIDTH / spectrogram.seconds
    for index, timing in enumerate(content.timings):
        if timing.word_index >= len(words):
            continue
        x, end = timing.start_seconds * scale, timing.end_seconds * scale
        after = content.timings[index + 1].start_seconds * scale if index + 1 < len(content.timings) else float(WIDTH)
        pen.draw.line([(x, top + tall + 3), (max(x + 2, end - 3), top + tall + 3)], fill=palette.glow, width=2)
        text = wording.typographic(words[timing.word_index].text)
        face = fitted(Face.PHRASE, text, after - x - 8, 34, 1)
        if face.size >= 13:
            pen.line((x, top + tall + 38), text, face, palette.glow)
