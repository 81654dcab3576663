"""Where a species lives, and how one postcard shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.place.theme import read_theme
from postcards_species.streams import Stream
from postcards_species.surroundings import Biome, Finish, TimeOfDay, Weather

__all__ = ["Biome", "Finish", "Scene", "TimeOfDay", "Weather", "derive_scene", "describe_scene"]


@dataclass(frozen=True)
class Scene:
    """One view of a species' world."""

    biome: Biome
    """The kind of place."""
    weather: Weather
    """The state of the air."""
    time_of_day: TimeOfDay
    """The hour."""
    finish: Finish
    """How the picture is finished."""
    hue: float = field(metadata={"ge": 0, "le": 1})
    """Hue of the light and the ground as a turn of the colour wheel."""
    density: float = field(metadata={"ge": 0, "le": 1})
    """How densely plants and stones stand."""
    flora_seed: int = field(metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of the plants' shapes."""


_WILDNESS = 0.12
"""Chance that a species has left the biomes of its parents."""

_HOUR_WEIGHTS = {TimeOfDay.DAWN: 1.0, TimeOfDay.DAY: 1.0, TimeOfDay.DUSK: 1.1, TimeOfDay.NIGHT: 0.9}

_WEATHERS: dict[Biome, dict[Weather, float]] = {
    Biome.JUNGLE: {Weather.CLEAR: 3, Weather.MIST: 3, Weather.RAIN: 3, Weather.DRIFT: 1, Weather.STORM: 1},
    Biome.SWAMP: {Weather.CLEAR: 2, Weather.MIST: 4, Weather.RAIN: 2, Weather.DRIFT: 1, Weather.STORM: 1},
    Biome.DESERT: {Weather.CLEAR: 4, Weather.MIST: 1, Weather.WIND: 3, Weather.STORM: 0.5},
    Biome.SAVANNA: {Weather.CLEAR: 4, Weather.MIST: 1, Weather.WIND: 2, Weather.STORM: 2, Weather.DRIFT: 1},
    Biome.TUNDRA: {Weather.CLEAR: 3, Weather.MIST: 1, Weather.DRIFT: 4, Weather.WIND: 2},
    Biome.COAST: {Weather.CLEAR: 3, Weather.MIST: 2, Weather.RAIN: 1, Weather.WIND: 2, Weather.STORM: 2},
    Biome.REEF: {Weather.CLEAR: 4, Weather.MIST: 1, Weather.DRIFT: 3},
    Biome.ABYSS: {Weather.CLEAR: 2, Weather.MIST: 1, Weather.DRIFT: 4},
    Biome.CAVE: {Weather.CLEAR: 3, Weather.MIST: 3, Weather.RAIN: 1, Weather.DRIFT: 1},
    Biome.FUNGAL_FOREST: {Weather.CLEAR: 2, Weather.MIST: 3, Weather.RAIN: 1, Weather.DRIFT: 4},
    Biome.MOUNTAIN: {Weather.CLEAR: 3, Weather.MIST: 2, Weather.DRIFT: 2, Weather.WIND: 2, Weather.STORM: 1},
    Biome.VOLCANIC: {Weather.CLEAR: 2, Weather.MIST: 2, Weather.DRIFT: 4, Weather.STORM: 1},
}

_DENSITIES: dict[Biome, tuple[float, float]] = {
    Biome.JUNGLE: (0.6, 1.0),
    Biome.SWAMP: (0.4, 0.9),
    Biome.DESERT: (0.1, 0.5),
    Biome.SAVANNA: (0.2, 0.6),
    Biome.TUNDRA: (0.1, 0.5),
    Biome.COAST: (0.2, 0.6),
    Biome.REEF: (0.5, 1.0),
    Biome.ABYSS: (0.2, 0.7),
    Biome.CAVE: (0.3, 0.8),
    Biome.FUNGAL_FOREST: (0.5, 1.0),
    Biome.MOUNTAIN: (0.2, 0.6),
    Biome.VOLCANIC: (0.2, 0.6),
}


def derive_scene(seed: int, parents: Sequence[Parent], theme: str = "") -> Scene:
    """The scene of the species of `seed`.

    Its biome, density and plants follow from `seed` and `parents`; hour, weather, finish and hue follow from `theme`
    (see `place.theme`) and, where that is silent, from `seed`. A theme may ask for more or fewer plants,
    never for others.
    """
    wanted = read_theme(theme)
    biome = _choose_biome(seed, parents)
    weathers = _WEATHERS[biome]
    stream = Stream(seed, "scene")
    weather = stream.weighted(tuple(weathers), tuple(weathers.values()))
    hour = stream.weighted(tuple(_HOUR_WEIGHTS), tuple(_HOUR_WEIGHTS.values()))
    finish = stream.choice(tuple(Finish))
    hue = stream.unit()
    density = stream.uniform(*_DENSITIES[biome])
    return Scene(
        biome=biome,
        weather=wanted.weather or weather,
        time_of_day=wanted.time_of_day or hour,
        finish=wanted.finish or finish,
        hue=hue if wanted.hue is None else wanted.hue,
        density=density if wanted.density is None else wanted.density,
        flora_seed=Stream(seed, "flora").seed(),
    )


def _choose_biome(seed: int, parents: Sequence[Parent]) -> Biome:
    """A biome of the parents, by their shares and its rank in their lists; now and then any at all."""
    stream = Stream(seed, "biome")
    if not parents or stream.chance(_WILDNESS):
        return stream.choice(tuple(Biome))
    weights: dict[Biome, float] = {}
    for parent in parents:
        for rank, biome in enumerate(ANIMALS[parent.animal].biomes):
            weights[biome] = weights.get(biome, 0.0) + parent.weight / (1 + rank)
    return stream.weighted(tuple(weights), tuple(weights.values()))


_PLACES: dict[Biome, str] = {
    Biome.JUNGLE: "in a {} jungle",
    Biome.SWAMP: "in a {} swamp",
    Biome.DESERT: "in a {} desert",
    Biome.SAVANNA: "on a {} savanna",
    Biome.TUNDRA: "on a {} tundra",
    Biome.COAST: "on a {} shore",
    Biome.REEF: "on a {} reef",
    Biome.ABYSS: "on a {} sea floor",
    Biome.CAVE: "in a {} cave",
    Biome.FUNGAL_FOREST: "in a {} forest of fungi",
    Biome.MOUNTAIN: "on a {} mountainside",
    Biome.VOLCANIC: "on a {} volcanic plain",
}

_AIR: dict[Weather, str] = {
    Weather.CLEAR: "clear",
    Weather.MIST: "misty",
    Weather.RAIN: "rainy",
    Weather.DRIFT: "snowy",
    Weather.WIND: "windswept",
    Weather.STORM: "stormy",
}

_WATER: dict[Weather, str] = {
    Weather.CLEAR: "clear",
    Weather.MIST: "murky",
    Weather.RAIN: "rain-dimmed",
    Weather.DRIFT: "snow-dusted",
    Weather.WIND: "swaying",
    Weather.STORM: "surging",
}

_ADJECTIVES: dict[tuple[Biome, Weather], str] = {
    (Biome.JUNGLE, Weather.CLEAR): "still",
    (Biome.JUNGLE, Weather.DRIFT): "seed-strewn",
    (Biome.SWAMP, Weather.CLEAR): "still",
    (Biome.SWAMP, Weather.DRIFT): "midge-filled",
    (Biome.DESERT, Weather.CLEAR): "bare",
    (Biome.DESERT, Weather.WIND): "dust-blown",
    (Biome.SAVANNA, Weather.CLEAR): "wide",
    (Biome.SAVANNA, Weather.DRIFT): "seed-strewn",
    (Biome.ABYSS, Weather.CLEAR): "black",
    (Biome.CAVE, Weather.CLEAR): "glimmering",
    (Biome.CAVE, Weather.RAIN): "dripping",
    (Biome.CAVE, Weather.DRIFT): "dusty",
    (Biome.CAVE, Weather.WIND): "draughty",
    (Biome.CAVE, Weather.STORM): "flooded",
    (Biome.FUNGAL_FOREST, Weather.CLEAR): "hushed",
    (Biome.FUNGAL_FOREST, Weather.DRIFT): "spore-filled",
    (Biome.VOLCANIC, Weather.CLEAR): "glowing",
    (Biome.VOLCANIC, Weather.MIST): "smoking",
    (Biome.VOLCANIC, Weather.DRIFT): "ash-covered",
}

_HOURS: dict[TimeOfDay, str] = {
    TimeOfDay.DAWN: "at dawn",
    TimeOfDay.DAY: "by day",
    TimeOfDay.DUSK: "at dusk",
    TimeOfDay.NIGHT: "at night",
}


def describe_scene(scene: Scene) -> str:
    """Where and when, to follow the name of an animal: "in a misty swamp at dusk"."""
    usual = _WATER if scene.biome.submerged else _AIR
    adjective = _ADJECTIVES.get((scene.biome, scene.weather), usual[scene.weather])
    place = _PLACES[scene.biome].format(adjective)
    return f"{place} {_HOURS[scene.time_of_day]}"
