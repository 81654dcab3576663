"""Where photographs come from: folders, zip files, datasets; what is left out, and how that is said."""

import io
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from postcards_image.training import loading, pictures
from postcards_image.training.loading import check_memory, load
from postcards_image.training.pictures import UnreadablePictureError, read_square
from postcards_image.training.sources import DataError, class_names, open_source, printable


def picture(number: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    values = np.random.default_rng(number).integers(0, 255, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def fill(folder: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(number)))
    return folder


TWO_CLASSES = [f"{kind}/{number}.png" for kind in ("crab", "emu") for number in range(10)]


def test_folders_are_classes(tmp_path):
    fill(tmp_path, TWO_CLASSES)
    with open_source(str(tmp_path)) as source:
        loaded = load(source, 20)
    assert source.classes == loaded.photos.classes == ("crab", "emu")
    assert loaded.photos.labels.tolist() == [0] * 10 + [1] * 10
    assert loaded.photos.images.shape == (20, 20, 20, 3)
    assert not loaded.skipped


@pytest.mark.parametrize(
    ("paths", "classes"),
    [
        (["1.png", "2.png"], [None, None]),
        (["all/1.png", "all/2.png"], [None, None]),
        (["all/crab/1.png", "all/emu/1.png"], ["crab", "emu"]),
        (["crab/1.png", "emu/deep/er/1.png"], ["crab", "emu"]),
        (["train/crab/1.png", "test/emu/1.png"], ["crab", "emu"]),
        (["Train/1.png", "test/2.png"], [None, None]),
        (["crab/1.png", "emu/1.png", "3.png"], ["crab", "emu", None]),
        (["crab/train/1.png", "emu/train/1.png"], ["crab", "emu"]),
    ],
)
def test_which_folders_make_classes(paths, classes):
    assert class_names([PurePosixPath(path).parts for path in paths]) == classes


names = st.text(st.characters(exclude_characters="/\x00"), min_size=1, max_size=8).filter(
    lambda t: t not in (".", "..")
)


@given(st.lists(st.lists(names, min_size=1, max_size=4).map(tuple), min_size=1, max_size=12))
def test_any_tree_has_classes_for_all_or_none(paths):
    found = class_names(paths)
    assert len(found) == len(paths)
    kinds = {label for label in found if label}
    assert not kinds or all(label.isprintable() for label in kinds)


@given(st.text())
def test_names_from_outside_are_safe_to_print(text):
    assert printable(text).isprintable()
    assert printable(text)


def test_a_picture_without_a_class_is_of_none_in_particular(tmp_path):
    fill(tmp_path, [*TWO_CLASSES, "stray.png"])
    with open_source(str(tmp_path)) as source:
        labels = load(source, 16).photos.labels
    assert sorted(labels.tolist()) == [0] * 10 + [1] * 10 + [2]


def test_litter_and_other_files_are_passed_over(tmp_path):
    fill(tmp_path, [*TWO_CLASSES, ".hidden/1.png", "__MACOSX/crab/1.png", "crab/._1.png"])
    (tmp_path / "notes.txt").write_text("not a picture")
    with open_source(str(tmp_path)) as source:
        assert len(source.entries) == 20
        assert source.ignored == 1


def test_a_folder_that_is_linked_into_itself_is_read_once(tmp_path):
    fill(tmp_path, TWO_CLASSES)
    (tmp_path / "crab" / "again").symlink_to(tmp_path)
    with open_source(str(tmp_path)) as source:
        assert len(source.entries) == 20


def test_unreadable_files_are_listed_and_copies_dropped(tmp_path):
    fill(tmp_path, TWO_CLASSES)
    (tmp_path / "crab" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "crab" / "cut.png").write_bytes(encoded(picture(99, (400, 300)))[:3000])
    (tmp_path / "crab" / "empty.png").write_bytes(b"")
    (tmp_path / "crab" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    (tmp_path / "crab" / "tiny.png").write_bytes(encoded(picture(1, (3, 3))))
    (tmp_path / "emu" / "copy.png").write_bytes((tmp_path / "emu" / "3.png").read_bytes())
    (tmp_path / "emu" / "same-pixels.bmp").write_bytes(encoded(picture(14), "BMP"))
    with open_source(str(tmp_path)) as source:
        loaded = load(source, 20)
    assert len(loaded.photos) == 20
    assert loaded.duplicates == 2
    reasons = {skipped.name: skipped.reason for skipped in loaded.skipped}
    assert set(reasons) == {f"crab/{name}" for name in ("broken.jpg", "cut.png", "empty.png", "phone.heic", "tiny.png")}
    assert reasons["crab/empty.png"] == "empty"
    assert "JPEG" in reasons["crab/phone.heic"]
    assert "3 x 3" in reasons["crab/tiny.png"]
    assert all("\n" not in reason for reason in reasons.values())


def test_too_few_pictures_say_the_minimum(tmp_path):
    fill(tmp_path, ["1.png", "2.png"])
    (tmp_path / "3.png").write_bytes(b"no")
    with open_source(str(tmp_path)) as source, pytest.raises(DataError, match=r"only 2 .*1 could not be read.*3.png"):
        load(source, 16)


@pytest.mark.parametrize("data", ["/no/such/folder", "./nowhere", "nothing.zip", "a/b/c", ""])
def test_what_does_not_exist_is_one_clear_line(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as failure, open_source(data or str(tmp_path)):
        pass
    assert "\n" not in str(failure.value)
    assert (data or "no pictures") in str(failure.value)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(DataError, match="neither a folder nor a zip"), open_source(str(path)):
        pass


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_zip_file_is_as_good_as_its_folder(tmp_path):
    fill(tmp_path / "folder", TWO_CLASSES)
    files = {f"animals/{name}": (tmp_path / "folder" / name).read_bytes() for name in TWO_CLASSES}
    with open_source(str(tmp_path / "folder")) as one:
        expected = load(one, 20).photos
    with open_source(str(packed(tmp_path / "animals.zip", files))) as other:
        found = load(other, 20).photos
    assert found.classes == expected.classes
    assert np.array_equal(found.images, expected.images)
    assert found.digests == expected.digests


def test_nothing_of_a_zip_file_leaves_it(tmp_path):
    """Names that climb out are read where they lie in the archive; nothing is ever written."""
    files = {f"crab/{n}.png": encoded(picture(n)) for n in range(12)} | {"../../escaped/1.png": encoded(picture(50))}
    box = tmp_path / "deep" / "box"
    box.mkdir(parents=True)
    with open_source(str(packed(box / "evil.zip", files))) as source:
        load(source, 16)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [box / "evil.zip"]


def test_a_bomb_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 100_000)
    files = {f"{n}.png": encoded(picture(n)) for n in range(12)} | {"bomb.png": bytes(5_000_000)}
    with open_source(str(packed(tmp_path / "a.zip", files))) as source:
        skipped = load(source, 16).skipped
    assert [entry.name for entry in skipped] == ["bomb.png"]
    assert "larger than" in skipped[0].reason


def test_a_damaged_member_of_a_zip_file_is_skipped(tmp_path):
    files = {f"{n}.png": encoded(picture(n)) for n in range(13)}
    path = packed(tmp_path / "a.zip", files)
    data = bytearray(path.read_bytes())
    place = data.index(b"5.png") + 60
    data[place : place + 40] = b"\x55" * 40
    path.write_bytes(bytes(data))
    with open_source(str(path)) as source:
        assert [entry.name for entry in load(source, 16).skipped] == ["5.png"]


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12_000, 20_000, 2**31 - 1])
def test_a_small_file_of_a_huge_picture_is_never_decoded(side):
    with pytest.raises(UnreadablePictureError, match="million pixels"):
        read_square(claiming(side, side), 16)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_picture_or_a_reason(data):
    assert read_or_reason(data)


