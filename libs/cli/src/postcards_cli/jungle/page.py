"""The index page of a jungle: plain HTML that works offline, with every card one click away."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from postcards.composer.v1 import composer_pb2

from postcards_cli.json_views import part_name
from postcards_cli.jungle.growing import Grown
from postcards_cli.jungle.roster import Roster

PAGE = "index.html"

_MISSING = {"image": "the picture", "language": "the phrase", "audio": "the call"}

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file: data:"

_STYLE = """
:root { color-scheme: light dark; --paper: #f4efe4; --card: #fffdf7; --ink: #23201a; --soft: #675f50; --line: #d9cfba;
  --accent: #9a3b1f; }
@media (prefers-color-scheme: dark) { :root { --paper: #171613; --card: #211f1b; --ink: #efe9dc; --soft: #b3a994;
  --line: #3b372f; --accent: #f0a27c; } }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(1.25rem, 4vw, 4rem); background: var(--paper); color: var(--ink);
  font: 1rem/1.5 "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }
header { max-width: 46rem; margin: 0 0 clamp(1.5rem, 4vw, 3rem); }
h1 { margin: 0 0 .35em; font-size: clamp(2rem, 6vw, 3.5rem); font-weight: 500; line-height: 1.05;
  letter-spacing: -.015em; text-wrap: balance; }
header p { margin: 0; color: var(--soft); font-size: 1.1rem; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: 1.75rem; margin: 0;
  padding: 0; list-style: none; }
li { min-width: 0; }
a { display: block; height: 100%; padding: .8rem .8rem 1.1rem; border: 1px solid var(--line); border-radius: 3px;
  background: var(--card); color: inherit; text-decoration: none; box-shadow: 0 1px 2px #0001, 0 8px 20px -14px #0006;
  transition: transform .18s ease, box-shadow .18s ease; }
a:hover { transform: translateY(-3px) rotate(-.4deg); box-shadow: 0 2px 4px #0002, 0 18px 30px -16px #0009; }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
img, .blank { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: 2px;
  background: var(--line); }
.blank { display: grid; place-items: center; padding: 1rem; color: var(--soft); font-style: italic;
  text-align: center; }
h2 { margin: .7rem 0 0; font-size: 1.35rem; font-weight: 600; line-height: 1.2; overflow-wrap: anywhere; }
.binomial { margin: 0; color: var(--soft); font-style: italic; overflow-wrap: anywhere; }
.says { margin: .6rem 0 0; overflow-wrap: anywhere; }
.says span { display: block; color: var(--soft); }
.missing { margin: .6rem 0 0; color: var(--accent); font-size: .9rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .9rem; }
@media (prefers-reduced-motion: reduce) { a { transition: none; } a:hover { transform: none; } }
@media print { body { padding: 0; } a { break-inside: avoid; box-shadow: none; } }
""".strip()


@dataclass(frozen=True)
class Entry:
    """One postcard on the page."""

    grown: Grown
    """The postcard, or why there is none."""
    card: Path | None
    """Its card.html on this machine, if there is one."""
    preview: Path | None
    """Its small picture on this machine, if there is one."""


def write_page(folder: Path, roster: Roster, entries: Sequence[Entry]) -> Path:
    """Writes `folder`/index.html, whole or not at all, and returns its path."""
    path = folder / PAGE
    partial = folder / f".{PAGE}"
    partial.write_text(page(folder, roster, entries), "utf-8")
    partial.replace(path)
    return path


def page(folder: Path, roster: Roster, entries: Sequence[Entry]) -> str:
    """The page as HTML; links are relative to `folder`, all text is escaped."""
    title = f"A jungle: {roster.theme}" if roster.theme else "A jungle"
    count = sum(entry.grown.postcard is not None for entry in entries)
    noun = "postcard" if count == 1 else "postcards"
    items = "\n".join(_item(folder, entry) for entry in entries if entry.grown.postcard is not None)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p>{count} {noun} from animals that nobody has met. Open one to see it, hear it and read what it says.</p>
</header>
<main>
<ul>
{items}
</ul>
</main>
<footer><p>Jungle seed {roster.seed}</p></footer>
</body>
</html>
"""


def _item(folder: Path, entry: Entry) -> str:
    postcard = entry.grown.postcard
    if postcard is None:
        raise ValueError("an entry without a postcard has no place on the page")
    species, phrase = postcard.species, postcard.phrase
    name = species.name or "A species without a name"
    lines = [_picture(folder, entry, postcard, name), f'<h2 translate="no">{escape(name)}</h2>']
    if species.binomial:
        lines.append(f'<p class="binomial" translate="no">{escape(species.binomial)}</p>')
    if phrase.animal_text:
        gloss = f"<span>{escape(phrase.english_gloss)}</span>" if phrase.english_gloss else ""
        lines.append(f'<p class="says"><q translate="no">{escape(phrase.animal_text)}</q>{gloss}</p>')
    if missing := missing_parts(postcard):
        lines.append(f'<p class="missing">Still missing: {escape(", ".join(missing))}</p>')
    body = "\n".join(lines)
    target = f' href="{_link(folder, entry.card)}"' if entry.card is not None else ""
    return f"<li><a{target}>\n{body}\n</a></li>"


def _picture(folder: Path, entry: Entry, postcard: composer_pb2.Postcard, name: str) -> str:
    if entry.preview is None:
        return '<div class="blank">no picture yet</div>'
    alt = postcard.alt_text or f"Picture of {name}"
    return f'<img src="{_link(folder, entry.preview)}" alt="{escape(alt)}" width="512" height="512" loading="lazy">'


def missing_parts(postcard: composer_pb2.Postcard) -> list[str]:
    """The parts that are not there, in words."""
    return [
        _MISSING.get(part_name(part.kind), part_name(part.kind))
        for part in postcard.parts
        if part.state != composer_pb2.PART_STATE_DONE
    ]


def _link(folder: Path, path: Path) -> str:
    """A relative link from the page to `path`, escaped for an attribute."""
    return escape(quote(Path(os.path.relpath(path, folder)).as_posix()))
