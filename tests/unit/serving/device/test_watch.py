"""The watch by which tests count what is sent to a device."""

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")

from device_watch import DEVICE, Watch  # noqa: E402


@pytest.mark.parametrize(
    "act",
    [
        lambda there: torch.ones(3).to(there.device),
        lambda there: there[[0, 2]],
        lambda there: there.index_put_((torch.tensor([0, 2]),), there[:2]),
    ],
)
def test_the_watch_sees_whatever_sends_something(act):
    there = torch.zeros(4, 2, device=DEVICE)
    with Watch() as watch:
        act(there)
    assert watch.told == ["copy"]


def test_the_watch_lets_arithmetic_pass_and_sees_questions():
    there = torch.zeros(4, 2, device=DEVICE)
    with Watch() as watch:
        assert bool((there * 2 + 1).isfinite().all())
        assert not watch.told[:-1]
    assert watch.told == ["answer"]
