"""Where the photographs come from: a folder, a zip file, or a dataset of Hugging Face.

A source only lists what there is; nothing is unpacked to the disk and nothing decoded before `loading` asks.
"""

import os
import re
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal

from postcards_image.training.data import pictures
from postcards_image.training.data.entries import MAX_ENTRIES, DataError, Entry, Parts, Source, printable

_SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"})
_HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?(:[\w.-]{1,96})?")
_MAX_CLASS_NAME = 60


@contextmanager
def open_source(data: str) -> Generator[Source]:
    """Lists the pictures that `data` names: a folder, a zip file or a dataset of Hugging Face.

    The first folder of a picture's path is its class, where at least two folders hold pictures. A folder around
    everything and folders named after splits (train, test, ...) are passed over.

    Raises:
        DataError: there is no such thing, or it holds no pictures.
    """
    path = Path(data).expanduser()
    if not data or not _exists(path):
        if not _HUB_NAME.fullmatch(data) or data.startswith(".") or data.lower().endswith(".zip"):
            raise DataError(f"there is no folder, zip file or dataset {data[:200]}")
        from postcards_image.training.data import hub

        yield hub.dataset(data)
    elif path.is_dir():
        from postcards_image.training.data import hub

        yield hub.local_dataset(path) if hub.is_dataset(path) else _folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        with _opened(path) as archive:
            yield _zip(path, archive)
    else:
        raise DataError(f"{data} is neither a folder nor a zip file of pictures")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # A name longer than any file's.
        return False


def _folder(root: Path) -> Source:
    paths = [PurePosixPath(path.relative_to(root).as_posix()) for path in _walk(root)]

    def reader(path: PurePosixPath) -> Callable[[], bytes]:
        return lambda: _read_file(root / path)

    return _source(root.resolve().name, "folder", paths, reader, str(root))


def _walk(root: Path) -> Iterator[Path]:
    """Every file below a folder; a folder that is linked into itself is entered once."""
    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        state = Path(folder).stat()
        if (state.st_dev, state.st_ino) in entered:
            folders.clear()
            continue
        entered.add((state.st_dev, state.st_ino))
        yield from (Path(folder, file) for file in files)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(pictures.MAX_BYTES + 1)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as fault:
        raise DataError(f"{path} is damaged: {fault}") from None


def _zip(path: Path, archive: zipfile.ZipFile) -> Source:
    members = {_member_path(info.filename): info for info in archive.infolist() if not info.is_dir()}

    def reader(member: PurePosixPath) -> Callable[[], bytes]:
        return lambda: _read_member(archive, members[member])

    return _source(path.stem, "zip", members, reader, str(path))


def _member_path(name: str) -> PurePosixPath:
    """A name within an archive, without steps up and roots: nothing is unpacked, but folders name classes."""
    parts = name.replace("\\", "/").split("/")
    return PurePosixPath(*(part for part in parts if part not in ("", ".", "..")))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A file of an archive. What its directory says of its size is not believed: reading stops at the limit."""
    if info.flag_bits & 1:
        raise pictures.UnreadablePictureError("encrypted")
    try:
        with archive.open(info) as file:
            return file.read(pictures.MAX_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as fault:
        raise pictures.UnreadablePictureError(f"damaged in the archive ({fault})") from None
    except Exception as fault:
        # Each kind of compression has errors of its own (zlib.error, lzma.LZMAError, ...).
        raise pictures.UnreadablePictureError(f"damaged in the archive ({type(fault).__name__})") from None


def _source(
    name: str,
    kind: Literal["folder", "zip"],
    paths: Iterable[PurePosixPath],
    reader: Callable[[PurePosixPath], Callable[[], bytes]],
    where: str,
) -> Source:
    wanted, ignored = _pictures(paths)
    if not wanted:
        raise DataError(f"{where} holds no pictures" + (f" ({ignored} other files)" if ignored else ""))
    if len(wanted) > MAX_ENTRIES:
        raise DataError(f"{where} holds {len(wanted):,} pictures; at most {MAX_ENTRIES:,} can be used")
    labels = class_names([path.parts for path in wanted])
    entries = [Entry(printable(str(path)), label, reader(path)) for path, label in zip(wanted, labels, strict=True)]
    return Source(printable(name), kind, entries, tuple(sorted({label for label in labels if label})), ignored)


def _pictures(paths: Iterable[PurePosixPath]) -> tuple[list[PurePosixPath], int]:
    """Those that are pictures by their names, sorted, and the number of others. Litter of systems is passed over."""
    suffixes = pictures.suffixes()
    visible = [
        path
        for path in paths
        if not any(part.startswith(".") or part == "__MACOSX" for part in path.parts) and path.name != "Thumbs.db"
    ]
    wanted = sorted(path for path in visible if path.suffix.lower() in suffixes)
    return wanted, len(visible) - len(wanted)


def class_names(paths: Sequence[Parts]) -> list[str | None]:
    """The class of each path, or None for each when the folders make no classes."""
    inner = [path[_wrapping(paths) :] for path in paths]
    folders = {path[0] for path in inner if len(path) > 1}
    if folders and {folder.lower() for folder in folders} <= _SPLITS and all(len(path) > 1 for path in inner):
        inner = [path[1:] for path in inner]
        folders = {path[0] for path in inner if len(path) > 1}
    if len(folders) < 2:
        return [None] * len(paths)
    return [printable(path[0])[:_MAX_CLASS_NAME] if len(path) > 1 else None for path in inner]


def _wrapping(paths: Sequence[Parts]) -> int:
    """How many folders lie around everything."""
    depth = 0
    while all(len(path) > depth + 1 for path in paths) and len({path[depth] for path in paths}) == 1:
        depth += 1
    return depth
