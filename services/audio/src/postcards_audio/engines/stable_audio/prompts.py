"""What the model is told where the request has no words of its own.

A recording is described, not a place: the sea in a prompt brings gulls. So of the place there is only what it does to
the sound. Pure: whether a text is short enough says who has the tokenizer.
"""

from collections.abc import Callable

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.vocal_tract.rendering import Score
from postcards_serving.models.prompt import Clause, compose_prompt
from postcards_species.ancestry.parents import choose_parents
from postcards_species.ancestry.temperament import choose_temperament
from postcards_species.place.scene import Scene
from postcards_species.speech.phrase import Intent, Mood, Phrase
from postcards_species.surroundings import Biome, Weather
from postcards_species.voice.derive import CallGesture, VocalTract

AUTHORS_PROMPT = (
    "Wildlife documentary field recording of an unsettling, animalistic vocalization that is attempting to mimic human "
    "speech and intonation."
)
"""The sentence that this project's calls began with."""

_DEEP, _HIGH = 120.0, 500.0
"""Hertz."""
_CLEAR = 0.5
"""Share from which a trait of a voice is heard."""
_CHITTERS, _CLICKS = 0.2, 0.65
"""Shares from which an insect is heard: scraped by hard parts, and by the sharpness of clicks."""
_MOST_GESTURES = 2
_COUNTS = {2: "two", 3: "three", 4: "four"}

_GESTURES = {
    CallGesture.COO: "soft coos",
    CallGesture.BOOM: "low booms",
    CallGesture.BELLOW: "long bellows",
    CallGesture.ROAR: "torn roars",
    CallGesture.HONK: "nasal honks",
    CallGesture.BARK: "sharp barks",
    CallGesture.GRUNT: "breathy grunts",
    CallGesture.MEOW: "drawn-out meows",
    CallGesture.BLEAT: "shaking bleats",
    CallGesture.CROW: "cracked crowing",
    CallGesture.TRUMPET: "blaring elephant screams",
    CallGesture.WHINE: "thin whines",
    CallGesture.MOAN: "falling moans",
    CallGesture.HUM: "closed-mouth hums",
    CallGesture.PURR: "throbbing purrs",
    CallGesture.WHISTLE: "sweeping whistles",
    CallGesture.TWITTER: "quick twitters",
    CallGesture.RASP: "scraped insect rasps",
    CallGesture.TICK: "dry ticks",
    CallGesture.HISS: "long hisses",
}
_ACOUSTICS = {
    Biome.JUNGLE: "humid air between dense leaves",
    Biome.SWAMP: "still, damp air",
    Biome.DESERT: "dry air without an echo",
    Biome.SAVANNA: "open air over dry grass",
    Biome.TUNDRA: "cold air muffled by snow",
    Biome.COAST: "open air without an echo",
    Biome.REEF: "muffled, through a hydrophone under water",
    Biome.ABYSS: "distant and muffled, through a hydrophone in deep water",
    Biome.CAVE: "long echoes between stone walls",
    Biome.FUNGAL_FOREST: "close, soft, muffled air",
    Biome.MOUNTAIN: "thin air and a far echo from rock",
    Biome.VOLCANIC: "a low rumble of the ground",
}
_WEATHERS = {
    Weather.RAIN: "light rain",
    Weather.WIND: "gusts of wind",
    Weather.STORM: "distant thunder",
}
_MOODS = {
    Mood.CALM: "calm",
    Mood.JOYFUL: "joyful",
    Mood.FEARFUL: "fearful",
    Mood.ANGRY: "angry",
    Mood.SORROWFUL: "grieving",
    Mood.LONGING: "longing",
    Mood.CURIOUS: "curious",
    Mood.SOLEMN: "solemn",
}
_INTENTS = {
    Intent.GREETING: "greeting another",
    Intent.WARNING: "warning of danger",
    Intent.HUNGER: "begging for food",
    Intent.MOURNING: "mourning its dead",
    Intent.COMMAND: "giving orders",
    Intent.COURTSHIP: "courting a mate",
    Intent.THREAT: "threatening a rival",
    Intent.PLAY: "at play",
    Intent.QUESTION: "asking a question",
    Intent.LULLABY: "soothing its young",
    Intent.TERRITORY: "claiming its ground",
    Intent.TELLING: "telling a story",
}


def write_prompt(request: AudioRequest, score: Score, reads_whole: Callable[[str], bool]) -> str:
    """A prompt from the ancestry, the anatomy, the phrase, the place and the theme. At most 2000 characters.

    What matters least is left out until the model reads the rest whole: the microphone, the air, the parents, then what
    else the voice is like and how it feels. The kind of recording and the theme, which is somebody's own words, always
    stay.

    Args:
        request: whose theme, parents and temperament.
        score: whose voice, phrase and scene.
        reads_whole: whether nothing of a text is cut.
    """
    tract = score.vocal_tract
    theme = request.theme.strip()
    return compose_prompt(
        [
            Clause(AUTHORS_PROMPT, 0),
            Clause(f"Theme: {theme}." if theme else "", 0),
            Clause(_sentence((_register(tract), *_sounds(tract))), 1),
            Clause(_sentence(_traits(tract)), 3),
            Clause(_feeling(score.phrase), 2),
            Clause(_animal(request, score.seed), 4),
            Clause(_air(score.scene), 5),
            Clause("Close microphone, high-quality stereo.", 6),
        ],
        " ",
        reads_whole,
    )


def _register(tract: VocalTract) -> str:
    depth = "deep guttural" if tract.pitch_hz < _DEEP else "throaty" if tract.pitch_hz < _HIGH else "high, birdlike"
    return f"{depth} resonances"


def _sounds(tract: VocalTract) -> tuple[str, ...]:
    return tuple(_GESTURES[gesture] for gesture in tract.gestures[:_MOST_GESTURES])


def _traits(tract: VocalTract) -> tuple[str, ...]:
    heard = (
        (tract.folds in _COUNTS, f"{_COUNTS.get(tract.folds)} voices at once from one throat"),
        (bool(tract.chambers_hz), "hollow resonating chambers"),
        (tract.roughness > _CLEAR, "torn growls"),
        (tract.breathiness > _CLEAR, "breathy hisses"),
        (tract.nasality > _CLEAR, "nasal tone"),
        (
            tract.stridulation > _CHITTERS or tract.click_brightness > _CLICKS,
            "insectoid chittering and clicks",
        ),
    )
    return tuple(words for is_so, words in heard if is_so)


def _feeling(phrase: Phrase) -> str:
    mood = _MOODS[phrase.mood]
    return f"{'An' if mood[0] in 'aeiou' else 'A'} {mood} animal, {_INTENTS[phrase.intent]}."


def _animal(request: AudioRequest, seed: int) -> str:
    parents = request.parents or choose_parents(seed)
    temperament = request.temperament or choose_temperament(seed, choose_parents(seed))
    return f"It is {_listed(temperament)}, and descends from {_listed(tuple(parent.animal for parent in parents))}."


def _air(scene: Scene) -> str:
    weather = "" if scene.biome.submerged or scene.biome is Biome.CAVE else _WEATHERS.get(scene.weather, "")
    return _sentence((_ACOUSTICS[scene.biome] + (f", with {weather}" if weather else ""),))


def _sentence(items: tuple[str, ...]) -> str:
    listed = _listed(items)
    return f"{listed[0].upper()}{listed[1:]}." if listed else ""


def _listed(items: tuple[str, ...]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}" if items[1:] else "".join(items)
