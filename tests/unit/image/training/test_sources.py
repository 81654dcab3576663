"""Folders and zip files: what is listed, what the classes are, and what cannot hurt."""

import os
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from postcards_image.training.data import pictures
from postcards_image.training.data.entries import DataError, Source, printable
from postcards_image.training.data.pictures import UnreadablePictureError
from postcards_image.training.data.sources import class_names, open_source


def png(shade: int = 0) -> bytes:
    held = BytesIO()
    Image.new("RGB", (16, 16), (shade % 256, shade // 256, 90)).save(held, "PNG")
    return held.getvalue()


def lay(root: Path, *names: str) -> Path:
    for shade, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(shade))
    return root


def listed(data: Path | str) -> Source:
    with open_source(str(data)) as source:
        return source


def labels(data: Path | str) -> dict[str, str | None]:
    return {entry.name: entry.label for entry in listed(data).entries}


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_pictures_side_by_side_have_no_classes(tmp_path):
    source = listed(lay(tmp_path / "mine", "b.png", "a.JPG", "c.webp"))
    assert [entry.name for entry in source.entries] == ["a.JPG", "b.png", "c.webp"]
    assert source.classes == ()
    assert {entry.label for entry in source.entries} == {None}
    assert (source.name, source.kind, source.hub_id) == ("mine", "folder", "")


def test_folders_are_classes(tmp_path):
    source = listed(lay(tmp_path, "zebra/1.png", "ant/1.png", "ant/2.png"))
    assert source.classes == ("ant", "zebra")
    assert labels(tmp_path) == {"ant/1.png": "ant", "ant/2.png": "ant", "zebra/1.png": "zebra"}


def test_one_folder_is_no_class(tmp_path):
    assert listed(lay(tmp_path, "photos/1.png", "photos/2.png")).classes == ()


def test_folders_around_everything_and_below_classes_are_passed_over(tmp_path):
    lay(tmp_path, "all/animals/ant/a/1.png", "all/animals/ant/b/1.png", "all/animals/bee/1.png")
    assert set(labels(tmp_path).values()) == {"ant", "bee"}


@pytest.mark.parametrize("splits", [("train", "test"), ("Training", "valid"), ("train", "val", "test")])
def test_splits_are_no_classes(tmp_path, splits):
    lay(tmp_path, *(f"{split}/{name}/1.png" for split in splits for name in ("ant", "bee")))
    assert listed(tmp_path).classes == ("ant", "bee")


def test_splits_without_classes_have_none(tmp_path):
    assert listed(lay(tmp_path, "train/1.png", "test/2.png")).classes == ()


def test_a_picture_beside_the_folders_has_no_class(tmp_path):
    lay(tmp_path, "ant/1.png", "bee/1.png", "loose.png")
    assert labels(tmp_path)["loose.png"] is None
    assert listed(tmp_path).classes == ("ant", "bee")


def test_litter_is_passed_over_and_other_files_are_counted(tmp_path):
    lay(tmp_path, "ant/1.png", "bee/2.png", ".trash/3.png", "__MACOSX/ant/4.png", "ant/._1.png")
    for name in ("notes.txt", "ant/labels.csv", "ant/figure.eps", "Thumbs.db", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    source = listed(tmp_path)
    assert [entry.name for entry in source.entries] == ["ant/1.png", "bee/2.png"]
    assert source.ignored == 3
    assert source.classes == ("ant", "bee")


def test_linked_folders_are_entered_once(tmp_path):
    lay(tmp_path / "data", "ant/1.png", "bee/1.png")
    lay(tmp_path / "elsewhere", "1.png")
    (tmp_path / "data" / "round").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "wasp").symlink_to(tmp_path / "elsewhere")
    assert sorted(labels(tmp_path / "data")) == ["ant/1.png", "bee/1.png", "wasp/1.png"]


def test_a_dangling_link_is_an_unreadable_file(tmp_path):
    lay(tmp_path, "1.png")
    (tmp_path / "2.png").symlink_to("nowhere.png")
    entries = {entry.name: entry for entry in listed(tmp_path).entries}
    with pytest.raises(OSError, match="No such file"):
        entries["2.png"].read()


def test_a_name_that_is_no_text_can_be_shown_and_read(tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[2J.png"
    Path(os.fsdecode(raw)).write_bytes(png())
    (entry,) = listed(tmp_path).entries
    assert entry.name.isprintable()
    assert entry.name.encode("utf-8")
    assert entry.read() == png()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing here/at all", "there is no folder, zip file or dataset nothing here/at all"),
        ("./missing", "there is no folder"),
        ("missing.zip", "there is no folder"),
        ("x" * 5000, "there is no folder"),
        ("", "there is no folder"),
    ],
)
def test_what_does_not_exist_is_said_so(name, said):
    with pytest.raises(DataError, match=said):
        listed(name)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no pictures$"):
        listed(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DataError, match=r"holds no pictures \(1 other files\)"):
        listed(tmp_path)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        listed(tmp_path / "a.png")


def test_a_zip_file_is_read_where_it_lies(tmp_path):
    path = zipped(tmp_path / "animals.zip", {"animals/ant/1.png": png(1), "animals/bee/2.png": png(2), "animals/": b""})
    with open_source(str(path)) as source:
        assert (source.name, source.kind, source.classes) == ("animals", "zip", ("ant", "bee"))
        assert [entry.read() for entry in source.entries] == [png(1), png(2)]
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_climb_out_of_a_zip_file_are_only_names(tmp_path):
    members = {"../../ant/1.png": png(1), "/bee/2.png": png(2), "bee\\3.png": png(3), "./ant/../4.png": png(4)}
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "a.zip", members)
    with open_source(str(path)) as source:
        found = {entry.name: entry.label for entry in source.entries}
        assert found == {"ant/1.png": "ant", "ant/4.png": "ant", "bee/2.png": "bee", "bee/3.png": "bee"}
        assert sorted(entry.read() for entry in source.entries) == sorted(members.values())
    assert sorted(file for file in tmp_path.rglob("*") if file.is_file()) == [path]


