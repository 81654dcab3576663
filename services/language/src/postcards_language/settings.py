"""Settings of the language service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from postcards_serving.settings import ServiceSettings


class LanguageSettings(ServiceSettings):
    """Settings of one language server, beside those that every service has."""

    port: int = Field(default=50053, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9463, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    language_engine: Literal["phonotactic", "openai"] = "phonotactic"
    """Engine that makes the phrases."""
    language_fallback: Literal["", "phonotactic"] = ""
    """Engine that makes them where the other one fails; empty: none, the request fails."""
    language_model: str = Field(default="gpt-5.1", min_length=1, max_length=512)
    """Model of the engine openai, as the API names it."""
    language_temperature: float = Field(default=1.5, ge=0, le=2)
    """Sampling temperature of requests that name none."""
    language_top_p: float = Field(default=0.2, gt=0, le=1)
    """Nucleus sampling share of requests that name none."""
    language_reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high"] = ""
    """How much a model that reasons may do so; empty leaves it to the model."""
    language_timeout_seconds: float = Field(default=120.0, gt=0, le=3600)
    """How long the API may take for one request, with all retries; a caller's deadline may be shorter."""
    language_silence_seconds: float = Field(default=30.0, gt=0, le=3600)
    """How long the API may send nothing before a call counts as failed."""
    language_prompt_price: float = Field(default=0.0, ge=0)
    """USD for a million tokens that the model reads; 0: not known, so that no cost is told."""
    language_completion_price: float = Field(default=0.0, ge=0)
    """USD for a million tokens that the model writes; 0: not known."""
    openai_api_key: SecretStr = Field(SecretStr(""), validation_alias="OPENAI_API_KEY")
    """Key of the API."""
    openai_base_url: str = Field("", max_length=2000, validation_alias="OPENAI_BASE_URL")
    """Base URL of an OpenAI-compatible API, with its path, which may want no key; empty: OpenAI's own."""

    @field_validator("openai_base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = not value or (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be a URL with http:// or https://, e.g. http://127.0.0.1:8080/v1")
        return value
