"""The engine "stable-audio": sounds by Stable Audio, from a text or over what the vocal tract says."""

from postcards_audio.engines.stable_audio.engine import StableAudioEngine
from postcards_audio.engines.stable_audio.loading import load_model

__all__ = ["StableAudioEngine", "load_model"]
