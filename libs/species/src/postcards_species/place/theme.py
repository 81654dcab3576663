"""What a theme asks for: free text in, choices of hour, weather, finish, tint and mood out.

A theme is read word by word. Case, accents, punctuation, plurals and order do not matter, so "A STORMY night!" and
"night of storms" ask for the same. Each word of the table below decides one or more of these:

| choice | words (with their plural and -y forms) |
|---|---|
| hour | dawn, sunrise, morning, day, noon, sunny, dusk, sunset, evening, twilight, night, midnight, moon, star, dark |
| weather | clear, mist, fog, haze, rain, drizzle, snow, ash, drift, blizzard, wind, dust, gale, storm, thunder |
| finish | camera, trap, photo, infrared; plate, guide, field, watercolour, ink; riso, print, poster, screen, zine |
| tint | red, orange, amber, gold, yellow, green, teal, cyan, blue, violet, purple, pink and what has such a colour |
| places | hell, lava, deep, sea, abyss, ice, winter, autumn, spring, summer, dream, ghost, space: light, not plants |
| mood | happy, sad, angry, scary, lonely, curious, solemn, calm, love, war, play, lullaby and their kin |

The first word that decides a choice wins; longer phrases ("camera trap", "field guide", "deep sea") come before single
words. A theme with none of these words still decides everything visible, by a hash of its words.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from postcards_species.speech.phrase import Intent, Mood
from postcards_species.streams import Stream
from postcards_species.surroundings import Finish, TimeOfDay, Weather

MAX_THEME_LENGTH = 200
"""Characters of a theme that are read; the rest is ignored."""


@dataclass(frozen=True)
class Theme:
    """What a theme asks for. None and empty mean: as the species has it."""

    time_of_day: TimeOfDay | None = None
    """The hour."""
    weather: Weather | None = None
    """The weather."""
    finish: Finish | None = None
    """The finish of the picture."""
    hue: float | None = None
    """Hue of the light and the ground, a turn of the colour wheel, 0 to 1."""
    density: float | None = None
    """How densely plants and stones stand, 0 to 1."""
    moods: tuple[Mood, ...] = ()
    """Moods that phrases should lean to, in the order of the words."""
    intents: tuple[Intent, ...] = ()
    """Intents that phrases should lean to, in the order of the words."""
    recognised: tuple[str, ...] = ()
    """The words of the table that were found, in the order of the text."""

    @property
    def empty(self) -> bool:
        """Whether the theme asks for nothing."""
        return self == Theme()


_H, _W, _F, _M, _I = TimeOfDay, Weather, Finish, Mood, Intent

WORDS: dict[str, Theme] = {
    # Finish
    "camera trap": Theme(finish=_F.CAMERA_TRAP),
    "trail camera": Theme(finish=_F.CAMERA_TRAP),
    "camera": Theme(finish=_F.CAMERA_TRAP),
    "trap": Theme(finish=_F.CAMERA_TRAP),
    "photograph": Theme(finish=_F.CAMERA_TRAP),
    "photo": Theme(finish=_F.CAMERA_TRAP),
    "documentary": Theme(finish=_F.CAMERA_TRAP),
    "infrared": Theme(finish=_F.CAMERA_TRAP, time_of_day=_H.NIGHT),
    "night vision": Theme(finish=_F.CAMERA_TRAP, time_of_day=_H.NIGHT),
    "field guide": Theme(finish=_F.FIELD_PLATE),
    "field plate": Theme(finish=_F.FIELD_PLATE),
    "field": Theme(finish=_F.FIELD_PLATE),
    "guide": Theme(finish=_F.FIELD_PLATE),
    "plate": Theme(finish=_F.FIELD_PLATE),
    "watercolour": Theme(finish=_F.FIELD_PLATE),
    "watercolor": Theme(finish=_F.FIELD_PLATE),
    "naturalist": Theme(finish=_F.FIELD_PLATE),
    "victorian": Theme(finish=_F.FIELD_PLATE),
    "engraving": Theme(finish=_F.FIELD_PLATE),
    "ink": Theme(finish=_F.FIELD_PLATE),
    "sketch": Theme(finish=_F.FIELD_PLATE),
    "museum": Theme(finish=_F.FIELD_PLATE),
    "risograph": Theme(finish=_F.RISOGRAPH),
    "riso": Theme(finish=_F.RISOGRAPH),
    "screen print": Theme(finish=_F.RISOGRAPH),
    "screenprint": Theme(finish=_F.RISOGRAPH),
    "print": Theme(finish=_F.RISOGRAPH),
    "poster": Theme(finish=_F.RISOGRAPH),
    "zine": Theme(finish=_F.RISOGRAPH),
    "punk": Theme(finish=_F.RISOGRAPH, moods=(_M.ANGRY,)),
    "halftone": Theme(finish=_F.RISOGRAPH),
    "two ink": Theme(finish=_F.RISOGRAPH),
    # Hour
    "dawn": Theme(time_of_day=_H.DAWN),
    "sunrise": Theme(time_of_day=_H.DAWN),
    "daybreak": Theme(time_of_day=_H.DAWN),
    "morning": Theme(time_of_day=_H.DAWN),
    "day": Theme(time_of_day=_H.DAY),
    "daylight": Theme(time_of_day=_H.DAY),
    "noon": Theme(time_of_day=_H.DAY),
    "midday": Theme(time_of_day=_H.DAY),
    "afternoon": Theme(time_of_day=_H.DAY),
    "sun": Theme(time_of_day=_H.DAY, weather=_W.CLEAR),
    "sunlit": Theme(time_of_day=_H.DAY, weather=_W.CLEAR),
    "dusk": Theme(time_of_day=_H.DUSK),
    "sunset": Theme(time_of_day=_H.DUSK),
    "evening": Theme(time_of_day=_H.DUSK),
    "twilight": Theme(time_of_day=_H.DUSK),
    "gloaming": Theme(time_of_day=_H.DUSK),
    "night": Theme(time_of_day=_H.NIGHT),
    "midnight": Theme(time_of_day=_H.NIGHT),
    "nocturnal": Theme(time_of_day=_H.NIGHT),
    "moon": Theme(time_of_day=_H.NIGHT),
    "moonlit": Theme(time_of_day=_H.NIGHT),
    "moonlight": Theme(time_of_day=_H.NIGHT),
    "star": Theme(time_of_day=_H.NIGHT, weather=_W.CLEAR),
    "starlit": Theme(time_of_day=_H.NIGHT, weather=_W.CLEAR),
    "dark": Theme(time_of_day=_H.NIGHT),
    "darkness": Theme(time_of_day=_H.NIGHT),
    # Weather
    "clear": Theme(weather=_W.CLEAR),
    "mist": Theme(weather=_W.MIST),
    "fog": Theme(weather=_W.MIST),
    "haze": Theme(weather=_W.MIST),
    "smoke": Theme(weather=_W.MIST),
    "steam": Theme(weather=_W.MIST),
    "rain": Theme(weather=_W.RAIN),
    "drizzle": Theme(weather=_W.RAIN),
    "monsoon": Theme(weather=_W.RAIN),
    "wet": Theme(weather=_W.RAIN),
    "snow": Theme(weather=_W.DRIFT),
    "snowfall": Theme(weather=_W.DRIFT),
    "blizzard": Theme(weather=_W.DRIFT, hue=0.58),
    "ash": Theme(weather=_W.DRIFT),
    "drift": Theme(weather=_W.DRIFT),
    "pollen": Theme(weather=_W.DRIFT, hue=0.15),
    "spore": Theme(weather=_W.DRIFT),
    "wind": Theme(weather=_W.WIND),
    "dust": Theme(weather=_W.WIND),
    "gale": Theme(weather=_W.WIND),
    "sandstorm": Theme(weather=_W.WIND, hue=0.09),
    "storm": Theme(weather=_W.STORM),
    "thunder": Theme(weather=_W.STORM),
    "lightning": Theme(weather=_W.STORM),
    "tempest": Theme(weather=_W.STORM),
    "hurricane": Theme(weather=_W.STORM),
    # Tint
    "red": Theme(hue=0.0),
    "crimson": Theme(hue=0.98),
    "blood": Theme(hue=0.99, moods=(_M.ANGRY,), intents=(_I.THREAT,)),
    "rust": Theme(hue=0.04),
    "orange": Theme(hue=0.07),
    "amber": Theme(hue=0.1),
    "honey": Theme(hue=0.11),
    "gold": Theme(hue=0.13),
    "golden": Theme(hue=0.13),
    "yellow": Theme(hue=0.15),
    "acid": Theme(hue=0.22),
    "green": Theme(hue=0.33),
    "emerald": Theme(hue=0.4),
    "moss": Theme(hue=0.27),
    "jade": Theme(hue=0.42),
    "teal": Theme(hue=0.48),
    "turquoise": Theme(hue=0.48),
    "cyan": Theme(hue=0.5),
    "blue": Theme(hue=0.6),
    "indigo": Theme(hue=0.69),
    "violet": Theme(hue=0.75),
    "purple": Theme(hue=0.79),
    "magenta": Theme(hue=0.85),
    "pink": Theme(hue=0.92),
    "rose": Theme(hue=0.95),
    # Places and seasons, which change the light and never the plants
    "from my hell": Theme(time_of_day=_H.DUSK, weather=_W.DRIFT, hue=0.02, moods=(_M.ANGRY,), intents=(_I.THREAT,)),
    "hell": Theme(time_of_day=_H.DUSK, weather=_W.DRIFT, hue=0.02, moods=(_M.ANGRY,), intents=(_I.THREAT,)),
    "inferno": Theme(time_of_day=_H.NIGHT, weather=_W.DRIFT, hue=0.03, moods=(_M.ANGRY,)),
    "fire": Theme(time_of_day=_H.DUSK, weather=_W.DRIFT, hue=0.05),
    "ember": Theme(time_of_day=_H.NIGHT, weather=_W.DRIFT, hue=0.05),
    "lava": Theme(time_of_day=_H.NIGHT, weather=_W.DRIFT, hue=0.03),
    "volcano": Theme(time_of_day=_H.DUSK, weather=_W.DRIFT, hue=0.03),
    "volcanic": Theme(time_of_day=_H.DUSK, weather=_W.DRIFT, hue=0.03),
    "deep sea": Theme(time_of_day=_H.NIGHT, weather=_W.DRIFT, hue=0.62, moods=(_M.LONGING,)),
    "deep": Theme(time_of_day=_H.NIGHT, hue=0.62),
    "sea": Theme(hue=0.55),
    "ocean": Theme(hue=0.57),
    "abyss": Theme(time_of_day=_H.NIGHT, weather=_W.DRIFT, hue=0.64, moods=(_M.SOLEMN,)),
    "underwater": Theme(hue=0.52),
    "tropical": Theme(hue=0.45, density=0.9),
    "jungle": Theme(hue=0.32, density=0.95),
    "desert": Theme(weather=_W.CLEAR, hue=0.09, density=0.1),
    "ice": Theme(weather=_W.CLEAR, hue=0.54),
    "frost": Theme(time_of_day=_H.DAWN, hue=0.56),
    "arctic": Theme(weather=_W.DRIFT, hue=0.56),
    "winter": Theme(weather=_W.DRIFT, hue=0.58),
    "autumn": Theme(weather=_W.WIND, hue=0.06),
    "fall": Theme(weather=_W.WIND, hue=0.06),
    "spring": Theme(time_of_day=_H.DAWN, weather=_W.CLEAR, hue=0.3, moods=(_M.JOYFUL,)),
    "summer": Theme(time_of_day=_H.DAY, weather=_W.CLEAR, hue=0.14),
    "dream": Theme(time_of_day=_H.DAWN, weather=_W.MIST, hue=0.82, moods=(_M.LONGING,)),
    "neon": Theme(time_of_day=_H.NIGHT, hue=0.87, finish=_F.RISOGRAPH),
    "alien": Theme(time_of_day=_H.NIGHT, hue=0.36),
    "space": Theme(time_of_day=_H.NIGHT, weather=_W.CLEAR, hue=0.72),
    "heaven": Theme(time_of_day=_H.DAWN, weather=_W.CLEAR, hue=0.13, moods=(_M.SOLEMN,)),
    "paradise": Theme(time_of_day=_H.DAWN, weather=_W.CLEAR, hue=0.4, density=0.9, moods=(_M.JOYFUL,)),
    "apocalypse": Theme(time_of_day=_H.DUSK, weather=_W.STORM, hue=0.01, moods=(_M.FEARFUL,), intents=(_I.WARNING,)),
    "lush": Theme(density=0.95),
    "overgrown": Theme(density=1.0),
    "barren": Theme(density=0.05),
    "bare": Theme(density=0.05),
    "empty": Theme(density=0.05),
    # Mood
    "happy": Theme(moods=(_M.JOYFUL,), hue=0.14),
    "joy": Theme(moods=(_M.JOYFUL,), hue=0.14),
    "joyful": Theme(moods=(_M.JOYFUL,), hue=0.14),
    "cheerful": Theme(moods=(_M.JOYFUL,), hue=0.14),
    "party": Theme(moods=(_M.JOYFUL,), intents=(_I.PLAY,), finish=_F.RISOGRAPH),
    "birthday": Theme(moods=(_M.JOYFUL,), intents=(_I.GREETING,), finish=_F.RISOGRAPH),
    "holiday": Theme(moods=(_M.JOYFUL,), intents=(_I.GREETING,), time_of_day=_H.DAY),
    "christmas": Theme(moods=(_M.JOYFUL,), intents=(_I.GREETING,), weather=_W.DRIFT, time_of_day=_H.NIGHT),
    "halloween": Theme(moods=(_M.FEARFUL,), intents=(_I.WARNING,), time_of_day=_H.NIGHT, weather=_W.MIST, hue=0.07),
    "sad": Theme(moods=(_M.SORROWFUL,), weather=_W.RAIN, hue=0.6),
    "sorrow": Theme(moods=(_M.SORROWFUL,), intents=(_I.MOURNING,), weather=_W.RAIN, hue=0.6),
    "grief": Theme(moods=(_M.SORROWFUL,), intents=(_I.MOURNING,), weather=_W.MIST, hue=0.63),
    "mourning": Theme(moods=(_M.SORROWFUL,), intents=(_I.MOURNING,), weather=_W.MIST, hue=0.63),
    "funeral": Theme(moods=(_M.SOLEMN,), intents=(_I.MOURNING,), weather=_W.RAIN, hue=0.65),
    "melancholy": Theme(moods=(_M.SORROWFUL, _M.LONGING), weather=_W.MIST, hue=0.61),
    "lonely": Theme(moods=(_M.LONGING,), weather=_W.MIST, density=0.15),
    "longing": Theme(moods=(_M.LONGING,), time_of_day=_H.DUSK),
    "homesick": Theme(moods=(_M.LONGING,), time_of_day=_H.DUSK),
    "angry": Theme(moods=(_M.ANGRY,), weather=_W.STORM, hue=0.01),
    "rage": Theme(moods=(_M.ANGRY,), weather=_W.STORM, hue=0.01),
    "war": Theme(moods=(_M.ANGRY,), intents=(_I.THREAT, _I.COMMAND), hue=0.02),
    "scary": Theme(moods=(_M.FEARFUL,), intents=(_I.WARNING,), time_of_day=_H.NIGHT),
    "fear": Theme(moods=(_M.FEARFUL,), intents=(_I.WARNING,), time_of_day=_H.NIGHT),
    "horror": Theme(moods=(_M.FEARFUL,), intents=(_I.THREAT,), time_of_day=_H.NIGHT, hue=0.99),
    "nightmare": Theme(moods=(_M.FEARFUL,), time_of_day=_H.NIGHT, weather=_W.STORM, hue=0.97),
    "spooky": Theme(moods=(_M.FEARFUL,), time_of_day=_H.NIGHT, weather=_W.MIST),
    "ghost": Theme(moods=(_M.FEARFUL,), time_of_day=_H.NIGHT, weather=_W.MIST),
    "gothic": Theme(moods=(_M.SOLEMN,), time_of_day=_H.NIGHT, weather=_W.MIST, hue=0.76),
    "calm": Theme(moods=(_M.CALM,), weather=_W.CLEAR),
    "peace": Theme(moods=(_M.CALM,), weather=_W.CLEAR, time_of_day=_H.DAWN),
    "peaceful": Theme(moods=(_M.CALM,), weather=_W.CLEAR, time_of_day=_H.DAWN),
    "quiet": Theme(moods=(_M.CALM,), weather=_W.MIST),
    "lullaby": Theme(moods=(_M.CALM,), intents=(_I.LULLABY,), time_of_day=_H.NIGHT),
    "sleep": Theme(moods=(_M.CALM,), intents=(_I.LULLABY,), time_of_day=_H.NIGHT),
    "love": Theme(moods=(_M.LONGING, _M.JOYFUL), intents=(_I.COURTSHIP,), hue=0.94),
    "valentine": Theme(moods=(_M.LONGING,), intents=(_I.COURTSHIP,), hue=0.96, finish=_F.RISOGRAPH),
    "romance": Theme(moods=(_M.LONGING,), intents=(_I.COURTSHIP,), hue=0.94, time_of_day=_H.DUSK),
    "curious": Theme(moods=(_M.CURIOUS,), intents=(_I.QUESTION,), time_of_day=_H.DAWN),
    "mystery": Theme(moods=(_M.CURIOUS,), weather=_W.MIST),
    "mysterious": Theme(moods=(_M.CURIOUS,), weather=_W.MIST),
    "play": Theme(moods=(_M.JOYFUL,), intents=(_I.PLAY,), time_of_day=_H.DAY),
    "hunger": Theme(moods=(_M.LONGING,), intents=(_I.HUNGER,), hue=0.08),
    "hungry": Theme(moods=(_M.LONGING,), intents=(_I.HUNGER,), hue=0.08),
    "greeting": Theme(moods=(_M.JOYFUL,), intents=(_I.GREETING,), time_of_day=_H.DAWN),
    "hello": Theme(moods=(_M.JOYFUL,), intents=(_I.GREETING,), time_of_day=_H.DAWN),
    "warning": Theme(moods=(_M.FEARFUL,), intents=(_I.WARNING,), hue=0.05),
    "solemn": Theme(moods=(_M.SOLEMN,), weather=_W.MIST),
    "sacred": Theme(moods=(_M.SOLEMN,), time_of_day=_H.DAWN, hue=0.12),
    "epic": Theme(moods=(_M.SOLEMN,), time_of_day=_H.DUSK, weather=_W.STORM),
}
"""The table: each recognised word or phrase and what it asks for."""

_LONGEST_PHRASE = max(len(key.split()) for key in WORDS)
_SUFFIXES = ("s", "es", "y", "gy", "ny", "ry", "ing", "ish", "like")


def read_theme(text: str) -> Theme:
    """Reads a theme of any text; only the first `MAX_THEME_LENGTH` characters count.

    Text of no letters or digits asks for nothing. Text without a word of the table asks for an hour, a weather, a
    finish and a hue that depend on its words alone.
    """
    words = _split(text[:MAX_THEME_LENGTH])
    if not words:
        return Theme()
    found = _recognise(words)
    if not found:
        return _from_hash(" ".join(words))
    merged = Theme()
    for key in sorted(found, key=lambda key: -len(key.split())):
        merged = _fill(merged, WORDS[key])
    return replace(
        merged,
        moods=tuple(dict.fromkeys(mood for key in found for mood in WORDS[key].moods)),
        intents=tuple(dict.fromkeys(intent for key in found for intent in WORDS[key].intents)),
        recognised=tuple(found),
    )


def _split(text: str) -> list[str]:
    """Lower-case words without accents; letters and digits of any script."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return re.findall(r"[^\W_]+", plain)


