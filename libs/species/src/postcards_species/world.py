"""Where a species lives, and how one postcard shows it."""

from dataclasses import dataclass, field
from enum import Enum


class Biome(Enum):
    """The kind of place a species lives in."""

    JUNGLE = "jungle"
    SWAMP = "swamp"
    DESERT = "desert"
    SAVANNA = "savanna"
    TUNDRA = "tundra"
    COAST = "coast"
    REEF = "reef"
    ABYSS = "abyss"
    CAVE = "cave"
    FUNGAL_FOREST = "fungal-forest"
    MOUNTAIN = "mountain"
    VOLCANIC = "volcanic"


class Weather(Enum):
    """The state of the air (or of the water)."""

    CLEAR = "clear"
    MIST = "mist"
    RAIN = "rain"
    DRIFT = "drift"
    WIND = "wind"
    STORM = "storm"


class TimeOfDay(Enum):
    """The hour."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Finish(Enum):
    """How a picture is finished."""

    CAMERA_TRAP = "camera-trap"
    FIELD_PLATE = "field-plate"
    RISOGRAPH = "risograph"


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
