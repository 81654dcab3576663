"""How many rows share a step, on fake CUDA devices: the arithmetic, and the measuring that feeds it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_cuda import CARD, FakeCudaDevice
from postcards_serving.batching.capacity import USUAL_ROWS, BatchCapacity, Peaks, find_capacity, rows_that_fit
from postcards_serving.device.choice import Device

GIB = 2**30
BYTES = st.integers(0, 2**40)
PEAKS = st.builds(Peaks, BYTES, BYTES, BYTES)


def nothing() -> None:
    """Nothing lies between the steps."""


def needed(rows: int, peaks: Peaks) -> int:
    each = max(1, peaks.two - peaks.one)
    return max(0, peaks.one - each) + rows * each + peaks.between


@given(free=BYTES, peaks=PEAKS)
def test_as_many_rows_fit_as_leave_something_free_and_not_one_more(free, peaks):
    rows = rows_that_fit(free, peaks)
    assert rows == 1 or needed(rows, peaks) <= 0.85 * free
    assert needed(rows + 1, peaks) > 0.85 * free - 1


@given(free=BYTES, more=BYTES, peaks=PEAKS)
def test_a_larger_card_holds_no_fewer(free, more, peaks):
    assert rows_that_fit(free + more, peaks) >= rows_that_fit(free, peaks)


def test_what_is_taken_once_is_not_taken_again_by_each_row():
    assert rows_that_fit(20 * GIB, Peaks(one=3 * GIB, two=4 * GIB, between=0)) == 15
    assert rows_that_fit(20 * GIB, Peaks(one=3 * GIB, two=4 * GIB, between=5 * GIB)) == 10


@pytest.mark.parametrize("device", [CARD, Device("cpu", "float32", "cpu")], ids=["card", "cpu"])
def test_what_a_person_asks_for_is_not_measured(device):
    def step(rows: int) -> None:
        pytest.fail(f"stepped {rows} rows")

    assert find_capacity(device, 7, engine="fake", most=4, step=step, between=nothing) == BatchCapacity(7, 7)


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_where_nobody_counts_it_is_the_usual_number(name):
    def step(rows: int) -> None:
        pytest.fail(f"stepped {rows} rows")

    device = Device(name, "float32", name)
    assert find_capacity(device, 0, engine="fake", most=16, step=step, between=nothing) == BatchCapacity(
        USUAL_ROWS, USUAL_ROWS
    )


@pytest.mark.parametrize(
    ("total", "room"),
    [
        (8 * GIB, BatchCapacity(4, 4)),
        (16 * GIB, BatchCapacity(11, 11)),
        (24 * GIB, BatchCapacity(16, 18)),
        (80 * GIB, BatchCapacity(16, 64)),
    ],
)
def test_a_card_holds_what_its_memory_does(monkeypatch, caplog, total, room):
    card = FakeCudaDevice(monkeypatch, total, weights=2 * GIB)
    step = card.taking(lambda rows: GIB // 4 + rows * GIB)
    with caplog.at_level(logging.INFO):
        found = find_capacity(CARD, 0, engine="fake", most=16, step=step, between=lambda: card.working(GIB // 4))
    assert found == room
    [line] = caplog.records
    assert line.getMessage() == f"up to {room.rows} rows of engine 'fake' share a step: the memory holds {room.held}"
    assert card.cached == 0


def test_what_libraries_keep_from_the_first_step_is_no_part_of_the_others(monkeypatch):
    card = FakeCudaDevice(monkeypatch, 10 * GIB)
    kept: list[int] = []

    def step(rows: int) -> None:
        if not kept:
            kept.append(rows)
            card.taken += 2 * GIB
        card.working(rows * GIB)

    assert find_capacity(CARD, 0, engine="fake", most=16, step=step, between=nothing) == BatchCapacity(6, 6)


def test_a_step_that_takes_more_than_the_first_ones_promised_is_found_out(monkeypatch):
    card = FakeCudaDevice(monkeypatch, 32 * GIB)
    widths: list[int] = []

    def step(rows: int) -> None:
        card.working(rows**2 * GIB // 4)
        widths.append(rows)

    found = find_capacity(CARD, 0, engine="fake", most=16, step=step, between=nothing)
    assert found.rows == found.held == widths[-1]
    assert found.rows**2 * GIB // 4 <= card.total


@pytest.mark.parametrize("weights", [10, 9.5, 8.5])
def test_a_card_that_is_nearly_full_steps_row_by_row_and_says_so(monkeypatch, caplog, weights):
    card = FakeCudaDevice(monkeypatch, 10 * GIB, weights=int(weights * GIB))
    found = find_capacity(CARD, 0, engine="fake", most=16, step=card.taking(lambda rows: rows * GIB), between=nothing)
    assert found == BatchCapacity(1, 1)
    assert "cuda:0 NVIDIA Fake has no memory for two at once" in caplog.text


def test_work_between_steps_that_never_fits_takes_no_place_from_the_rows(monkeypatch):
    card = FakeCudaDevice(monkeypatch, 10 * GIB)
    step = card.taking(lambda rows: rows * GIB)
    found = find_capacity(CARD, 0, engine="fake", most=16, step=step, between=lambda: card.working(11 * GIB))
    assert found == BatchCapacity(8, 8)


def test_a_fault_between_steps_that_is_no_want_of_memory_comes_out(monkeypatch):
    card = FakeCudaDevice(monkeypatch, 10 * GIB)

    def between() -> None:
        raise RuntimeError("no kernel image is available")

    with pytest.raises(RuntimeError, match="kernel image"):
        find_capacity(CARD, 0, engine="fake", most=16, step=card.taking(lambda rows: rows), between=between)


def test_a_card_that_does_not_say_what_is_free_steps_row_by_row(monkeypatch, caplog):
    card = FakeCudaDevice(monkeypatch, 10 * GIB)
    monkeypatch.setattr(FakeCudaDevice, "mem_get_info", property())
    found = find_capacity(CARD, 0, engine="fake", most=16, step=card.taking(lambda rows: rows * GIB), between=nothing)
    assert found == BatchCapacity(1, 1)
    assert "cuda:0 NVIDIA Fake does not say how much of its memory is free" in caplog.text


def broken_beyond(card: FakeCudaDevice, rows: int, words: str):
    """Steps that fail for reasons of their own when they are of more rows."""

    def step(asked: int) -> None:
        if asked > rows:
            raise RuntimeError(words)
        card.working(asked * GIB)

    return step


@pytest.mark.parametrize(("total", "works"), [(80, 20), (24, 16), (26, 16), (40, 16)])
def test_a_step_so_wide_that_nobody_takes_it_may_fail_for_any_reason(monkeypatch, total, works):
    card = FakeCudaDevice(monkeypatch, total * GIB)
    step = broken_beyond(card, works, "input tensor must fit into 32-bit index math")
    assert find_capacity(CARD, 0, engine="fake", most=16, step=step, between=nothing) == BatchCapacity(16, 16)


def test_a_device_that_is_lost_meanwhile_comes_out_whatever_the_width(monkeypatch):
    card = FakeCudaDevice(monkeypatch, 80 * GIB)
    step = broken_beyond(card, 20, "CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        find_capacity(CARD, 0, engine="fake", most=16, step=step, between=nothing)


@pytest.mark.parametrize("broken", [1, 2, 5])
def test_a_fault_of_another_kind_is_no_want_of_memory(monkeypatch, broken):
    card = FakeCudaDevice(monkeypatch, 10 * GIB)

    def step(rows: int) -> None:
        if rows >= broken:
            raise RuntimeError("no kernel image is available")
        card.working(rows * GIB)

    with pytest.raises(RuntimeError, match="kernel image"):
        find_capacity(CARD, 0, engine="fake", most=16, step=step, between=nothing)