def _recognise(words: list[str]) -> list[str]:
    """Keys of `WORDS` in the order of the text, each word used once, the longest phrase first."""
    found: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
            key = _key(words[at : at + length])
            if key is not None:
                found.append(key)
                at += length
                break
        else:
            at += 1
    return found


def _key(words: list[str]) -> str | None:
    """The key that these words spell, the last of them perhaps with an ending."""
    phrase = " ".join(words)
    if phrase in WORDS:
        return phrase
    for suffix in _SUFFIXES:
        stem = phrase.removesuffix(suffix)
        for candidate in (stem, stem + "e"):
            if phrase.endswith(suffix) and len(stem) > 2 and candidate in WORDS:
                return candidate
    return None


def _fill(theme: Theme, word: Theme) -> Theme:
    """`theme` with its open choices taken from `word`."""
    return replace(
        theme,
        time_of_day=theme.time_of_day or word.time_of_day,
        weather=theme.weather or word.weather,
        finish=theme.finish or word.finish,
        hue=word.hue if theme.hue is None else theme.hue,
        density=word.density if theme.density is None else theme.density,
    )


def _from_hash(words: str) -> Theme:
    """Choices for a theme that says nothing we know: arbitrary, but always the same."""
    stream = Stream(0, f"theme/{words}")
    return Theme(
        time_of_day=stream.choice(tuple(TimeOfDay)),
        weather=stream.choice(tuple(Weather)),
        finish=stream.choice(tuple(Finish)),
        hue=stream.unit(),
    )
