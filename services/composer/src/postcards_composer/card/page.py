"""The card as one HTML file that needs nothing else."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from math import pi, sin, sqrt
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from postcards_composer.card import picture
from postcards_composer.card.colour.oklch import hex_of
from postcards_composer.card.colour.palette import Palette
from postcards_composer.card.content import CardContent, Making
from postcards_composer.card.materials import Materials, prepare
from postcards_composer.card.spectrogram import coloured
from postcards_composer.card.stamp import design as stamp
from postcards_composer.card.text import speech, wording
from postcards_composer.card.text.pronunciation import pronunciation
from postcards_composer.card.typography import typefaces
from postcards_composer.card.typography.layout import BLEED_ASPECT, name_lines
from postcards_species.streams import Stream

_ENGRAVING = (328, 368)
_LONG_SETTING = 90


def _icon_of(name: str, path: str) -> Markup:
    return Markup('<svg class="icon-{}" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(name, path)


_ICONS = {
    "play": Markup(
        '<svg class="icon-play" viewBox="0 0 24 24" aria-hidden="true"><path d="M7.5 4.2v15.6L20 12z"/></svg>'
    ),
    "pause": _icon_of("pause", "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z"),
}


@dataclass(frozen=True)
class _StampView:
    value: int
    unit: str
    tilt: float
    postmark_tilt: float
    wear: int
    perforation: str
    guilloche: tuple[str, ...]
    engraving: str


@dataclass(frozen=True)
class _SyllableView:
    text: str
    stressed: bool
    dotted: bool
    at: str


@dataclass(frozen=True)
class _WordView:
    text: str
    gloss: str
    after: str
    syllables: tuple[_SyllableView, ...]


@dataclass(frozen=True)
class _LineView:
    label: str
    text: str
    summary: str
    """What is shown in its place until it is unfolded; empty: it is not folded."""


@dataclass(frozen=True)
class _MakingView:
    part: str
    lines: tuple[_LineView, ...]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("postcards_composer.card"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@cache
def _static(name: str) -> str:
    return files("postcards_composer.card").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _font_faces() -> str:
    return "".join(
        f'@font-face{{font-family:"Card {face.value}";src:url("{typefaces.data_uri(face)}") format("woff2")}}'
        for face in typefaces.Face
    )


def _path(points: Sequence[stamp.Point], closed: bool = True) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else "")


def _waves() -> list[str]:
    """The lines that cancel the stamp, to the right of the postmark's ring."""
    return [
        _path([(148 + x, 38 + 17 * line + 4.5 * sin(2 * pi * x / 52)) for x in range(0, 208, 4)], closed=False)
        for line in range(6)
    ]


def _icon(palette: Palette, seed: int) -> str:
    lines = stamp.rosette(Stream(seed, "plate"), 15)[-5::2]
    paths = "".join(f"<path d='{_path(line[::2])}'/>" for line in lines)
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-16 -16 32 32'>"
        f"<circle r='16' fill='{hex_of(palette.paper)}'/>"
        f"<g fill='none' stroke='{hex_of(palette.accent)}' stroke-width='1.1'>{paths}</g></svg>"
    )
    return "data:image/svg+xml," + quote(drawing, safe="/:=' ")


def _sizes(content: CardContent, words: Sequence[_WordView]) -> dict[str, str]:
    """Type sizes that depend on how much there is to set, in hundredths of the card's width."""
    lines = name_lines(wording.typographic(content.name))
    ems = max(0.5, *(typefaces.width_in_ems(typefaces.Face.DISPLAY, line) for line in lines))
    name = min(56 / ems, 19 / (len(lines) * 0.98), 15)
    phrase_text = " ".join("".join(s.text + "·" * s.dotted for s in word.syllables) + word.after for word in words)
    phrase_ems = max(4.0, typefaces.width_in_ems(typefaces.Face.PHRASE, phrase_text))
    return {
        "name": f"{name:.2f}",
        "name-flat": f"{min(74 / ems, 16):.2f}",
        "phrase": f"{min(5.2, max(2.1, sqrt(11.5 * 46 / (1.3 * phrase_ems)))):.2f}",
        "note": f"{1.68 if len(content.field_note) < 260 else 1.55 if len(content.field_note) < 400 else 1.4:.2f}",
    }


def _variables(palette: Palette, sizes: dict[str, str]) -> str:
    colours = {
        name: getattr(palette, name)
        for name in ("paper", "ink", "faded", "accent", "second", "hairline", "table", "night", "glow")
    }
    parts = [f"--{name}:{hex_of(rgb)}" for name, rgb in colours.items()] + [f"--s-{k}:{v}" for k, v in sizes.items()]
    return ":root{" + ";".join(parts) + "}"


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """A content security policy that runs these texts and nothing else, and never leaves the file."""

    def hashes(texts: Sequence[str]) -> str:
        return " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; "
        "img-src data:; media-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _word_views(content: CardContent) -> list[_WordView]:
    if content.phrase is None:
        return []
    shown = speech.shown_words(content.phrase, content.timings)
    return [
        _WordView(
            text=word.text,
            gloss=view.gloss,
            after=view.after,
            syllables=tuple(
                _SyllableView(s.text, s.stressed, s.dotted, " ".join(f"{a:.2f},{b:.2f}" for a, b in s.spans))
                for s in view.syllables
            ),
        )
        for word, view in zip(content.phrase.words, shown, strict=True)
    ]


