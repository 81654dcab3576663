"""An average that follows what it is told."""

import pytest

from postcards_serving.moving_average import MovingAverage


def test_it_begins_with_a_guess_and_follows_what_comes():
    average = MovingAverage(10.0)
    assert average.value == 10.0
    average.take(0.0)
    assert average.value == pytest.approx(8.0)
    for _ in range(60):
        average.take(3.0)
    assert average.value == pytest.approx(3.0, abs=1e-3)
