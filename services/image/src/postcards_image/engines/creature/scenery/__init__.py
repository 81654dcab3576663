"""The world around the animal."""

from postcards_image.engines.creature.scenery.painting import paint_scenery

__all__ = ["paint_scenery"]
