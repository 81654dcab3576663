"""Datasets of Hugging Face: from the hub by their id, or from a folder in the same format."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from postcards_image.training.data.entries import MAX_ENTRIES, DataError, Entry, Source, printable
from postcards_image.training.data.pictures import MAX_BYTES, UnreadablePictureError

_TABLES = (".parquet", ".arrow")
_LABEL_COLUMNS = ("label", "labels", "class", "category")


def is_dataset(folder: Path) -> bool:
    """Whether a folder holds tables as the hub stores them, or what `save_to_disk` wrote, rather than pictures."""
    files = [*folder.glob("*"), *folder.glob("*/*")]
    return any(file.suffix in _TABLES for file in files)


def local_dataset(folder: Path) -> Source:
    """The pictures of a dataset on this machine.

    Raises:
        DataError: it cannot be read, or has no pictures.
    """
    datasets = _library()
    saved = (folder / "state.json").exists() or (folder / "dataset_dict.json").exists()
    load = datasets.load_from_disk if saved else datasets.load_dataset
    return _source(_loaded(str(folder), lambda: load(str(folder))), folder.resolve().name, "")


def dataset(name: str) -> Source:
    """The pictures of a dataset at the hub, downloaded once into its cache (`HF_HOME`).

    Args:
        name: its id, e.g. "lucabaggi/animal-wildlife"; with ":" and a configuration where it has several.

    Raises:
        DataError: there is none, it cannot be reached, or it has no pictures.
    """
    datasets = _library()
    hub_id, _, configuration = name.partition(":")
    loaded = _loaded(hub_id, lambda: datasets.load_dataset(hub_id, configuration or None))
    return _source(loaded, hub_id.rpartition("/")[2], hub_id)


def _library() -> Any:  # noqa: ANN401 - imported at run time
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError:
        raise DataError('reading a dataset needs the package datasets: pip install "postcards-image[train]"') from None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    datasets.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    return datasets


def _loaded(name: str, load: Callable[[], Any]) -> Any:  # noqa: ANN401 - the library's types are loose
    """What `load` gives, with one line for each way in which it fails."""
    from datasets.exceptions import DatasetNotFoundError

    try:
        return load()
    except DatasetNotFoundError as fault:
        if type(fault.__cause__).__name__ == "GatedRepoError":
            raise DataError(
                f"the dataset {name} is gated: accept its terms on its page at huggingface.co, then set HF_TOKEN"
            ) from None
        raise DataError(f"there is no folder, zip file or dataset {name} (a private dataset needs HF_TOKEN)") from None
    except ConnectionError:
        raise DataError(
            f"there is no folder or zip file {name}, and the Hugging Face hub cannot be reached to look for a dataset; "
            "once downloaded, a dataset is found without it"
        ) from None
    except OSError as fault:
        raise DataError(f"the dataset {name} cannot be read: {_first_line(fault)}") from None
    except Exception as fault:
        raise DataError(f"the dataset {name} cannot be used: {_first_line(fault)}") from None


def _first_line(fault: Exception) -> str:
    return next(iter(str(fault).strip().splitlines()), type(fault).__name__)[:300]


def _source(loaded: Any, name: str, hub_id: str) -> Source:  # noqa: ANN401
    """All splits of a dataset together: what is held back is chosen by content, not by split."""
    import datasets

    splits = dict(loaded) if isinstance(loaded, dict) else {"": loaded}
    features = next(iter(splits.values())).features
    column = next((key for key, kind in features.items() if isinstance(kind, datasets.Image)), None)
    if column is None:
        raise DataError(f"the dataset {hub_id or name} has no column of pictures (it has {', '.join(features)})")
    label_column = _label_column(features)
    entries: list[Entry] = []
    for split, rows in splits.items():
        raw = rows.select_columns([column]).cast_column(column, datasets.Image(decode=False))
        names = features[label_column].names if label_column else []
        labels: list[int | None] = list(rows[label_column]) if label_column else [None] * len(rows)
        for index, label in enumerate(labels):
            known = names[label] if label is not None and 0 <= label < len(names) else None
            entries.append(
                Entry(
                    name="/".join(filter(None, (split, str(index)))),
                    label=None if known is None else printable(known),
                    read=_reader(raw, column, index),
                )
            )
    if len(entries) > MAX_ENTRIES:
        raise DataError(f"{hub_id or name} holds {len(entries):,} pictures; at most {MAX_ENTRIES:,} can be used")
    classes = tuple(sorted({entry.label for entry in entries if entry.label}))
    return Source(printable(name), "dataset", entries, classes if len(classes) > 1 else (), hub_id=hub_id)


def _label_column(features: Any) -> str | None:  # noqa: ANN401
    """The column of classes; of several the one that is named like it."""
    import datasets

    found = [key for key, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    return next((key for key in _LABEL_COLUMNS if key in found), found[0] if found else None)


def _reader(rows: Any, column: str, index: int) -> Callable[[], bytes]:  # noqa: ANN401
    def read() -> bytes:
        value = rows[index][column]
        if not value:
            raise UnreadablePictureError("empty")
        if value.get("bytes"):
            return bytes(value["bytes"])
        if not value.get("path"):
            raise UnreadablePictureError("empty")
        with Path(value["path"]).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    return read
