"""What an animal says: intents, moods, syllables, words, phrases."""

from dataclasses import dataclass, field
from enum import Enum


class Intent(Enum):
    """What a phrase does."""

    GREETING = "greeting"
    WARNING = "warning"
    HUNGER = "hunger"
    MOURNING = "mourning"
    COMMAND = "command"
    COURTSHIP = "courtship"
    THREAT = "threat"
    PLAY = "play"
    QUESTION = "question"
    LULLABY = "lullaby"
    TERRITORY = "territory"
    TELLING = "telling"


class Mood(Enum):
    """How a phrase feels; it shapes the melody."""

    CALM = "calm"
    JOYFUL = "joyful"
    FEARFUL = "fearful"
    ANGRY = "angry"
    SORROWFUL = "sorrowful"
    LONGING = "longing"
    CURIOUS = "curious"
    SOLEMN = "solemn"


@dataclass(frozen=True)
class Syllable:
    """The smallest piece that is sung with one tone."""

    phonemes: tuple[str, ...] = field(metadata={"min_length": 1, "max_length": 12, "item_max_length": 8})
    """Symbols from `postcards_species.speech.phonemes.INVENTORY`, in order."""
    text: str = field(metadata={"min_length": 1, "max_length": 32})
    """The syllable as written."""
    stressed: bool = False
    """Whether it bears the word's stress."""
    tone: float = field(default=0.0, metadata={"ge": -12, "le": 12})
    """Pitch relative to the phrase melody, in semitones."""


@dataclass(frozen=True)
class Word:
    """One word with its meaning."""

    text: str = field(metadata={"min_length": 1, "max_length": 128})
    """The word as written."""
    gloss: str = field(metadata={"max_length": 64})
    """Interlinear gloss, e.g. "water", "danger.INTENS", "EVID.seen"."""
    syllables: tuple[Syllable, ...] = field(metadata={"min_length": 1, "max_length": 16})
    """In order."""


@dataclass(frozen=True)
class Phrase:
    """What an animal says once: words of its own language and their meaning in English."""

    animal_text: str = field(metadata={"max_length": 512})
    """The phrase as the animal says it."""
    english_gloss: str = field(metadata={"max_length": 512})
    """What it means, as an English sentence."""
    intent: Intent
    """What it does."""
    mood: Mood
    """How it feels."""
    words: tuple[Word, ...] = field(metadata={"min_length": 1, "max_length": 24})
    """In order."""
