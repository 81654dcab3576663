"""Looks at this Python, its packages, the folder for the postcards and the store."""

import importlib.metadata
import importlib.util
import shutil
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

from postcards_cli.doctor.finding import Finding, good, missing
from postcards_cli.local.services import EMBEDDED, LEAST_FREE_BYTES

OLDEST_PYTHON = (3, 11)
_PACKAGES = ("grpcio", "protobuf", "rich", "typer", "httpx")
_TOPIC = "machine"


def look(folder: Path) -> Iterator[Finding]:
    """This Python, the packages, and whether `folder` can be written."""
    yield _python()
    yield _packages()
    yield _services()
    yield _folder(folder)


def _python() -> Finding:
    version = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return good(_TOPIC, "python", version)
    return missing(_TOPIC, "python", version, "install Python 3.11 or newer, then make setup")


def _packages() -> Finding:
    versions = {name: _version(name) for name in _PACKAGES}
    absent = [name for name, version in versions.items() if not version]
    if absent:
        advice = "install them again: pip install postcards-cli"
        return missing(_TOPIC, "packages", f"missing: {', '.join(absent)}", advice)
    return good(_TOPIC, "packages", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _services() -> Finding:
    absent = [name for name in ("composer", *EMBEDDED) if importlib.util.find_spec(f"postcards_{name}") is None]
    if absent:
        advice = f"--start and `up` need them: pip install {' '.join(f'postcards-{name}' for name in absent)}"
        return missing(_TOPIC, "services", f"not installed: {', '.join(absent)}", advice)
    return good(_TOPIC, "services", "the four services are installed")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _folder(folder: Path) -> Finding:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=nearest) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        free = shutil.disk_usage(nearest).free
    except OSError as error:
        advice = "choose another folder with --out"
        return missing(_TOPIC, "folder", f"{folder} cannot be written: {error.strerror}", advice)
    found = f"{folder} can be written; {free / 1e9:.1f} GB are free"
    if free < LEAST_FREE_BYTES:
        return missing(_TOPIC, "folder", found, f"free {LEAST_FREE_BYTES / 1e6:.0f} MB or more")
    return good(_TOPIC, "folder", found)


def store(settings: Mapping[str, str]) -> Finding:
    """Whether the store that the environment names can be one."""
    url = settings.get("POSTCARDS_STORE_URL", "")
    scheme = urllib.parse.urlsplit(url).scheme
    if not url or scheme == "file":
        return good("store", "store", url or "a folder on this machine")
    if scheme != "s3":
        advice = "set POSTCARDS_STORE_URL to file:///folder or s3://bucket"
        return missing("store", "store", f"{url} is no store", advice)
    absent = [
        name
        for name in ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")
        if not (settings.get(name) or settings.get(f"{name}_FILE"))
    ]
    if absent:
        return missing("store", "store", f"{url} needs settings", f"set {', '.join(absent)}")
    return good("store", "store", url)
