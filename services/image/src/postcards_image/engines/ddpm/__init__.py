"""Draws with a trained diffusion model: the parents of a species as its classes, its drawing as bones."""

from postcards_image.engines.ddpm.engine import DdpmEngine
from postcards_image.engines.ddpm.loading import load_network

__all__ = ["DdpmEngine", "load_network"]
