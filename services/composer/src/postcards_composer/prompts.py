"""What models that draw and sound are told about a species, in English.

The first sentence of both prompts comes from the work that this project grew out of; the rest says what the species is,
so that a model's picture and call are of the same animal as the computed ones.
"""

from postcards_species.phrase import Mood, Phrase
from postcards_species.species import Species
from postcards_species.voice import VocalTract
from postcards_species.world import Biome, Finish, Scene, TimeOfDay, Weather

_MAX_LENGTH = 2000

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
    Finish.CAMERA_TRAP: "A camera trap photograph with a hard flash, grain and a vignette.",
    Finish.FIELD_PLATE: "A plate of an old field guide: ink line and watercolour wash on paper.",
    Finish.RISOGRAPH: "A risograph print in two inks with coarse halftone.",
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
    """What a text-to-image model is told. At most 2000 characters."""
    distortion = _DISTORTIONS[min(3, int(species.strangeness * 4))]
    sentences = (
        f"A photograph of an imagined animal that belongs to {_PLACES[species.scene.biome]}.",
        f"Taken from a real animal, {_ancestry(species)}, but {distortion}.",
        f"It is {_joined(species.temperament)}, seen {_seen(species.scene)}.",
        _FINISHES[species.scene.finish],
        f"Theme: {theme}." if theme else "",
    )
    return _text(sentences)


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


def _text(sentences: tuple[str, ...]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)[:_MAX_LENGTH]
