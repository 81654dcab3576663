"""Numbers of rows that a network is compiled for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_serving.device.compiled import SIZES, CompiledNetwork, padded_size


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (2, 2), (3, 4), (5, 6), (7, 8), (16, 16), (17, 24), (600, 600)])
def test_compiled_batches_have_few_sizes(rows, size):
    assert padded_size(rows) == size


@given(st.integers(1, SIZES[-1]))
def test_less_than_half_of_a_batch_is_filled_up(rows):
    assert rows <= padded_size(rows) < 1.5 * rows


def test_a_network_that_is_not_to_be_compiled_is_called_as_it_is():
    asked: list[int] = []
    network = CompiledNetwork(len, compiled=False, name="the network")
    network.rehearse(8, "any", lambda _, size: asked.append(size))
    assert network.fit(3, "any") == (len, 3)
    assert not asked
    assert not network.knows("any")
