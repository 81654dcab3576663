"""The pictures that a run leaves: sheets, filmstrip and curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from postcards_image.training.report import curve, sheets
from postcards_image.training.report.lettering import PAPER, amount, duration
from postcards_image.training.report.sheets import Sheet, columns_for, compose, filmstrip, read, save

LABELS = [
    tuple(f"kind_{number}" for number in range(36)),
    tuple(name for name in ("crab", "emu", "a name that is far too long for its place") for _ in range(12)),
    ("",) * 36,
    ("ñandú",) * 3 + ("白",) * 3,
]


def drawn(labels: tuple[str, ...], resolution: int, seed: int = 0) -> np.ndarray:
    shape = (len(labels), resolution, resolution, 3)
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def sheet_of(labels: tuple[str, ...], resolution: int, seen: int = 1000) -> Sheet:
    return Sheet("my jungle", resolution, columns_for(labels), labels, seen, 61.5)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("resolution", [8, 16, 20, 64, 128, 200])
def test_a_sheet_gives_its_samples_back(labels, resolution, tmp_path):
    samples, sheet = drawn(labels, resolution), sheet_of(labels, resolution)
    save(compose(sheet, samples), sheet, tmp_path / "one.png")
    assert read(tmp_path / "one.png")[0] == sheet
    assert np.array_equal(read(tmp_path / "one.png")[1], samples)
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]


@given(st.integers(1, 60), st.integers(1, 20))
def test_the_samples_of_a_class_stay_together(classes, each):
    labels = tuple(f"{number}" for number in range(classes) for _ in range(each))
    columns = columns_for(labels)
    assert columns >= 1
    if each < 6:
        assert columns % each == 0


def test_the_title_and_the_names_are_written():
    labels = LABELS[0]
    page = np.asarray(compose(sheet_of(labels, 16), np.full((36, 16, 16, 3), PAPER, np.uint8)))
    assert (page[:80] != PAPER).any()
    assert (page[80:] != PAPER).any()


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_what_is_no_sheet_is_refused(content, tmp_path):
    path = tmp_path / "a.png"
    if content is None:
        Image.new("RGB", (20, 20)).save(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png is no sheet"):
        read(path)


def test_a_filmstrip_shows_the_first_and_the_last_sheet(tmp_path):
    labels = LABELS[0]
    for number in range(1, 31):
        sheet = sheet_of(labels, 16, number * 1000)
        save(compose(sheet, np.full((36, 16, 16, 3), number, np.uint8)), sheet, tmp_path / f"{number:05}.png")
    (tmp_path / "99999.png").write_bytes(b"cut off")
    strip = np.asarray(filmstrip(tmp_path))
    shown = {int(value) for value in np.unique(strip[:, 300, 0])} & set(range(1, 31))
    assert {1, 30} & shown == {1} or {1, 30} <= shown
    assert 4 <= len(shown) <= 9
    assert max(shown) >= 25


def test_without_sheets_there_is_no_filmstrip(tmp_path):
    assert filmstrip(tmp_path) is None


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "samples.png"
    sheets.save_picture(Image.new("RGB", (8, 8), "red"), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        sheets.save_picture(Image.new("RGB", (8, 8), "blue"), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["samples.png"]


@settings(max_examples=25)
@given(
    st.lists(st.floats(1e-6, 1e6), min_size=0, max_size=300),
    st.booleans(),
)
def test_any_history_can_be_drawn(losses, finished):
    seen = np.arange(1, len(losses) + 1) * 64.0
    picture = curve.draw(curve.Curve("a run", seen, np.array(losses), (64.0,), finished))
    assert picture.size == (1200, 720)


def test_the_curve_falls_where_the_loss_falls():
    losses = np.geomspace(1, 0.01, 500)
    page = np.asarray(curve.draw(curve.Curve("a run", np.arange(1, 501) * 16.0, losses)).convert("RGB")).astype(int)
    orange = (page[..., 0] > 180) & (page[..., 1] < 110) & (page[..., 2] < 70)
    columns = np.flatnonzero(orange.any(axis=0))
    heights = [np.flatnonzero(orange[:, column]).mean() for column in columns]
    assert columns[0] < 130
    assert columns[-1] > 1120
    assert np.polyfit(columns, heights, 1)[0] > 0.3
    straight = np.corrcoef(columns, heights)[0, 1]
    assert straight > 0.999, "an exponential is a straight line over a logarithmic axis"


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=80), st.integers(1, 200))
def test_smoothing_stays_within_what_it_smooths(losses, window):
    line = curve.smoothed(losses, window)
    assert len(line) == len(losses)
    assert min(losses) * 0.999 <= line.min()
    assert line.max() <= max(losses) * 1.001


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (640, "640"), (999.7, "1 k"), (85_000, "85 k"), (1_234_567, "1.23 M"), (45e6, "45 M")],
)
def test_amounts_are_short(number, text):
    assert amount(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (12.4, "12 s"), (440, "7 min 20 s"), (7500, "2 h 05 min")])
def test_times_are_short(seconds, text):
    assert duration(seconds) == text
