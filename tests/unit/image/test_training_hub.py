"""Datasets of Hugging Face, in the format in which the hub stores them."""

import io

import numpy as np
import pytest
from PIL import Image

datasets = pytest.importorskip("datasets", reason="needs datasets: make setup-train")

from postcards_image.training import hub  # noqa: E402
from postcards_image.training.loading import load  # noqa: E402
from postcards_image.training.sources import DataError, open_source  # noqa: E402


def png(number: int) -> bytes:
    buffer = io.BytesIO()
    values = np.random.default_rng(number).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """No test touches the cache of whoever runs it."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def rows(count: int, first: int = 0, **columns: object) -> "datasets.Dataset":
    features = {"photo": datasets.Image(), "caption": datasets.Value("string")}
    values = {
        "photo": [{"bytes": png(first + number), "path": None} for number in range(count)],
        "caption": [f"number {number}" for number in range(count)],
    }
    for name, (kind, entries) in columns.items():
        features[name], values[name] = kind, entries
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


def as_on_the_hub(folder, **splits: "datasets.Dataset"):
    """Tables below data/ and a README.md whose front matter names the features."""
    from datasets.info import DatasetInfo, DatasetInfosDict
    from huggingface_hub import DatasetCardData

    (folder / "data").mkdir(parents=True)
    for name, table in splits.items():
        table.to_parquet(folder / "data" / f"{name}-00000-of-00001.parquet")
    card = DatasetCardData()
    DatasetInfosDict({"default": DatasetInfo(features=next(iter(splits.values())).features)}).to_dataset_card_data(card)
    (folder / "README.md").write_text(f"---\n{card.to_yaml()}\n---\n")
    return folder


KIND = datasets.ClassLabel(names=["emu", "crab", "sea horse"])


def test_a_dataset_is_found_by_its_features(tmp_path):
    folder = as_on_the_hub(
        tmp_path / "wildlife",
        train=rows(12, kind=(KIND, [0, 1] * 6)),
        test=rows(4, 50, kind=(KIND, [2] * 4)),
    )
    with open_source(str(folder)) as source:
        loaded = load(source, 20)
    assert (source.name, source.kind) == ("wildlife", "dataset")
    assert source.classes == ("crab", "emu", "sea horse")
    assert loaded.photos.labels.tolist() == [1, 0] * 6 + [2] * 4
    assert not loaded.skipped


def test_a_dataset_without_classes_has_none(tmp_path):
    with open_source(str(as_on_the_hub(tmp_path / "plain", train=rows(12)))) as source:
        assert source.classes == ()
        assert load(source, 16).photos.labels.tolist() == [0] * 12


def test_rows_without_a_label_or_a_picture(tmp_path):
    table = rows(14, label=(KIND, [0, 1] * 6 + [-1, 0]))
    values = table.to_dict() | {"photo": [{"bytes": png(n), "path": None} for n in range(13)] + [None]}
    table = datasets.Dataset.from_dict(values, features=table.features)
    with open_source(str(as_on_the_hub(tmp_path / "gaps", train=table))) as source:
        loaded = load(source, 16)
    assert loaded.photos.labels.tolist()[-1] == len(source.classes)
    assert [(entry.name, entry.reason) for entry in loaded.skipped] == [("train/13", "empty")]


def test_what_save_to_disk_wrote_is_read_too(tmp_path):
    datasets.DatasetDict({"train": rows(12, label=(KIND, [0, 1] * 6))}).save_to_disk(tmp_path / "saved")
    with open_source(str(tmp_path / "saved")) as source:
        assert len(load(source, 16).photos) == 12


def test_a_dataset_without_pictures_names_its_columns(tmp_path):
    folder = as_on_the_hub(tmp_path / "words", train=rows(3).remove_columns("photo"))
    with pytest.raises(DataError, match=r"no column of pictures.*caption"), open_source(str(folder)):
        pass


def test_a_damaged_table_is_one_line(tmp_path):
    folder = as_on_the_hub(tmp_path / "broken", train=rows(3))
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError) as failure, open_source(str(folder)):
        pass
    assert "\n" not in str(failure.value)
    assert "broken" in str(failure.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ConnectionError("Couldn't reach 'a/b' on the Hub"), "cannot be reached"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' doesn't exist on the Hub"), "no folder, zip file or"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' is a gated dataset on the Hub."), "HF_TOKEN"),
        (ValueError("Config name is missing.\nPlease pick one"), "Config name is missing"),
    ],
)
def test_each_way_to_fail_at_the_hub_is_one_line(fault, words, monkeypatch):
    def load_dataset(*_: object) -> None:
        raise fault

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=words) as failure:
        hub.dataset("a/b")
    assert "\n" not in str(failure.value)


def test_an_id_goes_to_the_library_by_name(monkeypatch):
    asked = []

    def load_dataset(*given: object) -> "datasets.Dataset":
        asked.append(given)
        return rows(12)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with open_source("lucabaggi/animal-wildlife") as source:
        assert source.hub_id == "lucabaggi/animal-wildlife"
        assert source.name == "animal-wildlife"
    hub.dataset("a/b:large")
    assert asked == [("lucabaggi/animal-wildlife", None), ("a/b", "large")]
