"""Settings of the audio service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal

from pydantic import Field

from postcards_serving.settings import ServiceSettings


class AudioSettings(ServiceSettings):
    """Settings of one audio server, beside those that every service has."""

    port: int = Field(default=50052, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9462, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    audio_engine: Literal["vocal-tract"] = "vocal-tract"
    """Engine that makes the calls."""
