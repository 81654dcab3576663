"""How the gestures of a species shape a syllable."""

from dataclasses import dataclass

from postcards_species.voice.derive import CallGesture

Contour = tuple[tuple[float, float], ...]
"""Points (position, value): position 0 at the start of the syllable and 1 at its end."""

_LEVEL: Contour = ((0.0, 0.0), (1.0, 0.0))
_ARCH: Contour = ((0.0, 0.05), (0.22, 1.0), (0.7, 0.85), (1.0, 0.03))


@dataclass(frozen=True)
class GestureShape:
    """A gesture in numbers."""

    pitch: Contour = _LEVEL
    """Shares of the pitch range."""
    loudness: Contour = _ARCH
    """Linear gain."""
    stretch: float = 1.0
    """Length of the nucleus over its usual one."""
    gap: float = 0.03
    """Seconds of silence after the syllable at an ordinary pace."""
    effort: float = 0.0
    """-1 soft to 1 shouted."""
    roughness: float = 0.0
    """Added to the anatomy's."""
    breath: float = 0.0
    """Added to the anatomy's."""
    whistle: float = 0.0
    """Added to the anatomy's."""
    scrape: float = 0.0
    """Added to the anatomy's stridulation."""
    flutter: float = 0.0
    """Depth of the beating at the trill's rate, 0 to 1."""
    vibrato: float = 1.0
    """Depth of the vibrato over the anatomy's."""
    mouth: Contour = _LEVEL
    """Opening of the mouth over the vowel's: -1 shut to 1 wide."""


