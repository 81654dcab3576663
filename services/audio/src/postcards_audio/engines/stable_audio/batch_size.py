"""How many sounds of a model go together through its network."""

from postcards_audio.engines.stable_audio.checkpoint.model import Guided, StableAudioModel
from postcards_audio.engines.stable_audio.checkpoint.pieces import pieces
from postcards_audio.engines.stable_audio.sampling import noise_levels
from postcards_serving.batching.capacity import BatchCapacity, find_capacity

_MOST_ROWS = 8
"""Sounds, with guidance, that keep a large GPU busy; more of them wait longer for each other and gain nothing."""


def batch_size_for(model: StableAudioModel, asked: int, *, engine: str) -> BatchCapacity:
    """How many sounds with guidance share a step; see `find_capacity`."""
    frames, seconds = model.description.frames, model.description.longest_seconds

    def step(rows: int) -> None:
        wanted = model.condition("a call", seconds)
        guided = Guided(wanted, model.against("", seconds, wanted), 2.0)
        noise, _ = model.starting_noise(0)
        level = noise_levels(model, 1)[0]
        model.all_finite(model.estimate(model.stack([noise] * rows), [level] * rows, [guided] * rows))

    def decode() -> None:
        noise, _ = model.starting_noise(0)
        model.decode(noise, max(pieces(frames, frames), key=lambda piece: piece.last - piece.first))

    return find_capacity(model.device, asked, engine=engine, most=_MOST_ROWS, step=step, between=decode)
