"""What models that draw and sound are told about a species, in English.

The first sentence of both prompts comes from the work that this project grew out of; the rest says what the species is,
so that a model's picture and call are of the same animal as the computed ones.
"""

import re

from postcards_species.place.scene import Biome, Finish, Scene, TimeOfDay, Weather
from postcards_species.species import Species
from postcards_species.speech.phrase import Mood, Phrase
from postcards_species.voice.derive import VocalTract

_MAX_LENGTH = 2000
_READ_AT_ONCE = 72
"""Tokens, as they are counted here, that the text encoder of Stable Diffusion reads in one piece: its 75, less what
rare words may take beyond their count. Pictures share steps with those of as many pieces."""
_READ_BESIDE_ANY_ANIMAL = 20
"""Tokens of the longest theme that can be read at once with every animal."""
_PIECE = re.compile(r"[^\W\d_]+|[\d_]|[^\w\s]+")
"""What becomes one token or more."""
_SURE_LETTERS = 7
"""English words that are shorter are nearly always one token."""

_PLACES = {
    Biome.JUNGLE: "an alien jungle crowded with plants",
    Biome.SWAMP: "an alien swamp of reeds and mist",
    Biome.DESERT: "an alien desert of sand and stone",
    Biome.SAVANNA: "an alien savanna of open grass",
    Biome.TUNDRA: "an alien tundra of snow and ice",
    Biome.COAST: "an alien shore",
    Biome.REEF: "an alien reef under shallow water",
    Biome.ABYSS: "an alien deep sea floor",
    Biome.CAVE: "an alien cave of glowing things",
    Biome.FUNGAL_FOREST: "an alien forest of giant fungi",
    Biome.MOUNTAIN: "an alien mountain of bare rock",
    Biome.VOLCANIC: "an alien land of ash and embers",
}
_SKIES = {
    Weather.CLEAR: "in clear air",
    Weather.MIST: "in mist",
    Weather.RAIN: "in the rain",
    Weather.DRIFT: "in slow falling flakes",
    Weather.WIND: "in wind and dust",
    Weather.STORM: "in a thunderstorm",
}
_HOURS = {
    TimeOfDay.DAWN: "before sunrise",
    TimeOfDay.DAY: "in full daylight",
    TimeOfDay.DUSK: "at sunset",
    TimeOfDay.NIGHT: "at night",
}
_FINISHES = {
    Finish.CAMERA_TRAP: "Camera trap photograph with hard flash, grain and vignette.",
    Finish.FIELD_PLATE: "Plate of an old field guide, ink line and watercolour wash.",
    Finish.RISOGRAPH: "Risograph print in two inks with coarse halftone.",
}
_DISTORTIONS = ("slightly distorted", "distorted", "heavily distorted", "heavily distorted until unrecognizable")
_FEELINGS = {
    Mood.CALM: "calm",
    Mood.JOYFUL: "joyful",
    Mood.FEARFUL: "fearful",
    Mood.ANGRY: "angry",
    Mood.SORROWFUL: "grieving",
    Mood.LONGING: "longing",
    Mood.CURIOUS: "curious",
    Mood.SOLEMN: "solemn",
}


def image_prompt(species: Species, theme: str = "") -> str:
    """What a text-to-image model is told. At most 2000 characters.

    What matters least is left out until the model can read the rest at once: the temperament, then hour and sky, then
    the finish. A theme is somebody's own words and stays whole. One that is too long for that costs no animal its
    words: all animals of such a theme are read in pieces.
    """
    distortion = _DISTORTIONS[min(3, int(species.strangeness * 4))]
    animal = (
        f"A photograph of an imagined animal that belongs to {_PLACES[species.scene.biome]}.",
        f"Taken from a real animal, {_ancestry(species)}, but {distortion}.",
    )
    seen, finish = _seen(species.scene), _FINISHES[species.scene.finish]
    asked = f"Theme: {theme}." if theme else ""
    whole, *shorter = (
        _text((*animal, *told, asked))
        for told in (
            (f"It is {_joined(species.temperament)}, seen {seen}.", finish),
            (f"It is seen {seen}.", finish),
            (finish,),
            (),
        )
    )
    if _most_tokens(theme) > _READ_BESIDE_ANY_ANIMAL:
        return whole
    return next((prompt for prompt in (whole, *shorter) if _most_tokens(prompt) <= _READ_AT_ONCE), shorter[-1])


def audio_prompt(species: Species, phrase: Phrase | None, theme: str = "") -> str:
    """What a text-to-audio model is told. At most 2000 characters."""
    feeling = f"The call is {_FEELINGS[phrase.mood]}, a {phrase.intent.value}." if phrase else ""
    sentences = (
        "Wildlife documentary field recording of an unsettling, animalistic vocalization that is attempting to mimic "
        "human speech and intonation.",
        f"The animal descends from {_ancestry(species)}, and is {_joined(species.temperament)}.",
        f"{_voice(species.vocal_tract)}.",
        feeling,
        f"Theme: {theme}." if theme else "",
    )
    return _text(sentences)


def _ancestry(species: Species) -> str:
    return _joined(tuple(f"{'an' if p.animal[0] in 'aeiou' else 'a'} {p.animal}" for p in species.parents))


def _seen(scene: Scene) -> str:
    return f"{_HOURS[scene.time_of_day]} {_SKIES[scene.weather]}"


def _voice(voice: VocalTract) -> str:
    depth = "Deep guttural" if voice.pitch_hz < 120 else "Throaty" if voice.pitch_hz < 500 else "High, birdlike"
    traits = [f"{depth} resonances"]
    if voice.folds > 1:
        traits.append(f"{voice.folds} vocal folds sounding at once")
    if voice.chambers_hz:
        traits.append("hollow resonating chambers")
    if voice.roughness > 0.5:
        traits.append("torn growls")
    if voice.breathiness > 0.5:
        traits.append("breathy hisses")
    if voice.click_brightness > 0.5:
        traits.append("insectoid chittering and clicks")
    return _joined(tuple(traits))


def _joined(items: tuple[str, ...]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _most_tokens(text: str) -> int:
    """Tokens of a text for CLIP, rather too many than too few: its vocabulary knows most short English words whole."""
    return sum(
        1 + len(piece) // _SURE_LETTERS if piece.isascii() else len(piece.encode()) for piece in _PIECE.findall(text)
    )


def _text(sentences: tuple[str, ...]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)[:_MAX_LENGTH]
