"""URLs of files and folders on this machine."""

import urllib.parse
import urllib.request
from pathlib import Path


def local_path(url: str) -> Path | None:
    """The path that a file URL names on this machine; None for other URLs."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return Path(urllib.request.url2pathname(parts.path))
