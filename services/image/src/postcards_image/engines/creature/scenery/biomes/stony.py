"""The stones at the feet of everyone who stands on open land."""

from collections.abc import Sequence

from postcards_image.engines.creature.scenery.biomes.recipe import Canvas, lay, number, sheet_of
from postcards_image.engines.creature.scenery.plants import mineral
from postcards_image.engines.creature.scenery.plants.plant import Kind
from postcards_image.engines.creature.scenery.plants.planting import breed, set_out, strew
from postcards_image.engines.creature.scenery.stage import Stage


def stony_floor(stage: Stage, canvas: Canvas, kinds: Sequence[Kind], pebbles: int) -> Canvas:
    """Pebbles, stones and small plants around the feet."""
    palette, sheet = stage.palette, sheet_of(stage)
    strew(
        stage,
        sheet,
        "pebbles",
        count=pebbles // 2,
        nearness=(0.15, 1.5),
        size=0.011,
        colours=[palette.rock, palette.ground, palette.patch],
    )
    stones = breed(stage, "stones", [mineral.boulder], 2, stem=palette.rock)
    set_out(stage, sheet, stones, "stones", count=number(stage, 4, 12), nearness=(0.3, 0.95), size=0.08, clearing=0.3)
    set_out(stage, sheet, kinds, "low", count=number(stage, 2, 8), nearness=(0.6, 0.95), size=0.11, clearing=0.4)
    return lay(stage, canvas, sheet)
