"""Settings that every service has, read from the environment."""

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "POSTCARDS_"
FILE_SUFFIX = "_FILE"

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class SettingsError(Exception):
    """The environment holds settings that cannot be used. The message is one line that names the variable."""


class ServiceSettings(BaseSettings):
    """Settings of a server process: variable `POSTCARDS_<FIELD>`, or `POSTCARDS_<FIELD>_FILE` naming a file with it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    bind_address: str = Field(default="127.0.0.1", min_length=1)
    """Address that gRPC listens on. 0.0.0.0 for every interface (in containers)."""
    port: int = Field(default=50051, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose. Each service has a default of its own."""
    metrics_address: str = Field(default="127.0.0.1", min_length=1)
    """Address that the metrics are served on. 0.0.0.0 for every interface (in containers)."""
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose. Each service has a default of its own."""
    max_in_flight: int = Field(default=1, ge=1, le=256)
    """Requests that are worked on at once."""
    max_queue: int = Field(default=32, ge=0, le=10_000)
    """Requests that may wait; one more is turned away with a retry delay."""
    drain_pause_seconds: float = Field(default=0.2, ge=0, le=120)
    """Pause between "not serving" and closing the port on shutdown, for balancers to look away."""
    grace_seconds: float = Field(default=30.0, ge=0, le=3600)
    """How long running calls may take to end on shutdown."""
    max_connection_age_seconds: float = Field(default=300.0, ge=1)
    """Age at which clients are asked to connect anew, so that they find new replicas."""
    max_connection_grace_seconds: float = Field(default=3600.0, ge=1)
    """How long calls on an aged connection may go on: longer than the longest job."""
    max_message_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=256 * 1024 * 1024)
    """Largest message taken or sent."""
    on_load_failure: Literal["exit", "wait"] = "exit"
    """When a model cannot be loaded: exit with one line, or wait: stay NOT_SERVING, say why, and try again."""
    load_retry_seconds: float = Field(default=10.0, gt=0, le=3600)
    """With wait, or behind a fallback: pause before loading is tried again; each later one is twice as long, up to 5
    minutes."""
    traces_endpoint: str = ""
    """Receiver of traces (OTLP/HTTP), http://collector:4318. Empty: what OTEL_EXPORTER_OTLP_ENDPOINT says; else off."""
    traces_sample_ratio: float = Field(default=1.0, ge=0, le=1)
    """Share of the traces begun here that are recorded; a caller that brings a trace has decided already."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""

    def places(self, at_once: int) -> int:
        """Requests that are worked on at once: `max_in_flight` if somebody says so, else what suits the engine."""
        return self.max_in_flight if "max_in_flight" in self.model_fields_set else at_once

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads arguments, then variables, then files named by variables; no .env file is looked for."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _NamedFiles(settings_cls)


class _NamedFiles(EnvSettingsSource):
    """Variables whose name ends in _FILE: the value is what the file holds, without surrounding white space."""

    def _load_env_vars(self) -> dict[str, str | None]:
        return {
            name.removesuffix(FILE_SUFFIX).lower(): _read(name, path)
            for name, path in os.environ.items()
            if name.endswith(FILE_SUFFIX) and path and self._is_ours(name.removesuffix(FILE_SUFFIX).lower())
        }

    def _is_ours(self, name: str) -> bool:
        return any(
            key == name
            for field_name, info in self.settings_cls.model_fields.items()
            for _, key, _ in self._extract_field_info(info, field_name)
        )


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """The settings of the process.

    Raises:
        SettingsError: a variable holds what it must not hold.
    """
    try:
        return kind()
    except ValidationError as fault:
        raise SettingsError("; ".join(_in_words(kind, error) for error in fault.errors())) from None


def _in_words(kind: type[BaseSettings], error: ErrorDetails) -> str:
    place = ".".join(str(step) for step in error["loc"])
    name = place if place not in kind.model_fields else f"{kind.model_config.get('env_prefix', '')}{place}"
    said = error["msg"].removeprefix("Value error, ")
    return f"{name.upper()}: {said}" if name else said


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{name}: cannot read {path}: {reason}") from None