def _making_view(making: Making) -> _MakingView:
    """How a part was made: who, and what was otherwise than asked, before the settings; lists are folded."""
    notes = [_LineView("note", note, "") for note in making.notes]
    head = [("safety", wording.verdict(making.safety)), ("model", making.model)]
    work = [("device", making.device), *wording.consumed(making.usage)]
    if making.seconds is not None:
        work.append(("made in", f"{making.seconds:.1f} s"))
    settings = [(name.replace("_", " "), wording.setting(value)) for name, value in sorted(making.settings.items())]
    lines = [
        _line("engine", f"{making.engine} {making.engine_version}".strip()),
        *notes,
        *[_line(label, text) for label, text in head],
        _folded("revision", making.revision, wording.short_revision(making.revision)),
        *[_line(label, text) for label, text in (*work, *settings)],
        _folded_table("libraries", making.libraries, "version"),
        _folded_table("model files", making.model_files, "file"),
    ]
    return _MakingView(making.part, tuple(line for line in lines if line.text))


def _line(label: str, text: str) -> _LineView:
    """A line of text; a long one is folded."""
    return _LineView(label, text, f"{len(text)} characters" if len(text) > _LONG_SETTING else "")


def _folded(label: str, text: str, summary: str) -> _LineView:
    return _LineView(label, text, "" if summary == text else summary)


def _folded_table(label: str, table: Mapping[str, str], what: str) -> _LineView:
    """A line that unfolds to one line for each entry of a table."""
    text = "\n".join(f"{name} {text}" for name, text in sorted(table.items()))
    return _LineView(label, text, f"{len(table)} {what}{'' if len(table) == 1 else 's'}")


def _stamp_view(content: CardContent, image: Image.Image | None, palette: Palette) -> _StampView:
    design = stamp.design_stamp(content.seed)
    engraving = ""
    if image is not None:
        mask = stamp.engrave(image, *_ENGRAVING, content.seed)
        engraving = picture.data_uri(
            "image/png", picture.mask_image(stamp.inked(mask, palette.accent, wording.STAMP_PAPER))
        )
    return _StampView(
        value=design.value,
        unit=design.unit,
        tilt=design.tilt,
        postmark_tilt=design.postmark_tilt,
        wear=content.seed % 97,
        perforation=_path(design.perforation),
        guilloche=tuple(_path(line) for line in design.guilloche),
        engraving=engraving,
    )


def render_card_html(content: CardContent, materials: Materials | None = None) -> bytes:
    """The card as one self-contained HTML file, UTF-8, that works offline and from a file URL.

    Its policy lets it load and send nothing. A part that is missing is said to be missing. `materials` are those of
    `content`, where they have been prepared.

    Raises:
        ValueError: the picture or the call cannot be decoded.
    """
    materials = materials or prepare(content)
    image, palette, spectrogram = materials.picture, materials.palette, materials.spectrogram
    words = _word_views(content)
    seconds, strip = content.call_seconds, ""
    if spectrogram is not None:
        seconds = seconds or spectrogram.seconds
        strip = picture.data_uri("image/webp", picture.strip_image(coloured(spectrogram, palette.ramp)))
    style = _font_faces() + _variables(palette, _sizes(content, words)) + _static("card.css")
    script = _static("card.js")
    date = wording.postmark_date(content.created)
    html = (
        _environment()
        .get_template("card.html.j2")
        .render(
            card=content,
            policy=_policy([style], [script]),
            style=Markup(style),  # noqa: S704 (the package's own text and numbers)
            script=Markup(script),  # noqa: S704 (the package's own text)
            icon=_icon(palette, content.seed),
            icons=_ICONS,
            front="bleed" if image is not None and image.width >= BLEED_ASPECT * image.height else "strip",
            picture=picture.data_uri("image/webp", picture.page_picture(image)) if image is not None else "",
            plate=[] if image else [_path(line) for line in stamp.rosette(Stream(content.seed, "plate"), 100)],
            call=picture.data_uri("audio/mpeg", content.call_mp3) if content.call_mp3 else "",
            seconds=seconds,
            spoken=wording.spoken_length(seconds),
            clock=wording.clock(seconds),
            strip=strip,
            words=words,
            name=wording.typographic(content.name),
            makings=[_making_view(making) for making in content.makings],
            said=wording.said(content.phrase) if content.phrase else "",
            meaning=wording.typographic(content.phrase.english_gloss) if content.phrase else "",
            note=wording.typographic(content.field_note),
            name_lines=name_lines(wording.typographic(content.name)),
            say=pronunciation(content.name, content.phonology),
            address=wording.address_lines(content),
            facts=wording.facts(content),
            problems={problem.part: problem.reason for problem in content.problems}
            | {part: "" for part in ("picture", "call", "phrase") if part not in {p.part for p in content.problems}},
            serial=wording.serial(content.seed),
            office=wording.post_office(content.scene),
            date=date,
            date_parts=date.split(" "),
            waves=_waves(),
            stamp=_stamp_view(content, image, palette),
        )
    )
    return html.encode("utf-8")
