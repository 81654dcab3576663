"""Datasets in the formats of Hugging Face, made here with its own library, read without the network."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

datasets = pytest.importorskip("datasets", reason="needs datasets: make setup-train")

from postcards_image.training.data import hub  # noqa: E402
from postcards_image.training.data.entries import DataError, Source  # noqa: E402
from postcards_image.training.data.loading import load  # noqa: E402
from postcards_image.training.data.pictures import UnreadablePictureError  # noqa: E402
from postcards_image.training.data.sources import open_source  # noqa: E402

NAMES = ["ant", "bee", "cow"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The library looks into a cache of its own, and nowhere else."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def jpeg(seed: int) -> bytes:
    held = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), np.uint8)).save(held, "JPEG")
    return held.getvalue()


def rows(first: int, count: int, **columns: object) -> "datasets.Dataset":
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    data = {
        "image": [{"bytes": jpeg(first + index), "path": None} for index in range(count)],
        "label": [index % 3 for index in range(count)],
    }
    return datasets.Dataset.from_dict(data | columns, features=features)


CARD = """---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': ant
          '1': bee
          '2': cow
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
---
# Animals
"""


@pytest.fixture
def as_on_the_hub(tmp_path: Path) -> Path:
    """A dataset as the hub stores it: parquet files in `data`, features and splits in the card."""
    folder = tmp_path / "animal-wildlife"
    (folder / "data").mkdir(parents=True)
    rows(0, 15).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    rows(15, 6).to_parquet(folder / "data" / "test-00000-of-00001.parquet")
    (folder / "README.md").write_text(CARD)
    return folder


def opened(data: Path | str) -> Source:
    with open_source(str(data)) as source:
        return source


def test_parquet_files_with_a_card(as_on_the_hub):
    source = opened(as_on_the_hub)
    assert (source.kind, source.name, source.classes) == ("dataset", "animal-wildlife", ("ant", "bee", "cow"))
    assert [entry.name for entry in source.entries[:2]] == ["train/0", "train/1"]
    assert source.entries[-1].name == "test/5"
    assert [entry.label for entry in source.entries[:4]] == ["ant", "bee", "cow", "ant"]
    assert source.entries[16].read() == jpeg(16)
    found = load(source, 16)
    assert len(found.photos) == 21
    assert found.photos.labels.tolist() == [0, 1, 2] * 7


def test_parquet_files_alone(as_on_the_hub):
    (as_on_the_hub / "README.md").unlink()
    source = opened(as_on_the_hub)
    assert len(source.entries) == 21
    assert source.classes == ("ant", "bee", "cow")


@pytest.mark.parametrize("splits", [False, True])
def test_what_save_to_disk_wrote(tmp_path, splits):
    saved = datasets.DatasetDict({"train": rows(0, 9), "test": rows(9, 6)}) if splits else rows(0, 15)
    saved.save_to_disk(tmp_path / "saved")
    source = opened(tmp_path / "saved")
    assert len(source.entries) == 15
    assert source.classes == ("ant", "bee", "cow")
    assert [entry.read() for entry in source.entries] == [jpeg(seed) for seed in range(15)]
    assert source.entries[0].name == ("train/0" if splits else "0")
    assert len(load(source, 16).photos) == 15


def test_rows_without_a_picture_or_a_class(tmp_path):
    images = [{"bytes": jpeg(seed), "path": None} for seed in range(13)]
    empty = [None, {"bytes": b"", "path": None}]
    data = rows(0, 15, image=[*images, *empty], label=[*([0, 1] * 5), 0, -1, None, 0, 1])
    data.save_to_disk(tmp_path / "saved")
    found = load(opened(tmp_path / "saved"), 16)
    assert len(found.photos) == 13
    assert [skipped.name for skipped in found.skipped] == ["13", "14"]
    assert [skipped.reason for skipped in found.skipped] == ["empty", "empty"]
    assert found.photos.labels[11:].tolist() == [len(found.photos.classes)] * 2


def test_only_the_column_of_pictures_is_read(tmp_path):
    """A column of damaged pictures beside it is not decoded."""
    features = datasets.Features({"image": datasets.Image(), "mask": datasets.Image()})
    data = {
        "image": [{"bytes": jpeg(seed), "path": None} for seed in range(3)],
        "mask": [{"bytes": b"damaged", "path": None}] * 3,
    }
    datasets.Dataset.from_dict(data, features=features).save_to_disk(tmp_path / "saved")
    source = opened(tmp_path / "saved")
    assert source.classes == ()
    assert [entry.read() for entry in source.entries] == [jpeg(seed) for seed in range(3)]


def test_one_class_is_none(tmp_path):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant"])})
    data = {"image": [{"bytes": jpeg(0), "path": None}], "label": [0]}
    datasets.Dataset.from_dict(data, features=features).save_to_disk(tmp_path / "saved")
    assert opened(tmp_path / "saved").classes == ()


def test_a_dataset_without_pictures_is_refused(tmp_path):
    datasets.Dataset.from_dict({"text": ["a"], "score": [1]}).save_to_disk(tmp_path / "words")
    with pytest.raises(DataError, match=r"words has no column of pictures \(it has text, score\)"):
        opened(tmp_path / "words")


@pytest.mark.parametrize("damage", [b"", b"PAR1 nothing PAR1"])
def test_a_damaged_table_is_said_in_one_line(as_on_the_hub, damage):
    (as_on_the_hub / "data" / "train-00000-of-00001.parquet").write_bytes(damage)
    with pytest.raises(DataError, match="animal-wildlife") as refused:
        opened(as_on_the_hub)
    assert "\n" not in str(refused.value)


def test_a_name_that_cannot_be_looked_up_says_so():
    with pytest.raises(DataError, match="no folder or zip file nobody/nothing, and the Hugging Face hub cannot be"):
        opened("nobody/nothing")


class Library:
    """Stands for the library where the hub would answer."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []

    def load_dataset(self, *asked: object) -> object:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_dataset_of_the_hub_is_asked_for_by_its_name(monkeypatch):
    library = Library(datasets.DatasetDict({"train": rows(0, 3)}))
    monkeypatch.setattr(hub, "_library", lambda: library)
    source = opened("lucabaggi/animal-wildlife")
    assert (source.name, source.hub_id) == ("animal-wildlife", "lucabaggi/animal-wildlife")
    opened("someone/birds:small")
    assert library.asked == [("lucabaggi/animal-wildlife", None), ("someone/birds", "small")]


