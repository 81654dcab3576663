"""The stones at the feet of everyone who stands on open land."""

from postcards_image.engines.creature.scenery.biomes.recipe import Flora, Layer, Stand, Strewn, rock
from postcards_image.engines.creature.scenery.plants import mineral

STONES = Flora("stones", [mineral.boulder], 2, stem=rock)


def pebbles(count: int, nearness: tuple[float, float]) -> Strewn:
    """Small stones of the place."""
    return Strewn("pebbles", count, 0.011, lambda palette: [palette.rock, palette.ground, palette.patch], nearness)


def stony_floor(flora: Flora, count: int) -> Layer:
    """`count` pebbles, stones and small plants around the feet."""
    return Layer(
        pebbles(count, (0.15, 1.5)),
        Stand(STONES, "stones", (4, 12), (0.3, 0.95), 0.08, clearing=0.3),
        Stand(flora, "low", (2, 8), (0.6, 0.95), 0.11, clearing=0.4),
    )
