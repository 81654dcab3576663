"""How many pictures of a checkpoint go together through its UNet."""

import torch

from postcards_image.engines.stable_diffusion.checkpoint.checkpoint import Checkpoint
from postcards_serving.batching.capacity import Room, find_room

_MOST_ROWS = 16
"""Pictures, with guidance, that keep a large GPU busy; more of them wait longer for each other and gain nothing."""


def room_for(checkpoint: Checkpoint, asked: int, *, engine: str) -> Room:
    """How many pictures of the model's own size, with guidance, share a step; see `find_room`."""
    autoencoder, network = checkpoint.autoencoder, checkpoint.network
    side = checkpoint.size // autoencoder.factor
    tokens = checkpoint.reader.length
    return find_room(
        checkpoint.device,
        asked,
        engine=engine,
        most=_MOST_ROWS,
        step=lambda rows: network.try_out(2 * rows, side, side, tokens),
        between=lambda: autoencoder.decode(torch.zeros(1, network.channels, side, side)),
    )
