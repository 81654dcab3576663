"""Settings of the language service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal

from pydantic import Field

from postcards_serving.settings import ServiceSettings


class LanguageSettings(ServiceSettings):
    """Settings of one language server, beside those that every service has."""

    port: int = Field(default=50053, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9463, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    language_engine: Literal["phonotactic"] = "phonotactic"
    """Engine that makes the phrases."""
