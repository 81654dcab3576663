"""Fetches models from the Hugging Face hub, and says in one sentence what kept one from being fetched."""

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Generator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from postcards_serving.errors import ModelUnusable
from postcards_serving.models.hub_cache import PICKLED, hub_cache, is_offline

FETCH = "run `postcards fetch-models` once where the hub can be reached"
"""What brings a model into the cache."""

_PUBLIC_HUB = "https://huggingface.co"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_WRITING = (errno.EROFS, errno.EACCES, errno.EPERM)

_log = logging.getLogger(__name__)


def fetch(model: str, *, patterns: Sequence[str], revision: str = "", install: str = "") -> Path:
    """The folder of a model's snapshot, fetched into the cache as far as it is not there yet.

    The token is that of `HF_TOKEN`, of the file that `HF_TOKEN_FILE` names, or of the client's own login.

    Args:
        model: id on the hub.
        patterns: which files, e.g. "unet/*.safetensors"; pickles are left out whatever they say.
        revision: commit, branch or tag; empty: `main`.
        install: what brings the hub's client, e.g. "run `make setup-models`".

    Raises:
        ModelUnusable: it cannot be fetched.
    """
    if is_offline():
        named = f"{model} at {revision}" if revision else model
        raise ModelUnusable(f"{named} could not be fetched: HF_HUB_OFFLINE is set and {_whereabouts()}; {FETCH}")
    hub = _client(model, install)
    _log.info("fetching %s from the Hugging Face hub into %s", model, hub_cache())
    with _in_one_sentence(model, revision):
        return Path(
            hub.snapshot_download(
                model,
                revision=revision or None,
                cache_dir=str(hub_cache()),
                allow_patterns=list(patterns),
                ignore_patterns=[f"*{ending}" for ending in PICKLED],
                token=hub_token() or None,
                endpoint=os.environ.get("HF_ENDPOINT") or None,
            )
        )


def files_on_hub(model: str, revision: str) -> list[str]:
    """Paths of all files of a model on the hub; empty where nobody can be asked."""
    if is_offline():
        return []
    with contextlib.suppress(Exception):
        api: Any = _client(model, "").HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=hub_token() or None)
        return list(api.list_repo_files(model, revision=revision or None))
    return []


def hub_token() -> str:
    """What `HF_TOKEN` or the file that `HF_TOKEN_FILE` names holds; empty without them.

    Raises:
        ModelUnusable: the file cannot be read.
    """
    token, path = os.environ.get("HF_TOKEN", ""), os.environ.get("HF_TOKEN_FILE", "")
    if token or not path:
        return token.strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        raise ModelUnusable(f"HF_TOKEN_FILE: cannot read {path}: {reason}") from None


def _client(model: str, install: str) -> Any:  # noqa: ANN401 - the client is imported at run time
    # The client reads it when it is imported.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        hub: Any = import_module("huggingface_hub")
    except ImportError:
        hint = f": {install}" if install else ""
        raise ModelUnusable(
            f"{model} is no folder and {_whereabouts()}; to fetch it from the Hugging Face hub needs "
            f"huggingface_hub, which is not installed{hint}"
        ) from None
    # It writes lines of its own beside the log; what matters of them is in what we say when it fails.
    logger = logging.getLogger("huggingface_hub")
    logger.handlers.clear()
    logger.setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        # No bars are drawn into a log.
        import_module("huggingface_hub.utils").disable_progress_bars()
    return hub


@contextlib.contextmanager
def _in_one_sentence(model: str, revision: str) -> Generator[None]:
    """Turns whatever the client raises into `ModelUnusable`; its own words go to the log, for those who ask for them.

    The client's exceptions are known by name: they derive from classes of an HTTP library that changes.
    """
    try:
        yield
    except ModelUnusable:
        raise
    except Exception as fault:
        _log.debug("fetching %s failed", model, exc_info=fault)
        raise ModelUnusable(_explained(model, revision, fault)) from None


def _explained(model: str, revision: str, fault: Exception) -> str:
    cause = fault.__cause__ or fault
    kinds = {kind.__name__ for kind in (*type(fault).__mro__, *type(cause).__mro__)}
    page = f"{(os.environ.get('HF_ENDPOINT') or _PUBLIC_HUB).rstrip('/')}/{model}"
    if "GatedRepoError" in kinds:
        return f"{model} is gated: accept its licence at {page} and set HF_TOKEN"
    if "RepositoryNotFoundError" in kinds:
        return f"there is no folder {model} and no such model on the Hugging Face hub (or HF_TOKEN may not see it)"
    if "RevisionNotFoundError" in kinds:
        return f"{model} has no revision {revision or 'main'!r} on the Hugging Face hub"
    status = _status(fault) or _status(cause)
    if status in (401, 403):
        return f"{model} could not be fetched (status {status}): set HF_TOKEN to a token that may read {page}"
    code = fault.errno if isinstance(fault, OSError) else None
    if code in _NO_ROOM:
        return f"{model} could not be fetched: no room is left in {hub_cache()} (HF_HOME names another place)"
    if code in _NO_WRITING:
        return f"{model} could not be fetched: {hub_cache()} cannot be written (HF_HOME names another place)"
    told = f"status {status}" if status else type(cause).__name__
    return f"{model} could not be fetched from the Hugging Face hub ({told}): is it reachable? If not, {FETCH}"


def _status(fault: BaseException) -> int | None:
    return getattr(getattr(fault, "response", None), "status_code", None)


def _whereabouts() -> str:
    return f"{hub_cache()} does not hold it"
