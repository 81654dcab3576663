"""Settings of the image service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal

from pydantic import Field

from postcards_serving.settings import ServiceSettings


class ImageSettings(ServiceSettings):
    """Settings of one image server, beside those that every service has."""

    port: int = Field(default=50051, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9461, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    image_engine: Literal["creature"] = "creature"
    """Engine that makes the pictures."""
