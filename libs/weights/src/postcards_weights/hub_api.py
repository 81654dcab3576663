"""Asks the Hugging Face hub, or a server that speaks its interface, for models and their files."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast
from urllib.parse import quote

import httpx

PUBLIC_HUB = "https://huggingface.co"
PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt of a request that got nowhere."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PASSING = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0


class FetchFailed(Exception):  # noqa: N818 - a word of the domain
    """A model cannot be fetched. The message is one line that says what to do."""

    def __init__(self, message: str, reason: str) -> None:
        """`reason` is stable and upper-case, for programs."""
        super().__init__(message)
        self.reason = reason


class _Passing(Exception):  # noqa: N818 - a word of the domain
    """Something that may be gone at the next attempt."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model."""

    path: str
    """Path within the model, with slashes."""
    size: int
    """Bytes."""
    blob: str
    """SHA-256 of a large file, git's SHA-1 of a small one: its name in the cache."""
    about: Mapping[str, object]
    """What the cache's own listing says of it."""


@dataclass(frozen=True)
class Listing:
    """A model at one commit."""

    commit: str
    """The commit."""
    files: tuple[RemoteFile, ...]
    """All of its files."""


class Hub:
    """The hub over HTTP. Every failure is a `FetchFailed`."""

    def __init__(self, client: httpx.AsyncClient, token: str = "", pauses: tuple[float, ...] = PAUSES) -> None:
        """Asks through `client`, whose base URL is the hub's; `token` says who asks."""
        self._client: Final = client
        self._token: Final = token
        self._pauses: Final = pauses

    @property
    def url(self) -> str:
        """Where it is, without what may stand there of a password."""
        return str(self._client.base_url.copy_with(userinfo=b"")).rstrip("/")

    async def listing(self, model_id: str, revision: str) -> Listing:
        """The files of a model at a commit, branch or tag."""

        async def ask() -> Listing:
            response = await self._client.get(
                f"/api/models/{model_id}/revision/{quote(revision, safe='')}",
                params={"blobs": "true"},
                headers=self._headers(),
            )
            self._check(response, model_id, revision)
            return _read_listing(response)

        return await self._insist(ask, lambda: 0)

    async def download(
        self, model_id: str, commit: str, file: RemoteFile, target: Path, told: Callable[[int], None]
    ) -> None:
        """Appends to `target` what it lacks of a file; a connection that breaks is taken up where it broke.

        Args:
            model_id: the model.
            commit: its commit.
            file: which file.
            target: where; it exists.
            told: called with the bytes that have come in, negative when some must come again.

        Raises:
            FetchFailed: not all of it came; what came is kept.
            OSError: it could not be written.
        """

        def held() -> int:
            return target.stat().st_size

        async def ask() -> None:
            if held() > file.size:
                told(-held())
                target.write_bytes(b"")
            if held() == file.size:
                return
            headers = self._headers() | {"Range": f"bytes={held()}-"}
            path = f"/{model_id}/resolve/{commit}/{quote(file.path)}"
            async with self._client.stream("GET", path, headers=headers) as response:
                self._check(response, model_id, commit)
                if held() and response.status_code != HTTPStatus.PARTIAL_CONTENT:
                    told(-held())
                    target.write_bytes(b"")
                with target.open("ab", buffering=0) as out:
                    async for chunk in response.aiter_bytes():
                        out.write(chunk)
                        told(len(chunk))
            if held() < file.size:
                raise _Passing("the connection ended early")

        await self._insist(ask, held)

    async def _insist(self, ask: Any, progress: Callable[[], int]) -> Any:  # noqa: ANN401 - gives what `ask` gives
        """Asks again when something passing is in the way, until several attempts in a row got nowhere."""
        failures = 0
        while True:
            before = progress()
            try:
                with _in_words():
                    return await ask()
            except _Passing as fault:
                failures = failures + 1 if progress() <= before else 1
                if failures > len(self._pauses):
                    raise FetchFailed(f"{self.url} cannot be reached: {fault}", "HUB_UNREACHABLE") from None
                await asyncio.sleep(max(self._pauses[failures - 1], fault.wait))

    def _headers(self) -> dict[str, str]:
        # Compressed files could not be taken up in the middle, and weights do not shrink.
        headers = {"Accept-Encoding": "identity"}
        return headers | {"Authorization": f"Bearer {self._token}"} if self._token else headers

    def _check(self, response: httpx.Response, model_id: str, revision: str) -> None:
        if response.is_success:
            return
        code, status = response.headers.get("x-error-code", ""), response.status_code
        page = f"{self.url}/{model_id}"
        if code == "GatedRepo":
            step = "its owner has to be let in" if self._token else "set HF_TOKEN to a token of that account"
            raise FetchFailed(f"{model_id} is gated: accept its licence at {page}, then {step}", "GATED")
        if status == HTTPStatus.UNAUTHORIZED and self._token:
            raise FetchFailed(f"the hub does not accept HF_TOKEN for {model_id}: is it still valid?", "TOKEN_REFUSED")
        if code == "RevisionNotFound":
            raise FetchFailed(f"{model_id} has no revision {revision}", "REVISION_NOT_FOUND")
        if code == "RepoNotFound" or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            hint = "" if self._token else "; a private one needs HF_TOKEN"
            raise FetchFailed(f"{self.url} has no model {model_id}{hint}", "MODEL_NOT_FOUND")
        if status == HTTPStatus.FORBIDDEN:
            raise FetchFailed(f"the hub does not let {model_id} be read with this HF_TOKEN", "TOKEN_REFUSED")
        if status in _PASSING:
            raise _Passing(f"it answers with status {status}", _retry_after(response))
        raise FetchFailed(f"{self.url} answers with status {status} for {model_id}", "HUB_FAILED")