SHAPES: dict[CallGesture, GestureShape] = {
    CallGesture.COO: GestureShape(
        ((0, -0.15), (0.3, 0.15), (0.7, 0.1), (1, -0.2)), ((0, 0.02), (0.3, 1), (0.7, 0.9), (1, 0.02)),
        stretch=1.7, gap=0.08, effort=-0.5, whistle=0.3, flutter=0.15, mouth=((0, -0.5), (1, -0.6)),
    ),
    CallGesture.BOOM: GestureShape(
        ((0, -0.1), (0.45, 0.05), (1, -0.2)), ((0, 0.02), (0.35, 1), (0.6, 0.9), (1, 0.01)),
        stretch=1.9, gap=0.14, effort=-0.6, whistle=0.25, mouth=((0, -0.7), (1, -0.8)),
    ),
    CallGesture.BELLOW: GestureShape(
        ((0, -0.3), (0.3, 0.2), (0.6, 0.1), (1, -0.45)), ((0, 0.05), (0.35, 1), (0.8, 0.8), (1, 0.02)),
        stretch=2.5, gap=0.12, effort=0.55, roughness=0.22, flutter=0.3, mouth=((0, -0.4), (0.4, 0.4), (1, -0.2)),
    ),
    CallGesture.ROAR: GestureShape(
        ((0, -0.2), (0.3, 0.35), (0.7, 0.1), (1, -0.5)), ((0, 0.03), (0.2, 0.9), (0.45, 1), (1, 0.03)),
        stretch=2.1, gap=0.1, effort=0.9, roughness=0.45, breath=0.12, flutter=0.2,
        mouth=((0, -0.4), (0.35, 0.6), (1, 0)),
    ),
    CallGesture.HONK: GestureShape(
        ((0, -0.3), (0.12, 0.18), (0.65, 0.15), (1, -0.35)), ((0, 0.02), (0.07, 1), (0.8, 0.9), (1, 0.02)),
        stretch=0.95, gap=0.12, effort=0.7, roughness=0.08, mouth=((0, 0.1), (1, 0.2)),
    ),
    CallGesture.BARK: GestureShape(
        ((0, -0.05), (0.1, 0.4), (1, -0.6)), ((0, 0.02), (0.06, 1), (0.4, 0.55), (1, 0.01)),
        stretch=0.8, gap=0.17, effort=0.9, roughness=0.15, mouth=((0, -0.3), (0.15, 0.5), (1, -0.4)),
    ),
    CallGesture.GRUNT: GestureShape(
        ((0, 0.1), (1, -0.35)), ((0, 0.02), (0.15, 1), (0.6, 0.5), (1, 0.03)),
        stretch=0.8, gap=0.1, effort=0.05, breath=0.15, roughness=0.1, flutter=0.35,
    ),
    CallGesture.MEOW: GestureShape(
        ((0, -0.2), (0.35, 0.45), (0.6, 0.4), (1, -0.25)), ((0, 0.05), (0.3, 1), (0.7, 0.8), (1, 0.02)),
        stretch=2.1, gap=0.1, effort=0.1, mouth=((0, -0.8), (0.4, 0.7), (1, -0.7)),
    ),
    CallGesture.BLEAT: GestureShape(
        ((0, 0), (0.1, 0.12), (1, -0.12)), ((0, 0.03), (0.08, 1), (0.85, 0.8), (1, 0.02)),
        stretch=1.8, gap=0.12, effort=0.45, flutter=0.3, vibrato=2.0, mouth=((0, -0.3), (0.2, 0.3), (1, 0.1)),
    ),
    CallGesture.CROW: GestureShape(
        ((0, -0.1), (0.15, 0.45), (0.7, 0.5), (0.85, 0.3), (1, -0.3)), ((0, 0.03), (0.1, 1), (0.8, 0.8), (1, 0.02)),
        stretch=1.8, gap=0.06, effort=0.85, roughness=0.15, mouth=((0, 0), (0.3, 0.5), (1, 0)),
    ),
    CallGesture.TRUMPET: GestureShape(
        ((0, -0.4), (0.18, 0.5), (0.7, 0.62), (1, 0.05)), ((0, 0.03), (0.2, 1), (0.75, 0.9), (1, 0.02)),
        stretch=2.2, gap=0.12, effort=1.0, roughness=0.3, breath=0.08, mouth=((0, 0), (0.5, 0.4), (1, 0)),
    ),
    CallGesture.WHINE: GestureShape(
        ((0, 0.3), (0.5, 0.7), (1, 0.1)), ((0, 0.03), (0.4, 0.9), (0.7, 1), (1, 0.02)),
        stretch=1.7, gap=0.07, effort=-0.15, whistle=0.25, mouth=((0, -0.5), (1, -0.3)),
    ),
    CallGesture.MOAN: GestureShape(
        ((0, 0.2), (0.25, 0.28), (1, -0.5)), ((0, 0.03), (0.3, 1), (0.7, 0.7), (1, 0.02)),
        stretch=2.3, gap=0.14, effort=-0.25, breath=0.06, mouth=((0, -0.2), (0.4, 0.2), (1, -0.5)),
    ),
    CallGesture.HUM: GestureShape(
        ((0, -0.05), (0.5, 0.1), (1, -0.12)), ((0, 0.03), (0.25, 1), (0.75, 0.9), (1, 0.03)),
        stretch=1.7, gap=0.05, effort=-0.6, vibrato=1.4, mouth=((0, -0.8), (1, -0.8)),
    ),
    CallGesture.PURR: GestureShape(
        ((0, -0.4), (1, -0.5)), ((0, 0.05), (0.3, 0.9), (0.8, 1), (1, 0.05)),
        stretch=1.6, gap=0.05, effort=-0.3, roughness=0.12, breath=0.12, flutter=0.65, mouth=((0, -0.6), (1, -0.6)),
    ),
    CallGesture.WHISTLE: GestureShape(
        ((0, -0.5), (0.4, 0.65), (0.65, 0.15), (1, 0.55)), ((0, 0.02), (0.15, 1), (0.85, 0.8), (1, 0.01)),
        stretch=1.6, gap=0.08, effort=-0.2, whistle=0.6,
    ),
    CallGesture.TWITTER: GestureShape(
        ((0, 0.1), (0.14, 0.8), (0.28, -0.1), (0.45, 0.7), (0.6, -0.2), (0.8, 0.55), (1, -0.3)),
        ((0, 0.02), (0.12, 1), (0.28, 0.25), (0.42, 1), (0.6, 0.2), (0.75, 0.9), (1, 0.02)),
        stretch=1.3, gap=0.06, whistle=0.45,
    ),
    CallGesture.RASP: GestureShape(
        ((0, -0.1), (0.5, 0.1), (1, -0.2)), ((0, 0.05), (0.5, 1), (0.9, 0.8), (1, 0.02)),
        stretch=1.2, gap=0.08, roughness=0.2, breath=0.1, scrape=0.3, flutter=0.5,
    ),
    CallGesture.TICK: GestureShape(
        ((0, 0.1), (1, -0.2)), ((0, 0.02), (0.08, 1), (0.3, 0.35), (1, 0.01)),
        stretch=0.55, gap=0.12, effort=0.3, scrape=0.2,
    ),
    CallGesture.HISS: GestureShape(
        ((0, 0.1), (1, -0.2)), ((0, 0.05), (0.25, 1), (0.7, 0.7), (1, 0.02)),
        stretch=1.5, gap=0.1, effort=-0.2, breath=0.65,
    ),
}  # fmt: skip
"""Every gesture in numbers."""
