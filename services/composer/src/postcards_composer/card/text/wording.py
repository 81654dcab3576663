"""The sentences and labels that a card prints."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from postcards_composer.card.colour.oklch import Rgb
from postcards_composer.card.content import CardContent
from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.place.scene import Biome, Scene, TimeOfDay, Weather
from postcards_species.speech.phrase import Intent, Phrase

STAMP_PAPER: Rgb = (251, 250, 246)
"""The whiter paper of the stamp."""
_PLACE = {
    Biome.JUNGLE: "the jungle",
    Biome.SWAMP: "the swamp",
    Biome.DESERT: "the desert",
    Biome.SAVANNA: "the savanna",
    Biome.TUNDRA: "the tundra",
    Biome.COAST: "the coast",
    Biome.REEF: "the reef",
    Biome.ABYSS: "the abyss",
    Biome.CAVE: "the caves",
    Biome.FUNGAL_FOREST: "the fungal forest",
    Biome.MOUNTAIN: "the mountains",
    Biome.VOLCANIC: "the lava fields",
}
_OFFICE = {
    Biome.JUNGLE: "Jungle",
    Biome.SWAMP: "Swamp",
    Biome.DESERT: "Desert",
    Biome.SAVANNA: "Savanna",
    Biome.TUNDRA: "Tundra",
    Biome.COAST: "Coast",
    Biome.REEF: "Reef",
    Biome.ABYSS: "Abyss",
    Biome.CAVE: "Caves",
    Biome.FUNGAL_FOREST: "Fungal Forest",
    Biome.MOUNTAIN: "Mountains",
    Biome.VOLCANIC: "Lava Fields",
}
_SKY = {
    Weather.CLEAR: "in clear weather",
    Weather.MIST: "in mist",
    Weather.RAIN: "in rain",
    Weather.DRIFT: "among drifting motes",
    Weather.WIND: "in wind",
    Weather.STORM: "in a storm",
}
_HOUR = {
    TimeOfDay.DAWN: "at dawn",
    TimeOfDay.DAY: "by day",
    TimeOfDay.DUSK: "at dusk",
    TimeOfDay.NIGHT: "at night",
}
_INTENT = {
    Intent.GREETING: "A greeting",
    Intent.WARNING: "A warning",
    Intent.HUNGER: "A cry of hunger",
    Intent.MOURNING: "A lament",
    Intent.COMMAND: "A command",
    Intent.COURTSHIP: "A courtship",
    Intent.THREAT: "A threat",
    Intent.PLAY: "A game",
    Intent.QUESTION: "A question",
    Intent.LULLABY: "A lullaby",
    Intent.TERRITORY: "A claim to land",
    Intent.TELLING: "A telling",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_COST = "cost_usd"
_WITHHELD = "withheld"
_VERDICTS = {
    "passed": "the model's checker found nothing",
    _WITHHELD: "withheld by the model's checker; this is the drawing",
}
_STEPS = (
    (0.75, "almost all"),
    (0.6, "mostly"),
    (0.4, "half"),
    (0.28, "a third"),
    (0.18, "a quarter"),
    (0.0, "a trace of"),
)


def post_office(scene: Scene) -> str:
    """Name of the post office, e.g. "Fungal Forest"."""
    return _OFFICE[scene.biome]


def habitat(scene: Scene) -> str:
    """Where and when it was seen, e.g. "the fungal forest, at dusk, in rain"."""
    return f"{_PLACE[scene.biome]}, {_HOUR[scene.time_of_day]}, {_SKY[scene.weather]}"


def animal_name(parent: Parent) -> str:
    """The English name of a parent."""
    return ANIMALS[parent.animal].name if parent.animal in ANIMALS else parent.animal


def ancestry(parents: tuple[Parent, ...]) -> str:
    """The parents in words, e.g. "mostly octopus, a third butterfly", "dalmatian, with scorpion and gerenuk"."""
    if len(parents) > 2:
        first, *others = map(animal_name, parents)
        return f"{first}, with {' and '.join(others)}"
    return ", ".join(
        f"{next(word for least, word in _STEPS if parent.weight >= least)} {animal_name(parent)}" for parent in parents
    )


def postmark_date(created: datetime) -> str:
    """The date as on a postmark, e.g. "22 NOV 2026"."""
    return f"{created.day} {_MONTHS[created.month - 1]} {created.year}"


def serial(seed: int) -> str:
    """The seed as a number that people can read out, in groups of four from the right, e.g. "1844 6744"."""
    digits = str(seed)
    head = len(digits) % 4
    return " ".join(filter(None, [digits[:head], *(digits[i : i + 4] for i in range(head, len(digits), 4))]))


def clock(seconds: float) -> str:
    """A length as minutes and seconds, e.g. "0:08"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def spoken_length(seconds: float) -> str:
    """A length in words, e.g. "8 seconds"."""
    return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"


