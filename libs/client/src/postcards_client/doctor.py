"""Looks whether this machine can make postcards, and says in plain words how to mend what is wrong."""

import importlib.metadata
import importlib.util
import shutil
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from postcards_client.ports import Endpoint, trouble_with_port
from postcards_client.services import EMBEDDED, LEAST_FREE_BYTES

OLDEST_PYTHON = (3, 11)
_PACKAGES = ("grpcio", "protobuf", "rich", "typer")
_ENGINES = {
    "image": ("creature", "ddpm", "stable-diffusion"),
    "audio": ("vocal-tract", "stable-audio"),
    "language": ("phonotactic", "openai"),
}


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    """What was looked at, e.g. "disk"."""
    ok: bool
    """Whether it is as it should be."""
    found: str
    """What was found."""
    advice: str = ""
    """How to mend it; empty when nothing is wrong."""


async def examine(
    endpoints: tuple[Endpoint, ...], address: str, folder: Path, settings: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Makes every check: this Python, the packages, the ports, `folder`, the engines and store in `settings`, and
    whether a composer answers at `address`.
    """
    serving = {endpoint.name: await _serves(endpoint.address) for endpoint in endpoints}
    findings = [_python(), *_packages()]
    findings += [_ports(endpoint, serving[endpoint.name]) for endpoint in endpoints]
    findings += [_folder(folder), *_engines(settings), _store(settings)]
    if address != endpoints[0].address:
        reached = await _serves(address)
        advice = "" if reached else "check the address, and that the composer runs: postcards up"
        findings.append(
            Finding("composer", reached, f"{address} {'is SERVING' if reached else 'gives no answer'}", advice)
        )
    return tuple(findings)


async def _serves(address: str) -> bool:
    """Whether a server at `address` says that it serves; False too when gRPC cannot be imported."""
    try:
        from postcards_client.health import status
    except ImportError:
        return False
    return await status(address, within=1.0) == "SERVING"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] >= OLDEST_PYTHON
    return Finding("python", good, f"Python {version}", "" if good else "install Python 3.11 or newer, then make setup")


def _packages() -> Iterator[Finding]:
    missing = [name for name in _PACKAGES if not _version(name)]
    found = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if name not in missing)
    yield Finding(
        "packages",
        not missing,
        found if not missing else f"missing: {', '.join(missing)}",
        "install them again: pip install postcards-client" if missing else "",
    )
    absent = [name for name in ("composer", *EMBEDDED) if importlib.util.find_spec(f"postcards_{name}") is None]
    yield Finding(
        "services",
        not absent,
        "the four services are installed" if not absent else f"not installed: {', '.join(absent)}",
        f"--start and `up` need them: pip install {' '.join(f'postcards-{name}' for name in absent)}" if absent else "",
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _ports(endpoint: Endpoint, serving: bool) -> Finding:
    check = f"port {endpoint.port}"
    if serving:
        return Finding(check, True, f"the {endpoint.name} service is SERVING")
    for port in (endpoint.port, endpoint.metrics_port):
        if trouble := trouble_with_port(port):
            advice = "stop what uses it, or choose other ports with --port-base"
            return Finding(f"port {port}", False, f"port {port} ({endpoint.name}) {trouble}", advice)
    return Finding(check, True, f"free for the {endpoint.name} service, which is not running")


def _folder(folder: Path) -> Finding:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=nearest) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        free = shutil.disk_usage(nearest).free
    except OSError as error:
        advice = "choose another folder with --out"
        return Finding("folder", False, f"{folder} cannot be written: {error.strerror}", advice)
    enough = free >= LEAST_FREE_BYTES
    return Finding(
        "folder",
        enough,
        f"{folder} can be written; {free / 1e9:.1f} GB are free",
        "" if enough else f"free {LEAST_FREE_BYTES / 1e6:.0f} MB or more",
    )


def _engines(settings: Mapping[str, str]) -> Iterator[Finding]:
    for part, known in _ENGINES.items():
        variable = f"POSTCARDS_{part.upper()}_ENGINE"
        engine = settings.get(variable, "") or EMBEDDED[part]
        if engine not in known:
            advice = f"set {variable} to one of {', '.join(known)}"
            yield Finding(f"{part} engine", False, f"{engine!r} is no engine", advice)
        elif engine == "openai" and not (settings.get("OPENAI_API_KEY") or settings.get("OPENAI_API_KEY_FILE")):
            advice = "set OPENAI_API_KEY, or OPENAI_API_KEY_FILE to a file that holds it"
            yield Finding(f"{part} engine", False, "openai has no key", advice)
        else:
            yield Finding(f"{part} engine", True, engine)


def _store(settings: Mapping[str, str]) -> Finding:
    url = settings.get("POSTCARDS_STORE_URL", "")
    if not url:
        return Finding("store", True, "a folder on this machine")
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "file":
        return Finding("store", True, url)
    if scheme != "s3":
        return Finding("store", False, f"{url} is no store", "set POSTCARDS_STORE_URL to file:///folder or s3://bucket")
    missing = [
        name
        for name in ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")
        if not (settings.get(name) or settings.get(f"{name}_FILE"))
    ]
    return Finding(
        "store",
        not missing,
        url if not missing else f"{url} needs settings",
        f"set {', '.join(missing)}" if missing else "",
    )
