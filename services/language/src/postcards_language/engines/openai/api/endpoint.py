"""Where a language model is asked, and how."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from postcards_language.engines.openai.phrases.prompts import DEFAULT_TEMPERATURE, DEFAULT_TOP_P
from postcards_language.usage import Usage

OFFICIAL_URL = "https://api.openai.com/v1"
LOCAL = "local"
"""Stands for a machine of one's own."""

_PRIVATE_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".home", ".corp", ".test")
_PATH = re.compile(r"[/\\~.]|[A-Za-z]:[/\\]")


@dataclass(frozen=True)
class Endpoint:
    """One model of one server that speaks OpenAI's chat completions."""

    model: str
    """Its id there."""
    base_url: str = field(default="", repr=False)
    """Of the API, with its path, e.g. "http://127.0.0.1:8080/v1"; empty for OpenAI's own."""
    api_key: str = field(default="", repr=False)
    """Proves who asks; empty for servers that do not want to know."""
    temperature: float = DEFAULT_TEMPERATURE
    """Sampling temperature where a request names none, 0 to 2."""
    top_p: float = DEFAULT_TOP_P
    """Nucleus share where a request names none, above 0 to 1."""
    reasoning_effort: str = ""
    """How much a model that reasons may do so; empty leaves it to the model."""
    timeout_seconds: float = 120.0
    """For one request to the engine, with all its retries."""
    silence_seconds: float = 30.0
    """How long a server may send nothing before the call counts as failed."""
    connect_seconds: float = 10.0
    """How long a connection may take."""
    prompt_price: float = 0.0
    """USD for a million tokens that are read; 0: not known."""
    completion_price: float = 0.0
    """USD for a million tokens that are written; 0: not known."""

    def cost(self, usage: Usage) -> float | None:
        """What `usage` costs here, in USD; None where the prices are not known."""
        return usage.cost(self.prompt_price, self.completion_price)

    @property
    def url(self) -> str:
        """The base URL as it may be published: without user, password and query; `LOCAL` for a private network."""
        parts = urlsplit(self.base_url or OFFICIAL_URL)
        host = parts.hostname or ""
        if not _is_public(host):
            return LOCAL
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}".rstrip("/")

    @property
    def host(self) -> str:
        """The machine that does the work, e.g. "api.openai.com", or `LOCAL`."""
        return LOCAL if self.url == LOCAL else urlsplit(self.url).netloc


def without_path(model: str) -> str:
    """The name of a model as it may be published: servers of one's own call it by its path."""
    return re.split(r"[/\\]", model.rstrip("/\\"))[-1] if _PATH.match(model) else model


def _is_public(host: str) -> bool:
    """Whether a host is known to the world: neither an address of a private network nor a name within one."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").endswith(_PRIVATE_NAMES)
