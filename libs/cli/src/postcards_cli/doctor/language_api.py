"""Asks a language model API for its list of models, which is free, and says what that tells of key and model."""

import asyncio
import logging
import re
import urllib.parse
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from postcards_cli.doctor.finding import Finding, good, missing, warning

OFFICIAL_URL = "https://api.openai.com/v1"
KEYS_PAGE = "https://platform.openai.com/api-keys"

_TOPIC = "language"
_WITHIN = 3.0
_CONNECT_WITHIN = 2.0
_NAME = re.compile(r"[\w./:@-]{1,64}", re.ASCII)
_MOST_NAMES = 3


@dataclass(frozen=True)
class Api:
    """The API that the language service would ask."""

    base: str = field(repr=False)
    """Its base URL as the settings name it; empty for OpenAI's own."""
    key: str = field(repr=False)
    """What it is shown; empty for none."""
    source: str
    """The setting that holds the key."""
    model: str
    """The model that it would be asked for."""

    @property
    def shown(self) -> str:
        """Its address without user, password and query."""
        scheme, mark, rest = (self.base or OFFICIAL_URL).partition("://")
        place, slash, path = rest.partition("/")
        return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path.partition('?')[0]}" if mark else "(not shown)"


async def look(api: Api) -> Finding:
    """Whether somebody answers there, takes the key, and has the model; nothing is asked that costs."""
    if not _is_address(api.base or OFFICIAL_URL):
        advice = "set OPENAI_BASE_URL to one like http://127.0.0.1:8000/v1"
        return missing(_TOPIC, "API", f"OPENAI_BASE_URL is no address: {api.shown}", advice)
    # It would tell the request as news, with its URL, which may hold a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        async with asyncio.timeout(_WITHIN):
            response = await _models(api)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return _nobody(api)
    except (httpx.HTTPError, TimeoutError):
        return good(_TOPIC, "API", f"a server listens at {api.shown}")
    return _told(api, response)


async def _models(api: Api) -> httpx.Response:
    url = httpx.URL(api.base or OFFICIAL_URL)
    url = url.copy_with(path=f"{url.path.rstrip('/')}/models")
    headers = {"authorization": f"Bearer {api.key}"} if api.key else {}
    async with httpx.AsyncClient(timeout=httpx.Timeout(_WITHIN, connect=_CONNECT_WITHIN)) as client:
        return await client.get(url, headers=headers)


def _is_address(url: str) -> bool:
    try:
        httpx.URL(url)
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (httpx.InvalidURL, ValueError):
        return False


def _nobody(api: Api) -> Finding:
    if api.base:
        return missing(_TOPIC, "API", f"nobody answers at {api.shown}", "start the server, or mend OPENAI_BASE_URL")
    found = f"{api.shown} cannot be reached from here, so nobody knows whether the key is taken"
    return warning(_TOPIC, "API", found, "look at the network, and at the proxy if there is one")


def _told(api: Api, response: httpx.Response) -> Finding:
    status = response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return _refused(api)
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS) or response.is_server_error:
        found = f"{api.shown} answers with status {status} when it is asked for its models"
        forbidden = "see what the key may do, and from where" if status == HTTPStatus.FORBIDDEN else ""
        return warning(_TOPIC, "API", found, forbidden or "look again later")
    models = _listed(response) if response.is_success else []
    if not models:
        return good(_TOPIC, "API", f"a server listens at {api.shown}")
    if api.model not in models:
        found = f"{api.shown} does not list the model {api.model}"
        few = len(models) <= _MOST_NAMES and all(_NAME.fullmatch(name) for name in models)
        advice = f"set POSTCARDS_LANGUAGE_MODEL to {' or '.join(models) if few else 'one that it lists'}"
        return warning(_TOPIC, "API", found, advice)
    return good(_TOPIC, "API", f"{api.shown} {'takes the key and ' if api.key else ''}has the model {api.model}")


def _refused(api: Api) -> Finding:
    if not api.key:
        advice = "set OPENAI_API_KEY (or OPENAI_API_KEY_FILE) to a key of that server"
        return missing(_TOPIC, "API", f"the server at {api.shown} wants a key", advice)
    found = f"{api.shown} refused the key from {api.source}"
    if api.base:
        advice = f"set {api.source} to a key of that server, or mend OPENAI_BASE_URL"
    else:
        advice = f"make another one at {KEYS_PAGE}, then set {api.source}"
    return missing(_TOPIC, "API", found, advice)


def _listed(response: httpx.Response) -> list[str]:
    """Ids of the models in an answer, in order; none where it is no such list."""
    try:
        listed = response.json()["data"]
        return [str(model["id"]) for model in listed]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
