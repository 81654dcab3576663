"""What `postcards replay` and `postcards verify` have found: a table in a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from postcards.composer.v1 import composer_pb2
from postcards.media.v1 import media_pb2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postcards_cli.display.part_texts import PART_TITLES
from postcards_cli.json_views import part_name
from postcards_cli.remake.comparison import Comparison, Difference, Distance, Verdict
from postcards_cli.remake.verify import WITHHELD

_STYLES = {
    Verdict.EQUAL: "green",
    Verdict.WITHIN_TOLERANCE: "green",
    Verdict.DIFFERENT: "red",
    Verdict.DAMAGED: "red",
    Verdict.MISSING: "red",
    Verdict.NOT_MADE: "yellow",
    Verdict.NOT_COMPARED: "yellow",
}
_ENDINGS = {
    Verdict.EQUAL: "made again, it is the same, byte for byte",
    Verdict.WITHIN_TOLERANCE: "made again, it is the same within the tolerance of its engines",
    Verdict.DIFFERENT: "made again, it is not the same",
    Verdict.DAMAGED: "files are not what the manifest says; postcards repair makes lost parts again",
    Verdict.MISSING: "files are missing beside the manifest",
    Verdict.NOT_MADE: "a part could not be made again",
    Verdict.NOT_COMPARED: "a part could not be compared",
}
_MOST_TEXT = 32
"""Characters of a value that a line of differences shows."""

Row = tuple[str, str, str, Sequence[str]]
"""Title of a part, a word and its style, and lines that say more."""


def print_verdicts(
    postcard: composer_pb2.Postcard,
    comparisons: Mapping[str, Comparison],
    damaged_card: Sequence[str],
    verdict: Verdict,
    console: Console | None = None,
) -> None:
    """Prints the verdict on each part and on the whole, how far apart files are, and what was otherwise."""
    makers = {part_name(part.kind): _maker(part.provenance) for part in postcard.parts}
    rows: list[Row] = [
        (
            PART_TITLES[part],
            comparison.verdict.value,
            _STYLES[comparison.verdict],
            [f"by {makers.get(part, '')}", *_lines(comparison)],
        )
        for part, comparison in comparisons.items()
    ]
    if damaged_card:
        rows.append(("card", Verdict.DAMAGED.value, "red", [", ".join(damaged_card)]))
    _print(postcard, rows, f"{verdict.value}: {_ENDINGS[verdict]}", _STYLES[verdict], console)


def print_replay(postcard: composer_pb2.Postcard, view: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints which parts were made again, whether they have the bytes of then, and what was otherwise."""
    rows: list[Row] = []
    for part, made in view["parts"].items():
        if made["error"]:
            rows.append((PART_TITLES[part], "not made again", "yellow", [made["error"]["message"]]))
            continue
        others = [name for name, file in made["files"].items() if not file["same"]]
        word, style = ("other bytes", "cyan") if others else ("same bytes", "green")
        lines = [f"by {made['engine']}", *([WITHHELD] if made["withheld"] else [])]
        lines += [f"not the bytes of then: {', '.join(others)}"] if others else []
        lines += _difference_lines([Difference(**item) for item in made["differences"]])
        rows.append((PART_TITLES[part], word, style, lines))
    _print(postcard, rows, "", "", console)


def _maker(provenance: media_pb2.Provenance) -> str:
    """Who made a part, e.g. "ddpm 1.0.0 with animals"."""
    model = f" with {provenance.model}" if provenance.model else ""
    return f"{provenance.engine} {provenance.engine_version}{model}"


def _lines(comparison: Comparison) -> Iterator[str]:
    if comparison.reason:
        yield ": ".join(text for text in (", ".join(comparison.files), comparison.reason) if text)
    for distance in comparison.distances:
        if not distance.equal:
            yield f"{distance.file}: {distance_text(distance)}"
    yield from _difference_lines(comparison.differences)


def distance_text(distance: Distance) -> str:
    """A distance in words, e.g. "at most 2 of 255 grey levels, 0.01 in the mean, 57 dB below the picture"."""
    if distance.equal:
        return "equal"
    if distance.other_shape:
        return distance.other_shape
    below = "" if distance.snr_db is None else f", {distance.snr_db:.0f} dB below"
    if distance.max_levels is not None:
        noise = f"{below} the picture" if below else ""
        return f"at most {distance.max_levels} of 255 grey levels, {distance.mean_levels:.3g} in the mean{noise}"
    if distance.max_difference is not None:
        noise = f"{below} the call" if below else ""
        return f"samples at most {distance.max_difference:.2g} of full scale apart{noise}"
    if distance.other_words == 0:
        return "the same words, written otherwise"
    return f"{distance.other_words} of {distance.words} words are others"


def _difference_lines(differences: Sequence[Difference]) -> list[str]:
    return [_difference_text(item) for item in differences]


def _difference_text(item: Difference) -> str:
    if item.what == "note":
        return f"noted then: {item.then}" if item.then else f"noted now: {item.now}"
    return f"{item.what}: {_short(item.then)}, now {_short(item.now)}"


def _plain(text: str) -> str:
    """A text of a manifest, which anybody may have written, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _short(text: str) -> str:
    if not text:
        return "none"
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"


def _print(
    postcard: composer_pb2.Postcard, rows: Sequence[Row], ending: str, style: str, console: Console | None
) -> None:
    console = console or Console(highlight=False)
    name, binomial = _plain(postcard.species.name), _plain(postcard.species.binomial)
    names = f"{name} ({binomial})" if binomial else name
    rows = [(title, word, word_style, [*map(_plain, lines)]) for title, word, word_style, lines in rows]
    if not console.is_terminal:
        print(f"{names}, seed {postcard.seed}, id {postcard.id}", file=console.file)
        for title, word, _, lines in rows:
            print(f"{title}: {word}", file=console.file)
            for line in lines:
                print(f"  {line}", file=console.file)
        if ending:
            print(ending, file=console.file)
        return
    console.print(Text.assemble((name, "bold"), "  ", (binomial, "italic")))
    console.print(Text(f"seed {postcard.seed} · {postcard.id}", style="dim"))
    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for title, word, word_style, lines in rows:
        first, *more = lines or [""]
        said = Text(first)
        for line in more:
            said.append(f"\n{line}", style="dim")
        grid.add_row(title, Text(word, style=word_style), said)
    console.print(grid)
    if ending:
        console.print(Text(ending, style=style))
