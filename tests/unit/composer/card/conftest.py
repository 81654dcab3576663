"""Contents of cards: a species with a picture, a phrase and a call made for the test."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from io import BytesIO

import numpy as np
import pytest
import soundfile
from PIL import Image

from postcards_composer.card import CardContent, Making
from postcards_composer.postcards.manifest import WordTiming
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word

RATE = 44100


def tone(hertz: float, seconds: float, file_format: str = "MP3") -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    samples = 0.4 * np.sin(2 * np.pi * hertz * time)
    out = BytesIO()
    soundfile.write(out, np.stack([samples, samples], axis=1), RATE, format=file_format)
    return out.getvalue()


@cache
def picture(width: int, height: int, dark: tuple[int, int, int], light: tuple[int, int, int]) -> bytes:
    """A round thing of one colour before another."""
    y, x = np.mgrid[0:height, 0:width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
    pixels = np.where(inside[..., None], np.array(dark), np.array(light)).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def word(text: str, gloss: str, *syllables: tuple[str, str]) -> Word:
    pieces = tuple(
        Syllable(tuple(sounds.split()), written, index == 0) for index, (sounds, written) in enumerate(syllables)
    )
    return Word(text, gloss, pieces)


PHRASE = Phrase(
    animal_text="Grraukh'tok änghur, !ka.",
    english_gloss="The river's asleep; come home.",
    intent=Intent.LULLABY,
    mood=Mood.CALM,
    words=(
        word("grraukh'tok", "river", ("grr a u kh", "grraukh"), ("t o k", "tok")),
        word("änghur", "sleep.PRS", ("ae ng", "äng"), ("h u r", "hur")),
        word("!ka", "home", ("ck a", "!ka")),
    ),
)
TIMINGS = (
    WordTiming(0, 0.2, 0.8),
    WordTiming(1, 0.9, 1.3),
    WordTiming(2, 1.4, 1.5),
    WordTiming(0, 1.6, 1.9),
)


@pytest.fixture
def a_card() -> Callable[..., CardContent]:
    """Makes the content of a card; keywords replace what it usually is."""

    def make(seed: int = 42, **changes: object) -> CardContent:
        species = derive_species(seed, theme="")
        values: dict[str, object] = {
            "id": "abcdefghijklmnopqrstuvwxyz",
            "name": species.name,
            "binomial": species.binomial,
            "field_note": species.field_note,
            "parents": species.parents,
            "temperament": species.temperament,
            "scene": species.scene,
            "theme": "",
            "seed": seed,
            "strangeness": 0.5,
            "created": datetime(2026, 11, 22, 16, 40, tzinfo=UTC),
            "phonology": species.phonology,
            "phrase": PHRASE,
            "image_png": picture(256, 256, (180, 60, 40), (60, 120, 160)),
            "alt_text": "A round animal before a blue wall.",
            "call_mp3": tone(440, 2),
            "call_seconds": 2.0,
            "timings": TIMINGS,
            "makings": (Making("picture", "creature", "1", settings={"finish": '"field-plate"', "steps": "null"}),),
        }
        return CardContent(**(values | changes))  # pyright: ignore[reportArgumentType]

    return make
