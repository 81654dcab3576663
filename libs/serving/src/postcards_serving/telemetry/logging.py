"""Logs as JSON lines on standard error, each with the id of the request it belongs to, and without secrets."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from typing_extensions import override

from postcards_serving.telemetry import tracing

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that the present task or engine thread works for; empty outside of one."""

_SECRET_KEY = re.compile(r"(?i)(secret|password|passwd|token|api_?key|access_?key|authorization|credential|signature)")
_SECRET_TEXT = re.compile(
    r"(?i)(?P<lead>bearer\s+|://[^/\s:@]+:(?=[^/\s@]+@)|x-amz-(?:signature|credential|security-token)=)[^\s&@'\"]+"
    r"|\b(?:sk-|hf_)[A-Za-z0-9_-]{12,}"
)
_HIDDEN = "***"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, service, logger, message, what `fields(...)` adds, exception.

    Inside a request also its request_id, and while it is traced its trace_id.
    """

    def __init__(self, service: str) -> None:
        """Writes `service` into every line."""
        super().__init__()
        self._service = service

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if trace_id := tracing.trace_id():
            line["trace_id"] = trace_id
        extra = cast(Mapping[str, Any], getattr(record, "fields", {}))
        line |= {key: _shown(key, value) for key, value in extra.items()}
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def fields(**values: object) -> dict[str, dict[str, object]]:
    """Structured fields for a line: `log.info("stored", extra=fields(bytes=12))`."""
    return {"fields": values}


def configure(service: str, level: str, stream: TextIO | None = None) -> None:
    """Sends every log of the process through `JsonFormatter` to `stream` (default: standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)


def without_secrets(text: str) -> str:
    """`text` with what looks like a credential hidden."""
    return _SECRET_TEXT.sub(lambda match: (match["lead"] or "") + _HIDDEN, text)


def _shown(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return _HIDDEN
    return without_secrets(value) if isinstance(value, str) else value