def read_or_reason(data: bytes) -> bool:
    try:
        return read_square(data, 8).shape == (8, 8, 3)
    except UnreadablePictureError as reason:
        return len(str(reason).splitlines()) == 1


def halves(mode: str, left: object, right: object) -> Image.Image:
    image = Image.new(mode, (60, 60), left)
    image.paste(right, (30, 0, 60, 60))
    return image


@pytest.mark.parametrize(
    ("data", "left", "right"),
    [
        (encoded(halves("RGB", (255, 0, 0), (0, 0, 255))), (255, 0, 0), (0, 0, 255)),
        (encoded(halves("L", 0, 200)), (0, 0, 0), (200, 200, 200)),
        (encoded(halves("1", 0, 1)), (0, 0, 0), (255, 255, 255)),
        (encoded(halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 0))), (255, 0, 0), (255, 255, 255)),
        (encoded(halves("LA", (0, 255), (0, 0))), (0, 0, 0), (255, 255, 255)),
        (encoded(halves("RGB", (255, 0, 0), (0, 0, 255)).quantize(4)), (255, 0, 0), (0, 0, 255)),
        (encoded(halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), "TIFF"), (255, 0, 0), (0, 0, 255)),
        (encoded(halves("I;16", 0, 65535)), (0, 0, 0), (255, 255, 255)),
        (encoded(halves("F", 0.0, 1.0), "TIFF"), (0, 0, 0), (255, 255, 255)),
        (encoded(halves("RGB", (255, 0, 0), (0, 0, 255)), "WEBP", lossless=True), (255, 0, 0), (0, 0, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(data, left, right):
    square = read_square(data, 20)
    assert square[10, 3].tolist() == list(left)
    assert square[10, 16].tolist() == list(right)


def test_a_phone_that_was_turned_gives_an_upright_picture():
    lying = halves("RGB", (255, 0, 0), (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6
    square = read_square(encoded(lying, "JPEG", exif=exif, quality=95), 20)
    assert square[3, 10, 0] > 200
    assert square[16, 10, 2] > 200


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_square(data, 10)[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(90, 30), (30, 90), (2000, 500)])
def test_the_middle_square_is_taken(size):
    image = Image.new("RGB", size, "white")
    width, height = size
    short = min(size)
    image.paste("black", ((width - short) // 2, (height - short) // 2, (width + short) // 2, (height + short) // 2))
    assert read_square(encoded(image), 16).max() == 0


def test_what_does_not_fit_into_the_memory_is_refused_with_a_remedy():
    check_memory(1000, 80, None)
    check_memory(1000, 80, 10**9)
    with pytest.raises(DataError, match=r"640 x 640.*--resolution.*of the pictures"):
        check_memory(10_000, 640, 10**9)


def test_memory_is_looked_at_before_anything_is_read(tmp_path, monkeypatch):
    fill(tmp_path, TWO_CLASSES)
    monkeypatch.setattr(loading, "available_bytes", lambda: 1000)
    read = []
    with open_source(str(tmp_path)) as source, pytest.raises(DataError, match="memory"):
        load(source, 20, told=lambda *far: read.append(far))
    assert not read


def test_reading_tells_how_far_it_is(tmp_path):
    fill(tmp_path, TWO_CLASSES)
    told = []
    with open_source(str(tmp_path)) as source:
        load(source, 16, told=lambda done, count: told.append((done, count)), threads=3)
    assert told == [(done, 20) for done in range(1, 21)]
