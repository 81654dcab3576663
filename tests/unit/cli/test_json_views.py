"""Postcards as JSON, and the values of the options."""

import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2 as pb
from postcards.image.v1 import image_pb2
from postcards.species.v1 import phrase_pb2, world_pb2

from postcards_cli.json_views import part_name, postcard_view, state_name
from postcards_cli.shell.exits import STATE_EXITS, Exit
from postcards_cli.shell.options import FIELD_OPTIONS, FINISHES, INTENTS, MOODS, one_of, parse_seed, place


def test_an_empty_postcard_has_the_whole_contract():
    view = postcard_view(pb.Postcard())
    assert view.keys() >= {"id", "state", "name", "seed", "parts", "location"}
    assert json.loads(json.dumps(view)) == view


def test_states_and_parts_have_short_names():
    assert [state_name(number) for number in sorted(pb.PostcardState.values())][1:] == [
        "CREATING",
        "ACTIVE",
        "PARTIAL",
        "FAILED",
        "CANCELLED",
    ]
    assert part_name(pb.PART_KIND_AUDIO) == "audio"
    assert state_name(99) == "99", "a state of a newer server is no crash"


def test_only_active_is_success():
    finished = {state_name(n) for n in pb.PostcardState.values()} - {"UNSPECIFIED", "CREATING"}
    assert STATE_EXITS.keys() == finished
    assert [state for state, code in STATE_EXITS.items() if code is Exit.DONE] == ["ACTIVE"]
    assert len(set(STATE_EXITS.values())) == len(STATE_EXITS)


@pytest.mark.parametrize(
    ("names", "enum"), [(FINISHES, world_pb2.Finish), (INTENTS, phrase_pb2.Intent), (MOODS, phrase_pb2.Mood)]
)
def test_the_names_offered_are_those_of_the_api(names, enum):
    assert [name.upper().replace("-", "_") for name in names] == [
        name.partition("_")[2] for name, number in enum.items() if number
    ]


def fields_of(descriptor, path: str = "") -> set[str]:
    nested = {"image", "audio", "language"}
    names = set()
    for field in descriptor.fields:
        names |= fields_of(field.message_type, f"{field.name}.") if field.name in nested else {path + field.name}
    return names


def test_every_field_of_a_request_has_an_option():
    wanted = fields_of(pb.CreatePostcardRequest.DESCRIPTOR) | fields_of(pb.ListPostcardsRequest.DESCRIPTOR)
    assert FIELD_OPTIONS.keys() == wanted


@given(st.integers(0, 2**64 - 1))
def test_seeds_are_read_in_any_base(seed):
    assert parse_seed(str(seed)) == parse_seed(hex(seed)) == parse_seed(f" {seed} ") == seed


@given(st.integers(max_value=-1) | st.integers(min_value=2**64))
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(typer.BadParameter):
        parse_seed(str(seed))


@given(st.text())
def test_no_text_crashes_the_seed(text):
    try:
        seed = parse_seed(text)
    except typer.BadParameter:
        return
    assert seed is None or 0 <= seed < 2**64


def test_names_may_be_written_in_any_way():
    assert one_of(" Camera_Trap ", FINISHES, "--finish") == "camera-trap"
    assert one_of("", FINISHES, "--finish") is None


def test_the_address_follows_the_ports():
    assert place("", False, None, "").address == "127.0.0.1:50050"
    assert place("", False, 20000, "").address == "127.0.0.1:20000"
    assert place("there:1", False, 20000, "").address == "there:1"
    assert place("", True, None, "  ").out is None
    assert place("", True, None, "a").out.is_absolute()


def test_a_part_tells_who_made_it_and_what_it_cost():
    card = pb.Postcard()
    part = card.parts.add(kind=pb.PART_KIND_LANGUAGE, state=pb.PART_STATE_DONE)
    part.provenance.engine, part.provenance.model = "openai", "gpt-4o"
    part.provenance.notes.append("top_p was left out")
    part.provenance.usage["cost_usd"] = 0.0039700000000001
    view = postcard_view(card)["parts"]["language"]
    assert (view["engine"], view["model"], view["notes"]) == ("openai", "gpt-4o", ["top_p was left out"])
    assert view["usage"] == {"cost_usd": 0.00397}
    assert json.loads(json.dumps(view)) == view


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (image_pb2.SAFETY_VERDICT_UNSPECIFIED, None),
        (image_pb2.SAFETY_VERDICT_PASSED, "passed"),
        (image_pb2.SAFETY_VERDICT_WITHHELD, "withheld"),
    ],
)
def test_a_part_tells_what_the_safety_checker_said(verdict, said):
    card = pb.Postcard()
    card.parts.add(kind=pb.PART_KIND_IMAGE, state=pb.PART_STATE_DONE, safety=verdict)
    assert postcard_view(card)["parts"]["image"]["safety"] == said
