import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postcards.species.v1 import body_pb2

from postcards_serving.errors import InvalidField
from postcards_serving.rpc.messages import decode, encode
from postcards_species.ancestry.parents import choose_parents
from postcards_species.body.derive import BodyPlan, derive_body


def flat(value: Any) -> list[Any]:
    if dataclasses.is_dataclass(value):
        return [leaf for item in dataclasses.fields(value) for leaf in flat(getattr(value, item.name))]
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in flat(part)]
    return [value]


@settings(max_examples=80)
@given(st.integers(0, 2**64 - 1), st.floats(0, 1))
def test_a_body_plan_survives_the_wire(seed: int, strangeness: float) -> None:
    plan = derive_body(seed, choose_parents(seed), strangeness)
    sent = encode(plan, body_pb2.BodyPlan)
    received = decode(body_pb2.BodyPlan.FromString(sent.SerializeToString()), BodyPlan)
    for before, after in zip(flat(plan), flat(received), strict=True):
        if isinstance(before, float):
            assert after == pytest.approx(before, rel=1e-6, abs=1e-6)
        else:
            assert after == before


def test_a_plan_out_of_range_is_refused_with_the_field() -> None:
    message = encode(derive_body(1, choose_parents(1), 0.5), body_pb2.BodyPlan)
    message.neck.length = 9
    with pytest.raises(InvalidField, match=r"neck\.length"):
        decode(message, BodyPlan)
