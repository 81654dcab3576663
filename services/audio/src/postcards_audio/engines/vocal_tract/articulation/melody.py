"""How mood and intent shape the phrase.

After K. R. Scherer's review of vocal affect (Psychol. Bull. 99, 143, 1986) and E. S. Morton's rule that animals
threaten low and harsh and appease high and pure (Am. Nat. 111, 855, 1977).
"""

from dataclasses import dataclass

from postcards_audio.engines.vocal_tract.articulation.gestures import Contour
from postcards_species.speech.phrase import Intent, Mood


@dataclass(frozen=True)
class Colour:
    """What a mood does to a voice."""

    height: float
    """Where the melody lies, in shares of the pitch range."""
    span: float
    """Size of its movements; 1 is ordinary."""
    declination: float
    """Change of pitch over the phrase, in shares of the range."""
    pace: float
    """Pace; 1 is ordinary."""
    effort: float
    """-1 soft to 1 shouted."""
    roughness: float = 0.0
    """Added to the anatomy's."""
    breath: float = 0.0
    """Added to the anatomy's."""
    tremor: float = 1.0
    """Vibrato and jitter over the anatomy's."""
    pause: float = 1.0
    """Length of pauses; 1 is ordinary."""


COLOURS: dict[Mood, Colour] = {
    Mood.CALM: Colour(0.0, 0.6, -0.22, 0.92, -0.25, tremor=0.8, pause=1.2),
    Mood.JOYFUL: Colour(0.25, 1.2, 0.08, 1.15, 0.25, pause=0.8),
    Mood.FEARFUL: Colour(0.5, 0.8, 0.15, 1.3, 0.3, roughness=0.1, breath=0.12, tremor=2.2, pause=0.6),
    Mood.ANGRY: Colour(-0.1, 1.0, -0.2, 1.1, 0.7, roughness=0.28, tremor=1.2, pause=0.7),
    Mood.SORROWFUL: Colour(-0.15, 0.65, -0.6, 0.74, -0.4, breath=0.14, tremor=1.5, pause=1.6),
    Mood.LONGING: Colour(0.12, 1.0, -0.35, 0.8, -0.1, breath=0.08, tremor=1.3, pause=1.4),
    Mood.CURIOUS: Colour(0.15, 1.0, 0.25, 1.05, 0.0, tremor=0.9),
    Mood.SOLEMN: Colour(-0.35, 0.4, -0.12, 0.75, 0.05, tremor=0.7, pause=1.5),
}
"""Every mood."""

TUNES: dict[Intent, Contour] = {
    Intent.GREETING: ((0, -0.05), (0.45, 0.3), (1, -0.05)),
    Intent.WARNING: ((0, 0.45), (0.6, 0.4), (1, 0.3)),
    Intent.HUNGER: ((0, -0.1), (0.7, 0.3), (1, 0.35)),
    Intent.MOURNING: ((0, 0.35), (0.4, 0.2), (1, -0.75)),
    Intent.COMMAND: ((0, 0.3), (0.3, 0.25), (1, -0.5)),
    Intent.COURTSHIP: ((0, 0), (0.25, 0.4), (0.5, -0.05), (0.75, 0.45), (1, 0.05)),
    Intent.THREAT: ((0, -0.3), (0.6, -0.4), (1, -0.6)),
    Intent.PLAY: ((0, 0.1), (0.2, 0.5), (0.4, 0.0), (0.6, 0.55), (0.8, 0.05), (1, 0.4)),
    Intent.QUESTION: ((0, 0.0), (0.65, -0.1), (0.85, 0.25), (1, 1.1)),
    Intent.LULLABY: ((0, 0.15), (0.3, -0.05), (0.55, 0.15), (1, -0.3)),
    Intent.TERRITORY: ((0, -0.1), (0.35, 0.45), (0.75, 0.35), (1, -0.25)),
    Intent.TELLING: ((0, 0.2), (0.5, 0.05), (1, -0.3)),
}
"""The line of every intent over the phrase, in shares of the pitch range."""

EFFORTS: dict[Intent, float] = {
    Intent.WARNING: 0.45,
    Intent.COMMAND: 0.35,
    Intent.THREAT: 0.55,
    Intent.TERRITORY: 0.4,
    Intent.PLAY: 0.15,
    Intent.HUNGER: 0.2,
    Intent.LULLABY: -0.55,
    Intent.MOURNING: -0.15,
    Intent.COURTSHIP: -0.1,
}
"""How loudly an intent is voiced, -1 to 1; 0 where absent."""
