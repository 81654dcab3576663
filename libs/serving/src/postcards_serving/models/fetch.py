"""Fetches a model that is not on this machine while a service starts; what is in the way is said in one sentence."""

import asyncio
import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from postcards_serving.errors import ModelUnusable
from postcards_weights.cache import hub_cache, is_offline
from postcards_weights.catalog import Model
from postcards_weights.files import matching
from postcards_weights.token import hub_token

if TYPE_CHECKING:
    from postcards_weights.hub_api import RemoteFile

FETCH = "run `postcards fetch-models` once where the hub can be reached"
"""What brings a model into the cache."""
PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt of a request that got nowhere."""
BUSY_PAUSE = 2.0
"""Seconds before looking again whether another process has fetched the model into the same cache."""

_NO_WRITING = (errno.EROFS, errno.EACCES, errno.EPERM)

_log = logging.getLogger(__name__)


def fetch(model: str, *, patterns: Sequence[str], revision: str = "", install: str = "") -> Path:
    """The folder of a model's snapshot, fetched into the cache as far as it is not there yet.

    What breaks off goes on where it was, in this process or the next. Must not be called on a running event loop.

    Args:
        model: id on the hub.
        patterns: which files, e.g. "unet/*.safetensors"; pickles are left out whatever they say.
        revision: commit, branch or tag; empty: `main`.
        install: what brings what fetching needs, e.g. "run `make setup-models`".

    Raises:
        ModelUnusable: it cannot be fetched.
    """
    cache = hub_cache(os.environ)
    if is_offline(os.environ):
        named = f"{model} at {revision}" if revision else model
        raise ModelUnusable(f"{named} could not be fetched: HF_HUB_OFFLINE is set and {_whereabouts()}; {FETCH}")
    try:
        from postcards_weights.hub_api import FetchFailed
    except ImportError:
        hint = f": {install}" if install else ""
        raise ModelUnusable(
            f"{model} is no folder and {_whereabouts()}; to fetch it from the Hugging Face hub needs httpx, which is "
            f"not installed{hint}"
        ) from None
    token = hub_token(os.environ)
    if token.fault:
        raise ModelUnusable(token.fault)
    _log.info("fetching %s from the Hugging Face hub into %s", model, cache.folder)
    try:
        return asyncio.run(_when_free(Model(model, revision or "main", ()), patterns, token.value))
    except FetchFailed as failure:
        advice = f"; {FETCH}" if failure.reason == "HUB_UNREACHABLE" else ""
        raise ModelUnusable(f"{model} could not be fetched: {failure}{advice}") from None
    except OSError as fault:
        _log.debug("fetching %s failed", model, exc_info=fault)
        raise ModelUnusable(f"{model} could not be fetched: {_of_disk(fault)} (HF_HOME names another place)") from None


async def _when_free(model: Model, patterns: Sequence[str], token: str) -> Path:
    """Fetches it, after another process that is fetching it has done so or has ended."""
    from postcards_weights.hub_api import FetchFailed

    while True:
        try:
            return await _fetched(model, patterns, token)
        except FetchFailed as failure:
            if failure.reason != "BUSY":
                raise
        await asyncio.sleep(BUSY_PAUSE)


async def _fetched(model: Model, patterns: Sequence[str], token: str) -> Path:
    from postcards_weights.fetch import check_room, fetch, order_of
    from postcards_weights.hub_api import open_hub

    cache = hub_cache(os.environ)
    async with open_hub(os.environ.get("HF_ENDPOINT", ""), token, PAUSES) as hub:
        listing = await hub.listing(model.model_id, model.revision)
        paths = matching((file.path for file in listing.files), patterns)
        order = order_of(cache, model, listing, paths)
        check_room(cache, [order])
        return await fetch(hub, cache, order, _Unwatched())


class _Unwatched:
    """Nobody looks on while a service starts; its log says what is being fetched."""

    def came(self, file: "RemoteFile", count: int) -> None:
        del file, count

    def done(self, file: "RemoteFile") -> None:
        _log.info("fetched %s", file.path)


def _of_disk(fault: OSError) -> str:
    folder = hub_cache(os.environ).folder
    if fault.errno in _NO_WRITING:
        return f"{folder} cannot be written"
    return f"{folder} does not take it ({fault.strerror or type(fault).__name__})"


def _whereabouts() -> str:
    return f"{hub_cache(os.environ).folder} does not hold it"