def gated() -> Exception:
    """As the library raises it."""
    import httpx2
    from huggingface_hub.errors import GatedRepoError

    fault = datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' is one that asks for more")
    fault.__cause__ = GatedRepoError(
        "403", response=httpx2.Response(403, request=httpx2.Request("GET", "https://hub.invalid"))
    )
    return fault


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (gated(), "accept its terms.*HF_TOKEN"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'gated/birds' doesn't exist"), "there is no .* a/b "),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' doesn't exist"), "there is no .* a/b .*HF_TOKEN"),
        (ConnectionError("no route"), "cannot be reached"),
        (OSError(28, "No space left on device"), "cannot be read: .*No space left"),
        (ValueError("Config name is missing.\nPick one: a, b"), "cannot be used: Config name is missing"),
        (RuntimeError(""), "cannot be used: RuntimeError"),
    ],
)
def test_what_the_hub_answers_is_one_line(monkeypatch, fault, said):
    monkeypatch.setattr(hub, "_library", lambda: Library(fault))
    with pytest.raises(DataError, match=said) as refused:
        opened("a/b")
    assert "\n" not in str(refused.value)


def test_a_folder_of_pictures_is_no_dataset(tmp_path):
    (tmp_path / "ant").mkdir()
    (tmp_path / "ant" / "1.jpg").write_bytes(jpeg(0))
    assert not hub.is_dataset(tmp_path)
    assert opened(tmp_path).kind == "folder"


def test_a_missing_path_within_a_row_is_unreadable():
    rows = [{"image": {"bytes": None, "path": None}}, {"image": {"bytes": None, "path": "gone.jpg"}}]
    with pytest.raises(UnreadablePictureError, match="empty"):
        hub._reader(rows, "image", 0)()
    with pytest.raises(OSError, match="No such file"):
        hub._reader(rows, "image", 1)()
