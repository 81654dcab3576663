"""How many pictures of a checkpoint go together through its UNet."""

import torch

from postcards_image.engines.stable_diffusion.checkpoint.checkpoint import Checkpoint
from postcards_serving.batching.capacity import BatchCapacity, find_capacity

_MOST_ROWS = 16
"""Pictures, with guidance, that keep a large GPU busy; more of them wait longer for each other and gain nothing."""


def batch_size_for(checkpoint: Checkpoint, asked: int, *, engine: str) -> BatchCapacity:
    """How many pictures of the model's own size, with guidance, share a step; see `find_capacity`."""
    autoencoder, network = checkpoint.autoencoder, checkpoint.network
    side = checkpoint.size // autoencoder.factor
    tokens = checkpoint.reader.length
    return find_capacity(
        checkpoint.device,
        asked,
        engine=engine,
        most=_MOST_ROWS,
        step=lambda rows: network.try_out(2 * rows, side, side, tokens),
        between=lambda: autoencoder.decode(torch.zeros(1, network.channels, side, side)),
    )