@asynccontextmanager
async def open_hub(endpoint: str, token: str = "", pauses: tuple[float, ...] = PAUSES) -> AsyncGenerator[Hub]:
    """The hub at `endpoint` (`HF_ENDPOINT`); empty: the public one. Proxies are those of the environment."""
    url = (endpoint or PUBLIC_HUB).rstrip("/")
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:
        base = httpx.URL("")
    if base.scheme not in ("http", "https") or not base.host:
        raise FetchFailed("HF_ENDPOINT is no address of a hub: it must be like https://huggingface.co", "BAD_ENDPOINT")
    timeout = httpx.Timeout(30.0, connect=10.0)
    async with httpx.AsyncClient(base_url=base, timeout=timeout, follow_redirects=True) as client:
        yield Hub(client, token, pauses)


@contextmanager
def _in_words() -> Generator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise _Passing("no answer in time") from None
    except httpx.ConnectError as fault:
        raise _Passing(_short(fault)) from None
    except httpx.TransportError as fault:
        raise _Passing(f"the connection broke ({_short(fault)})") from None
    except (httpx.TooManyRedirects, httpx.DecodingError, httpx.InvalidURL) as fault:
        raise FetchFailed(f"the hub's answer makes no sense: {_short(fault)}", "HUB_FAILED") from None


def _short(fault: Exception) -> str:
    return " ".join(str(fault).split())[:200] or type(fault).__name__


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() else 0.0


def _read_listing(response: httpx.Response) -> Listing:
    """Reads what the hub says of a model; nothing in it may lead out of the cache."""
    try:
        told: Any = response.json()
        commit = str(told["sha"])
        files = tuple(_read_file(sibling) for sibling in told["siblings"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FetchFailed(f"{response.url.host} does not answer like a Hugging Face hub", "HUB_FAILED") from None
    if not _COMMIT.fullmatch(commit):
        raise FetchFailed(f"{response.url.host} does not answer like a Hugging Face hub", "HUB_FAILED")
    return Listing(commit, files)


def _read_file(sibling: Mapping[str, Any]) -> RemoteFile:
    path, size, git = str(sibling["rfilename"]), int(sibling["size"]), str(sibling["blobId"])
    large = cast(Mapping[str, Any] | None, sibling.get("lfs"))
    blob = str(large["sha256"]) if large else git
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise ValueError(path)
    if not _HASH.fullmatch(blob) or size < 0:
        raise ValueError(blob)
    about: dict[str, object] = {"size": size, "blob_id": git}
    if large:
        about |= {"lfs_sha256": blob, "lfs_size": size}
    return RemoteFile(path, size, blob, about)
