"""The engine "stable-audio": sounds by Stable Audio, from a text or over what the vocal tract says."""

from postcards_audio.engines.stable_audio.checkpoint.loading import load_model
from postcards_audio.engines.stable_audio.engine import StableAudioEngine

__all__ = ["StableAudioEngine", "load_model"]
