"""Reading a source: what is skipped, what is a copy, what does not fit, and who is held out."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from postcards_image.training.data import loading, memory
from postcards_image.training.data.entries import DataError, Entry, Source
from postcards_image.training.data.loading import LEAST_PHOTOS, Loaded, check_memory, load, memory_for
from postcards_image.training.data.memory import available_bytes, in_words
from postcards_image.training.data.pictures import UnreadablePictureError
from postcards_image.training.data.sources import open_source


def noise(seed: int, side: int = 40) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 255, (side, side, 3), np.uint8))


def lay(folder: Path, seeds: range, name: str = "") -> Path:
    (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        noise(seed).save(folder / name / f"{seed:03}.png")
    return folder


def loaded(folder: Path, side: int = 16, **more: object) -> Loaded:
    with open_source(str(folder)) as source:
        return load(source, side, **more)


def test_photographs_and_their_classes_in_order(tmp_path):
    lay(tmp_path, range(8), "bee")
    lay(tmp_path, range(8, 14), "ant")
    found = loaded(tmp_path)
    assert found.photos.images.shape == (14, 16, 16, 3)
    assert found.photos.classes == ("ant", "bee")
    assert found.photos.labels.tolist() == [0] * 6 + [1] * 8
    assert len(set(found.photos.digests)) == 14
    assert (found.skipped, found.duplicates) == ((), 0)


def test_a_photograph_of_no_class_has_the_number_after_the_last(tmp_path):
    lay(tmp_path, range(6), "bee")
    lay(tmp_path, range(6, 12), "ant")
    lay(tmp_path, range(12, 14))
    assert sorted(loaded(tmp_path).photos.labels.tolist()) == [0] * 6 + [1] * 6 + [2] * 2
    assert loaded(lay(tmp_path / "ant", range(20, 30))).photos.labels.tolist() == [0] * 16


def test_unreadable_files_are_listed_and_skipped(tmp_path):
    lay(tmp_path, range(12))
    (tmp_path / "000a.jpg").write_bytes(b"")
    (tmp_path / "005a.png").write_bytes((tmp_path / "005.png").read_bytes()[:200])
    (tmp_path / "gone.png").symlink_to("nowhere")
    found = loaded(tmp_path)
    assert [(skipped.name, bool(skipped.reason)) for skipped in found.skipped] == [
        ("000a.jpg", True),
        ("005a.png", True),
        ("gone.png", True),
    ]
    assert found.skipped[0].reason == "empty"
    assert found.skipped[2].reason == "No such file or directory"
    with Image.open(tmp_path / "006.png") as sixth:
        expected = np.asarray(sixth)
    assert abs(found.photos.images[6].mean() - expected.mean()) < 5


def test_copies_are_left_out_also_with_other_notes(tmp_path):
    lay(tmp_path, range(12))
    (tmp_path / "copy.png").write_bytes((tmp_path / "003.png").read_bytes())
    noise(4).save(tmp_path / "rewritten.png", compress_level=1, dpi=(300, 300))
    found = loaded(tmp_path)
    assert len(found.photos) == 12
    assert found.duplicates == 2


def test_too_few_pictures_are_an_error_that_says_why(tmp_path):
    lay(tmp_path, range(LEAST_PHOTOS - 1))
    (tmp_path / "bad.png").write_bytes(b"x")
    (tmp_path / "copy.png").write_bytes((tmp_path / "000.png").read_bytes())
    with pytest.raises(DataError) as refused:
        loaded(tmp_path)
    said = str(refused.value)
    assert said.startswith(f"only {LEAST_PHOTOS - 1} pictures can be used (1 could not be read, 1 were copies")
    assert "bad.png: no picture, or damaged" in said
    assert f"at least {LEAST_PHOTOS} are needed" in said
    lay(tmp_path, range(LEAST_PHOTOS))
    assert len(loaded(tmp_path).photos) == LEAST_PHOTOS


def test_the_number_of_threads_changes_nothing(tmp_path):
    lay(tmp_path, range(150))
    (tmp_path / "070a.png").write_bytes(b"x")
    one, many = loaded(tmp_path, threads=1), loaded(tmp_path, threads=7)
    assert np.array_equal(one.photos.images, many.photos.images)
    assert one.photos.digests == many.photos.digests
    assert one.skipped == many.skipped


def test_reading_is_told(tmp_path):
    told: list[tuple[int, int]] = []
    loaded(lay(tmp_path, range(70)), told=lambda done, count: told.append((done, count)))
    assert told == [(done, 70) for done in range(1, 71)]


def test_an_error_of_ours_is_not_swallowed():
    def read() -> bytes:
        raise ZeroDivisionError

    entries = [Entry(str(index), None, read) for index in range(20)]
    with pytest.raises(ZeroDivisionError):
        load(Source("s", "folder", entries, ()), 16)


def test_an_entry_may_say_that_it_is_unreadable():
    def read() -> bytes:
        raise UnreadablePictureError("encrypted")

    def fine(seed: int) -> bytes:
        held = BytesIO()
        noise(seed).save(held, "PNG")
        return held.getvalue()

    good = [Entry(str(seed), None, lambda seed=seed: fine(seed)) for seed in range(12)]
    found = load(Source("s", "zip", [*good, Entry("x.png", None, read)], ()), 16)
    assert [skipped.reason for skipped in found.skipped] == ["encrypted"]


def test_photographs_that_do_not_fit_are_refused_before_one_is_read(monkeypatch):
    def read() -> bytes:
        raise AssertionError("a picture was read")

    monkeypatch.setattr(loading, "available_bytes", lambda: 10**9)
    entries = [Entry(str(index), None, read) for index in range(50_000)]
    with pytest.raises(DataError) as refused:
        load(Source("s", "folder", entries, ()), 128)
    said = str(refused.value)
    assert "50,000 pictures of 128 x 128 pixels take 2.5 GB of memory; 400 MB can be used here" in said
    assert "--resolution" in said
    assert "about 8,138 of the pictures" in said


@given(st.integers(0, 10**7), st.integers(8, 1024), st.integers(0, 10**12))
def test_memory_is_refused_exactly_from_the_limit_on(count, side, available):
    limit = int(available * loading.MEMORY_SHARE)
    check_memory(count, side, None)
    if memory_for(count, side) <= limit:
        check_memory(count, side, available)
    else:
        with pytest.raises(DataError):
            check_memory(count, side, available)


def test_the_memory_of_this_machine_is_known():
    found = available_bytes()
    assert found is None or 10**6 < found < 10**15


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    assert available_bytes() == 3_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes() != 3_000_000
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert available_bytes() > 10**6


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (41e6, "41 MB"), (2.5e9, "2.5 GB")]
)
def test_bytes_in_words(count, words):
    assert in_words(count) == words


def held_out(found: Loaded, seed: int = 1) -> set[str]:
    learned, kept = found.photos.split(0.3, seed)
    assert len(learned) + len(kept) == len(found.photos)
    return set(kept.digests)


def test_who_is_held_out_does_not_depend_on_resolution_or_company(tmp_path):
    before = loaded(lay(tmp_path, range(60)), 16)
    small = held_out(before)
    assert 5 < len(small) < 35
    assert held_out(loaded(tmp_path, 64)) == small
    assert held_out(before, seed=2) != small
    (tmp_path / "030.png").rename(tmp_path / "renamed.png")
    after = loaded(lay(tmp_path, range(60, 90)), 16)
    assert held_out(after) & set(before.photos.digests) == small
