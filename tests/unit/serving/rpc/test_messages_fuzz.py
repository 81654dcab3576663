"""Whatever bytes make a message, reading it gives a value or names a field. Nothing else."""

import contextlib

from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from postcards.media.v1 import media_pb2
from postcards.species.v1 import species_pb2

from postcards_serving.engine.work import Progress, Provenance
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.messages import decode, encode
from postcards_species.species import Species, derive_species

WHOLE = encode(derive_species(4), species_pb2.Species).SerializeToString()


@st.composite
def damaged(draw) -> bytes:
    """A species with some bytes changed, cut out or put in."""
    data = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(("change", "cut", "insert"))):
            case "change":
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[place : place + draw(st.integers(1, 8))]
            case _:
                data[place:place] = draw(st.binary(min_size=1, max_size=8))
    return bytes(data)


@given(data=damaged() | st.binary(max_size=64))
def test_a_damaged_species_is_a_species_or_a_fault(data):
    message = species_pb2.Species()
    with contextlib.suppress(DecodeError):
        message.ParseFromString(data)
    _read(message, Species)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_fault(data):
    for kind, message in ((Progress, media_pb2.Progress()), (Provenance, media_pb2.Provenance())):
        with contextlib.suppress(DecodeError):
            message.ParseFromString(data)
        _read(message, kind)


def test_the_damage_is_neither_always_nor_never_fatal():
    """Guards the two tests above: a request that is right passes, one that is empty does not."""
    assert _read(species_pb2.Species.FromString(WHOLE), Species) == derive_species(4)
    assert isinstance(_read(species_pb2.Species(), Species), InvalidField)


def _read(message, kind):
    try:
        value = decode(message, kind)
    except InvalidField as fault:
        known = {field.name for field in message.DESCRIPTOR.fields}
        named = fault.field.split(".")[0].split("[")[0]
        if named not in known:
            raise AssertionError(f"{fault.field} names no field") from fault
        return fault
    # What was read can be sent again.
    encode(value, type(message))
    return value
