"""Draws a species' body plan by computation alone."""

from postcards_image.engines.creature.engine import CreatureEngine

__all__ = ["CreatureEngine"]
