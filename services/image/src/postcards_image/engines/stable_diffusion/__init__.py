"""Draws with checkpoints of the Stable Diffusion 1 and 2 family: words, the species' drawing as bones, or both.

Importing this package brings no heavy library; `load_engine` does.
"""

from postcards_image.engines.stable_diffusion.choices import DEFAULT_MODEL, DEFAULT_REVISION, Choices
from postcards_image.engines.stable_diffusion.lazy_loading import load_engine

__all__ = ["DEFAULT_MODEL", "DEFAULT_REVISION", "Choices", "load_engine"]
