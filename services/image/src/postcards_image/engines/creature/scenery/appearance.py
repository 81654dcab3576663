"""What the hours and the places look like: numbers only, in OKLCH."""

from dataclasses import dataclass

from postcards_species.surroundings import Biome, TimeOfDay

Lch = tuple[float, float, float]
"""OKLCH: lightness, chroma, hue in degrees."""


@dataclass(frozen=True)
class Hour:
    """A sky and a light."""

    zenith: Lch
    middle: Lch
    horizon: Lch
    orb: Lch
    key: Lch
    strength: float
    """Radiance of a white surface that faces the key light."""
    ambient: Lch
    rim: float
    elevation: tuple[float, float]
    """Range of the key light's height, degrees."""


HOURS: dict[TimeOfDay, Hour] = {
    TimeOfDay.DAWN: Hour(
        (0.50, 0.085, 276),
        (0.73, 0.085, 350),
        (0.90, 0.085, 72),
        (0.985, 0.06, 90),
        (0.93, 0.075, 68),
        0.86,
        (0.62, 0.06, 300),
        0.75,
        (16, 26),
    ),
    TimeOfDay.DAY: Hour(
        (0.52, 0.115, 250),
        (0.72, 0.085, 236),
        (0.91, 0.035, 215),
        (0.995, 0.02, 95),
        (0.985, 0.03, 88),
        1.02,
        (0.66, 0.05, 240),
        0.4,
        (46, 60),
    ),
    TimeOfDay.DUSK: Hour(
        (0.28, 0.10, 288),
        (0.50, 0.135, 8),
        (0.80, 0.145, 58),
        (0.95, 0.13, 75),
        (0.84, 0.14, 55),
        0.82,
        (0.50, 0.09, 305),
        0.95,
        (12, 20),
    ),
    TimeOfDay.NIGHT: Hour(
        (0.15, 0.075, 275),
        (0.26, 0.085, 262),
        (0.44, 0.085, 240),
        (0.97, 0.02, 220),
        (0.80, 0.07, 250),
        0.44,
        (0.36, 0.07, 268),
        0.6,
        (38, 52),
    ),
}


@dataclass(frozen=True)
class Appearance:
    """What a biome's things are made of and what its air does to the hour."""

    ground: Lch
    patch: Lch
    rock: Lch
    stem: Lch
    leaf: Lch
    accent: Lch
    glow: Lch
    air: Lch
    """What the sky leans to."""
    air_share: float
    dim: float = 1.0
    """Share of the hour's light that arrives."""
    horizon: float = 0.56
    """Height of the horizon as a share of the picture, from the top."""
    haze: float = 0.5
    """How thick the air is in clear weather."""


