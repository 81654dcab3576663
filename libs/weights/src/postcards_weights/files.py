"""The files of a model's folder: which there are, which match a pattern, and which are never read."""

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
"""Endings of files that can run code when they are read: never fetched, never opened."""


def files_below(folder: Path) -> list[str]:
    """Paths of all files in a folder and the folders in it, relative to it, with slashes, sorted.

    Links are followed; those that lead nowhere are no files. Folders whose name begins with a dot are no part of a
    model: tools keep their own things in them.
    """
    seen: set[str] = set()
    found: list[str] = []
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in files]
    return sorted(path for path in found if (folder / path).is_file())


def matching(paths: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Those of the paths that match one of the patterns, sorted; pickles never do. `*` also stands for slashes."""
    return sorted(
        path for path in paths if not is_pickled(path) and any(fnmatchcase(path, pattern) for pattern in patterns)
    )


def is_pickled(path: str) -> bool:
    """Whether a file's name says that it can run code when it is read."""
    return path.lower().endswith(PICKLED)
