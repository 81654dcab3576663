"""The engine "vocal-tract": a source-filter synthesiser that speaks with the anatomy of the species."""

from postcards_audio.engines.vocal_tract.engine import VocalTractEngine

__all__ = ["VocalTractEngine"]
