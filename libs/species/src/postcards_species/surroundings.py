"""The words a scene is made of: kinds of place, weather, hours and finishes."""

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

    @property
    def submerged(self) -> bool:
        """Whether the place lies under water."""
        return self in (Biome.REEF, Biome.ABYSS)


class Weather(Enum):
    """The state of the air (or of the water)."""

    CLEAR = "clear"
    MIST = "mist"
    RAIN = "rain"
    DRIFT = "drift"
    WIND = "wind"
    STORM = "storm"


class TimeOfDay(Enum):
    """The time of day at which a scene is lit."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Finish(Enum):
    """How a picture is finished."""

    CAMERA_TRAP = "camera-trap"
    FIELD_PLATE = "field-plate"
    RISOGRAPH = "risograph"
