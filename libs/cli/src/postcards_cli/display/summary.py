"""The card of a postcard in the terminal: who the animal is, what it says, and where it is kept."""

from pathlib import Path

from postcards.composer.v1 import composer_pb2
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from postcards_cli.display.part_texts import PART_TITLES
from postcards_cli.display.picture import Picture
from postcards_cli.json_views import part_name, part_state_name, state_name
from postcards_client.locations import local_path

_PICTURE_COLUMNS = 36
_WIDEST = 100
STATE_STYLES = {"ACTIVE": "green", "PARTIAL": "yellow", "FAILED": "red", "CANCELLED": "yellow", "CREATING": "cyan"}


def card_location(postcard: composer_pb2.Postcard) -> str:
    """Where the card can be opened: its path on this machine, else its URL, else where the postcard is kept."""
    for file in postcard.files:
        if file.name == "card.html" and file.url:
            path = local_path(file.url)
            return str(_plain(path, postcard)) if path is not None else file.url
    return postcard.location


def _plain(path: Path, postcard: composer_pb2.Postcard) -> Path:
    """The short path that leads to the same file, where a folder has one."""
    short = Path(postcard.location) / path.name
    return short if short.is_symlink() and short.resolve() == path.resolve() else path


def print_summary(postcard: composer_pb2.Postcard, console: Console | None = None) -> None:
    """Prints the card of `postcard`: a panel in a terminal, plain lines elsewhere."""
    console = console or Console(highlight=False)
    if console.is_terminal:
        console.print(panel(postcard, console))
    else:
        for line in plain_lines(postcard):
            print(line, file=console.file)


def plain_lines(postcard: composer_pb2.Postcard) -> list[str]:
    """The card as plain lines."""
    species, phrase = postcard.species, postcard.phrase
    state = state_name(postcard.state)
    lines = [f"{species.name or 'A species without a name'} ({species.binomial})" if species.binomial else species.name]
    if phrase.animal_text:
        lines.append(f"says: {phrase.animal_text} = {phrase.english_gloss}")
    if species.field_note:
        lines.append(species.field_note)
    lines.append(f"{state}, seed {postcard.seed}, id {postcard.id}")
    lines.extend(f"{title} {text}" for title, text in _failures(postcard))
    lines.extend(f"{title}: {text}" for title, text in _notes(postcard))
    return lines


def panel(postcard: composer_pb2.Postcard, console: Console) -> RenderableType:
    """The card as a panel, with the picture beside it where the terminal has colours and room."""
    state = state_name(postcard.state)
    style = STATE_STYLES.get(state, "white")
    words = _words(postcard, style)
    picture = _picture(postcard, console)
    body: RenderableType = words
    if picture is not None:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(width=picture.columns)
        grid.add_column(ratio=1, vertical="middle")
        grid.add_row(picture, words)
        body = grid
    return Panel(
        body,
        title=Text(f" {state.lower()} ", style=style) if state != "ACTIVE" else None,
        subtitle=Text(f" seed {postcard.seed} · {postcard.id} ", style="dim"),
        border_style=style,
        padding=(1, 2),
        width=min(console.width, _WIDEST),
    )


def _words(postcard: composer_pb2.Postcard, style: str) -> RenderableType:
    species, phrase = postcard.species, postcard.phrase
    lines = [Text(species.name or "a species without a name", style=f"bold {style}")]
    if species.binomial:
        lines.append(Text(species.binomial, style="italic"))
    if species.parents:
        lines.append(Text(_ancestry(postcard), style="dim"))
    if phrase.animal_text:
        lines += [Text(), Text(f"“{phrase.animal_text}”", style="bold"), Text(phrase.english_gloss, style="cyan")]
    if species.field_note:
        lines += [Text(), Text(species.field_note)]
    failures = _failures(postcard)
    if failures:
        lines.append(Text())
        lines += [Text(f"{title} {text}", style="red") for title, text in failures]
        lines.append(Text(f"postcards repair {postcard.id}  makes what is missing", style="yellow"))
    notes = _notes(postcard)
    if notes:
        lines.append(Text())
        lines += [Text(f"{title}: {text}", style="yellow") for title, text in notes]
    times = _times(postcard)
    if times:
        lines += [Text(), Text(times, style="dim")]
    return Group(*lines)


def _ancestry(postcard: composer_pb2.Postcard) -> str:
    """Parents and temperament, e.g. "60% okapi, 40% octopus · wary, slow"."""
    parents = ", ".join(f"{parent.weight:.0%} {parent.animal.replace('-', ' ')}" for parent in postcard.species.parents)
    return " · ".join(text for text in (parents, ", ".join(postcard.species.temperament)) if text)


def _times(postcard: composer_pb2.Postcard) -> str:
    """How long the parts took, e.g. "picture 1.9 s · call 0.4 s"."""
    return " · ".join(
        f"{_title(part)} {part.duration.ToTimedelta().total_seconds():.1f} s"
        for part in postcard.parts
        if part.HasField("duration") and part.state == composer_pb2.PART_STATE_DONE
    )


def _failures(postcard: composer_pb2.Postcard) -> list[tuple[str, str]]:
    """Parts that are missing, each with why."""
    return [
        (_title(part), f"failed: {part.error.message or part.error.code}")
        if part.state == composer_pb2.PART_STATE_FAILED
        else (_title(part), part_state_name(part.state).lower())
        for part in postcard.parts
        if part.state in (composer_pb2.PART_STATE_FAILED, composer_pb2.PART_STATE_CANCELLED)
    ]


def _notes(postcard: composer_pb2.Postcard) -> list[tuple[str, str]]:
    """What was done otherwise than asked, each with the part."""
    return [(_title(part), note) for part in postcard.parts for note in part.provenance.notes]


def _title(part: composer_pb2.Part) -> str:
    name = part_name(part.kind)
    return PART_TITLES.get(name, name)


def _picture(postcard: composer_pb2.Postcard, console: Console) -> Picture | None:
    """The postcard's small picture, where the terminal can show it and the file is at hand."""
    if console.color_system not in ("truecolor", "256") or console.width < 2 * _PICTURE_COLUMNS + 8:
        return None
    for file in postcard.files:
        path = local_path(file.url) if file.name == "preview.webp" else None
        if path is not None:
            return _read(path)
    return None


def _read(path: Path) -> Picture | None:
    try:
        return Picture(path.read_bytes(), _PICTURE_COLUMNS)
    except (OSError, ValueError):
        return None