APPEARANCES: dict[Biome, Appearance] = {
    Biome.JUNGLE: Appearance(
        ground=(0.40, 0.055, 95),
        patch=(0.46, 0.10, 128),
        rock=(0.45, 0.02, 120),
        stem=(0.42, 0.05, 80),
        leaf=(0.55, 0.14, 138),
        accent=(0.66, 0.20, 20),
        glow=(0.88, 0.15, 110),
        air=(0.82, 0.11, 130),
        air_share=0.5,
        horizon=0.60,
        haze=0.62,
    ),
    Biome.SWAMP: Appearance(
        ground=(0.38, 0.045, 105),
        patch=(0.50, 0.09, 118),
        rock=(0.40, 0.02, 110),
        stem=(0.38, 0.04, 75),
        leaf=(0.52, 0.10, 122),
        accent=(0.70, 0.14, 340),
        glow=(0.90, 0.16, 125),
        air=(0.74, 0.075, 115),
        air_share=0.42,
        dim=0.9,
        horizon=0.57,
        haze=0.78,
    ),
    Biome.DESERT: Appearance(
        ground=(0.72, 0.085, 68),
        patch=(0.62, 0.10, 52),
        rock=(0.56, 0.10, 42),
        stem=(0.52, 0.07, 130),
        leaf=(0.58, 0.09, 145),
        accent=(0.70, 0.21, 5),
        glow=(0.92, 0.13, 90),
        air=(0.86, 0.07, 62),
        air_share=0.28,
        horizon=0.60,
        haze=0.40,
    ),
    Biome.SAVANNA: Appearance(
        ground=(0.64, 0.10, 84),
        patch=(0.55, 0.09, 95),
        rock=(0.50, 0.05, 55),
        stem=(0.38, 0.04, 60),
        leaf=(0.55, 0.11, 115),
        accent=(0.72, 0.16, 55),
        glow=(0.92, 0.13, 85),
        air=(0.86, 0.09, 82),
        air_share=0.25,
        horizon=0.61,
        haze=0.48,
    ),
    Biome.TUNDRA: Appearance(
        ground=(0.86, 0.025, 240),
        patch=(0.72, 0.045, 250),
        rock=(0.44, 0.025, 260),
        stem=(0.40, 0.03, 40),
        leaf=(0.46, 0.07, 165),
        accent=(0.62, 0.17, 20),
        glow=(0.90, 0.13, 165),
        air=(0.86, 0.035, 230),
        air_share=0.3,
        horizon=0.60,
        haze=0.50,
    ),
    Biome.COAST: Appearance(
        ground=(0.76, 0.06, 82),
        patch=(0.60, 0.05, 75),
        rock=(0.40, 0.03, 250),
        stem=(0.50, 0.06, 110),
        leaf=(0.60, 0.10, 140),
        accent=(0.72, 0.17, 35),
        glow=(0.92, 0.10, 190),
        air=(0.88, 0.06, 200),
        air_share=0.25,
        horizon=0.52,
        haze=0.45,
    ),
    Biome.REEF: Appearance(
        ground=(0.80, 0.05, 95),
        patch=(0.66, 0.07, 170),
        rock=(0.50, 0.06, 330),
        stem=(0.62, 0.15, 30),
        leaf=(0.62, 0.15, 340),
        accent=(0.78, 0.17, 75),
        glow=(0.90, 0.14, 180),
        air=(0.76, 0.12, 205),
        air_share=0.86,
        dim=0.92,
        horizon=0.58,
        haze=0.74,
    ),
    Biome.ABYSS: Appearance(
        ground=(0.42, 0.03, 250),
        patch=(0.34, 0.04, 280),
        rock=(0.36, 0.03, 260),
        stem=(0.66, 0.07, 350),
        leaf=(0.62, 0.10, 20),
        accent=(0.70, 0.19, 15),
        glow=(0.88, 0.16, 190),
        air=(0.16, 0.06, 255),
        air_share=0.90,
        dim=0.55,
        horizon=0.58,
        haze=0.70,
    ),
    Biome.CAVE: Appearance(
        ground=(0.42, 0.03, 60),
        patch=(0.36, 0.04, 250),
        rock=(0.44, 0.03, 50),
        stem=(0.56, 0.05, 190),
        leaf=(0.60, 0.12, 190),
        accent=(0.66, 0.17, 300),
        glow=(0.90, 0.15, 185),
        air=(0.40, 0.09, 235),
        air_share=0.35,
        dim=0.62,
        horizon=0.62,
        haze=0.60,
    ),
    Biome.FUNGAL_FOREST: Appearance(
        ground=(0.40, 0.055, 330),
        patch=(0.48, 0.08, 160),
        rock=(0.42, 0.04, 310),
        stem=(0.80, 0.045, 75),
        leaf=(0.60, 0.16, 20),
        accent=(0.74, 0.15, 60),
        glow=(0.90, 0.16, 160),
        air=(0.66, 0.09, 300),
        air_share=0.5,
        dim=0.9,
        horizon=0.60,
        haze=0.72,
    ),
    Biome.MOUNTAIN: Appearance(
        ground=(0.52, 0.04, 110),
        patch=(0.62, 0.07, 125),
        rock=(0.54, 0.025, 250),
        stem=(0.36, 0.04, 55),
        leaf=(0.42, 0.07, 155),
        accent=(0.68, 0.17, 310),
        glow=(0.92, 0.10, 220),
        air=(0.84, 0.06, 245),
        air_share=0.2,
        horizon=0.62,
        haze=0.55,
    ),
    Biome.VOLCANIC: Appearance(
        ground=(0.30, 0.02, 40),
        patch=(0.24, 0.03, 30),
        rock=(0.30, 0.02, 30),
        stem=(0.26, 0.02, 40),
        leaf=(0.42, 0.10, 45),
        accent=(0.66, 0.20, 40),
        glow=(0.80, 0.20, 52),
        air=(0.50, 0.13, 35),
        air_share=0.5,
        dim=0.85,
        horizon=0.60,
        haze=0.62,
    ),
}
