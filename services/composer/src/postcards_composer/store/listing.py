"""Pages of the postcards, the newest first."""

import asyncio
import base64
import binascii
import logging
from dataclasses import dataclass

from postcards_composer.metrics import ComposerMetrics
from postcards_composer.postcards.manifest import Manifest, PostcardState
from postcards_composer.postcards.manifest_json import ManifestError
from postcards_composer.store import NotFound, keys
from postcards_composer.store.keys import IndexEntry
from postcards_composer.store.manifests import Archive
from postcards_serving.errors import InvalidField
from postcards_serving.telemetry.logging import fields

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """Some postcards, and where to go on."""

    postcards: tuple[Manifest, ...]
    """The postcards, the newest first."""
    tokens: tuple[str, ...]
    """For each postcard, what names the page that begins after it."""
    more: bool
    """Whether any postcards come after the last one."""


async def list_page(archive: Archive, metrics: ComposerMetrics, size: int, token: str) -> Page:
    """The page of at most `size` postcards that `token` names; empty for the first.

    A place in the index whose postcard is gone, is going or cannot be read is passed over: one damaged postcard never
    hides the others.

    Raises:
        InvalidField: `token` is none that this service made.
    """
    start = _start_of(token)
    found: list[tuple[str, Manifest]] = []
    while len(found) <= size:
        # One more than asked tells whether there is a next page.
        wanted = size + 1 - len(found)
        places = await archive.store.list(keys.INDEX, start_after=start, limit=wanted)
        loaded = await asyncio.gather(*(_load(archive, metrics, place) for place in places))
        found += [(place, manifest) for place, manifest in zip(places, loaded, strict=True) if manifest is not None]
        if len(places) < wanted:
            break
        start = places[-1]
    page = found[:size]
    more = len(found) > size
    return Page(tuple(manifest for _, manifest in page), tuple(_token_of(place) for place, _ in page), more)


async def _load(archive: Archive, metrics: ComposerMetrics, place: str) -> Manifest | None:
    entry = keys.parse_index(place)
    if entry is None:
        return None
    try:
        manifest = (await archive.load(entry.id)).manifest
    except NotFound:
        return None
    except ManifestError as problem:
        metrics.unreadable.inc()
        _log.error("left out of a list: %s", problem, extra=fields(postcard=entry.id))
        return None
    if manifest.state is PostcardState.DELETING or IndexEntry(manifest.created_at, manifest.id) != entry:
        return None
    return manifest


def _token_of(place: str) -> str:
    return base64.urlsafe_b64encode(place.removeprefix(keys.INDEX).encode()).decode().rstrip("=")


def _start_of(token: str) -> str:
    if not token:
        return ""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if keys.parse_index(keys.INDEX + text) is None or text.startswith(keys.INDEX):
        raise InvalidField("page_token", "must be a next_page_token of this service")
    return keys.INDEX + text
