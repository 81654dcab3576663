"""Holds a wheel against its source: what git tracks in src is in the wheel. scripts/compare_wheel.py PACKAGE FOLDER."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path


def tracked(package: Path) -> set[str]:
    """The files below `src` that git tracks, as a wheel names them."""
    told = subprocess.run(["git", "ls-files", "src"], cwd=package, capture_output=True, text=True, check=True)
    return {line.removeprefix("src/") for line in told.stdout.splitlines()}


def in_the_wheel(package: Path, built: Path) -> set[str]:
    """The files of the newest wheel of a package, without its metadata."""
    name = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"].replace("-", "_")
    newest = max(built.glob(f"{name}-*.whl"), key=lambda path: path.stat().st_mtime)
    with zipfile.ZipFile(newest) as wheel:
        return {entry for entry in wheel.namelist() if ".dist-info/" not in entry}


def main() -> None:
    """Ends with exit code 1 and the names of what is missing or too much."""
    package, built = Path(sys.argv[1]), Path(sys.argv[2])
    wanted, found = tracked(package), in_the_wheel(package, built)
    if wanted != found:
        print(f"{package}: not in the wheel: {sorted(wanted - found)}; only there: {sorted(found - wanted)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