def said(phrase: Phrase) -> str:
    """The heading of what it says, e.g. "A greeting, longing"."""
    return f"{_INTENT[phrase.intent]}, {phrase.mood.value}"


def typographic(text: str) -> str:
    """The text with typographic apostrophes."""
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def address_lines(content: CardContent) -> list[tuple[str, str]]:
    """What is written on the address lines: label and text; that the picture is another than was asked for, if so."""
    withheld = any(making.safety == _WITHHELD for making in content.makings)
    lines = [
        ("ancestry", ancestry(content.parents)),
        ("temperament", ", ".join(content.temperament)),
        ("seen in", habitat(content.scene)),
        ("theme", content.theme if content.theme.strip() else ""),
        ("picture", "drawn, as the model\N{RIGHT SINGLE QUOTATION MARK}s was withheld" if withheld else ""),
    ]
    return [(label, text) for label, text in lines if text]


def setting(value: str) -> str:
    """A setting as people read it: JSON scalars bare, lists and tables of them in words, null as nothing."""
    try:
        decoded: object = json.loads(value)
    except ValueError:
        return value
    if isinstance(decoded, list):
        items = [_scalar(item) for item in cast("list[object]", decoded)]
        return value if None in items else ", ".join(filter(None, items))
    if isinstance(decoded, dict):
        table = {name: _scalar(item) for name, item in cast("dict[str, object]", decoded).items()}
        if revision := table.get("revision"):
            # Its whole length is in the manifest, and among the files of the model.
            table["revision"] = short_revision(revision)
        return value if None in table.values() else ", ".join(f"{name} {text}" for name, text in table.items())
    text = _scalar(decoded)
    return value if text is None else text


def _scalar(decoded: object) -> str | None:
    """A JSON scalar as people read it; None for what is none."""
    if decoded is None:
        return ""
    if isinstance(decoded, bool):
        return "yes" if decoded else "no"
    if isinstance(decoded, float):
        return f"{decoded:.4g}"
    return str(decoded) if isinstance(decoded, str | int) else None


def consumed(usage: Mapping[str, float]) -> list[tuple[str, str]]:
    """What the making consumed: label and text, e.g. ("used", "1,204 prompt tokens"), ("cost", "0.004 USD")."""
    counts = [f"{amount:,.0f} {unit.replace('_', ' ')}" for unit, amount in sorted(usage.items()) if unit != _COST]
    lines = [("used", ", ".join(counts))] if counts else []
    return [*lines, ("cost", f"{usage[_COST]:.2g} USD")] if _COST in usage else lines


def verdict(safety: str) -> str:
    """What the safety checker of a model said, in words; empty where nobody looked."""
    return _VERDICTS.get(safety, safety)


def short_revision(revision: str) -> str:
    """The beginning of a revision: enough to tell it from others."""
    name = revision.rpartition(":")[2]
    return f"{name[:12]}\N{HORIZONTAL ELLIPSIS}" if len(name) > 16 else name


def facts(content: CardContent) -> list[tuple[str, str]]:
    """What makes the species again: label and text."""
    lines = [
        ("name", content.name),
        ("seed", str(content.seed)),
        ("strangeness", f"{content.strangeness:.2f}"),
        ("theme", content.theme),
        ("parents", ", ".join(f"{animal_name(parent)} {parent.weight:.0%}" for parent in content.parents)),
        ("postcard", content.id),
        ("accepted", content.created.isoformat(sep=" ", timespec="seconds")),
        ("make it again", f"postcards verify {content.id}"),
    ]
    return [(label, text) for label, text in lines if text]