def test_an_encrypted_member_is_unreadable_and_the_others_are_not(tmp_path):
    path = zipped(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature) + at
        data[place] |= 1
    path.write_bytes(data)
    with open_source(str(path)) as source:
        first, second = source.entries
        with pytest.raises(UnreadablePictureError, match="encrypted"):
            first.read()
        assert second.read() == png(2)


def test_a_bomb_is_read_to_the_limit_only(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    path = zipped(tmp_path / "a.zip", {"1.png": bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    # Its directory says that it is small.
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.find(signature) + at
        data[place : place + 4] = struct.pack("<I", 100)
    lying = tmp_path / "lying.zip"
    lying.write_bytes(data)
    with open_source(str(path)) as source:
        assert len(source.entries[0].read()) == 1001
    with open_source(str(lying)) as source:
        try:
            assert len(source.entries[0].read()) <= 1001
        except UnreadablePictureError as fault:
            assert "damaged" in str(fault)  # noqa: PT017 - either is right, by the version of Python


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_a_damaged_member_is_unreadable(tmp_path, compression):
    path = zipped(tmp_path / "a.zip", {"1.png": os.urandom(3000)}, compression)
    data = bytearray(path.read_bytes())
    data[100:1500] = os.urandom(1400)
    path.write_bytes(data)
    with open_source(str(path)) as source, pytest.raises(UnreadablePictureError, match="damaged in the archive"):
        source.entries[0].read()


def test_a_damaged_directory_of_a_zip_file_is_said_so(tmp_path):
    path = zipped(tmp_path / "a.zip", {"1.png": png()})
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02")] = 0
    path.write_bytes(data)
    with pytest.raises(DataError, match="is damaged"):
        listed(path)


def test_pictures_are_in_the_same_order_in_a_folder_and_a_zip_file(tmp_path):
    names = ["b/2.png", "a/10.png", "a/1.png"]
    folder = lay(tmp_path / "f", *names)
    path = zipped(tmp_path / "f.zip", {name: png() for name in names})
    assert [entry.name for entry in listed(folder).entries] == [entry.name for entry in listed(path).entries]


PARTS = st.lists(st.sampled_from(["ant", "bee", "train", "test", "x"]), min_size=1, max_size=4).map(tuple)


@given(st.lists(PARTS, min_size=1, max_size=12))
def test_every_path_has_a_class_or_none_and_one_class_alone_is_none(paths):
    found = class_names(paths)
    assert len(found) == len(paths)
    assert all(label is None or label in path for label, path in zip(found, paths, strict=True))


@given(st.text())
def test_names_from_outside_can_be_printed(text):
    assert printable(text).isprintable()
    assert printable(text)
