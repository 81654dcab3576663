"""Reads one URL over HTTP or HTTPS with the standard library: patient on a slow line, never for ever."""

import http.client
import ipaddress
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
    getproxies,
)

CONNECT_SECONDS: Final = 10.0
"""Until a connection stands, TLS included."""
READ_SECONDS: Final = 60.0
"""Without a byte, on a connection that stands."""
_PIECE_BYTES: Final = 256 * 1024


class Refused(Exception):  # noqa: N818 - named for what happened
    """The server answers, but not with the bytes."""

    def __init__(self, status: int) -> None:
        """`status` is that of HTTP."""
        super().__init__(status)
        self.status: Final = status


class Broken(Exception):  # noqa: N818 - named for what happened
    """No whole answer came. The message names the kind of trouble, never the URL."""

    def __init__(self, kind: str, *, passing: bool) -> None:
        """`passing` says whether asking again may help."""
        super().__init__(kind)
        self.passing: Final = passing


@contextmanager
def opened(url: str) -> Generator[Iterator[bytes]]:
    """The bytes at an http or https URL, in pieces. Redirections are followed.

    HTTPS trusts what the system trusts. Proxies are those of the environment, but never for this machine's own
    loopback address.

    Raises:
        Refused: the server answers with another status than 2xx.
        Broken: it does not answer, or the answer breaks off, now or while the pieces are read.
    """
    with _trouble_named():
        answer = _opener(urlsplit(url).hostname or "").open(Request(url), timeout=READ_SECONDS)  # noqa: S310 - http only
    with answer:
        yield _pieces(answer)


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := _read(answer):
        yield piece


def _read(answer: http.client.HTTPResponse) -> bytes:
    with _trouble_named():
        piece = answer.read(_PIECE_BYTES)
    if not piece and answer.length:
        raise Broken("IncompleteRead", passing=True)
    return piece


@contextmanager
def _trouble_named() -> Generator[None]:
    try:
        yield
    except HTTPError as error:
        error.close()
        if 300 <= error.code < 400:
            raise Broken("RedirectError", passing=False) from None
        raise Refused(error.code) from None
    except URLError as error:
        cause = error.reason
        passing = isinstance(cause, OSError)
        raise Broken(type(cause if passing else error).__name__, passing=passing) from None
    except (http.client.InvalidURL, ValueError) as error:
        raise Broken(type(error).__name__, passing=False) from None
    except (http.client.HTTPException, OSError) as error:
        raise Broken(type(error).__name__, passing=True) from None


class _Connection(http.client.HTTPConnection):
    """A connection that has to stand soon, and may then be slow."""

    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _SecureConnection(http.client.HTTPSConnection):
    """As `_Connection`, over TLS."""

    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req, context=_trusted())


def _opener(host: str) -> OpenerDirector:
    """What opens URLs of HTTP alone: a redirection to a file of this machine is none."""
    opener = OpenerDirector()
    handlers: list[Any] = [
        ProxyHandler({} if _is_loopback(host) else _proxies()),
        _Http(),
        _Https(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
        UnknownHandler(),
    ]
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _proxies() -> dict[str, str]:
    """The proxies of the environment; `all_proxy` is for both schemes."""
    named = getproxies()
    return {scheme: proxy for scheme in ("http", "https") if (proxy := named.get(scheme) or named.get("all"))}


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that the system trusts: a store of one's own may be signed by an authority of one's own."""
    return ssl.create_default_context()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
