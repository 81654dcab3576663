"""What is wrong with a model, for the person who named it."""

from typing import Final

from postcards_serving.errors import ModelUnusable

__all__ = ["INSTALL", "ModelUnusable"]

INSTALL: Final = 'run `make setup-train`, or pip install torch==2.13.0 "postcards-image[train]"'
"""What brings torch, diffusers and the hub's client."""
