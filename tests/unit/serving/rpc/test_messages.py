"""Values over the wire and back, and what is said about those that must not pass."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2
from postcards.image.v1 import image_pb2
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_serving.engine.work import Blob, Progress, Provenance
from postcards_serving.errors import InvalidField
from postcards_serving.rpc.field_codecs import as_single, shortest_decimal
from postcards_serving.rpc.messages import decode, encode
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word


class SkinColour(Enum):
    RED = "red"
    SEA_GREEN = "sea-green"


@dataclass(frozen=True)
class Node:
    label: str = field(default="", metadata={"max_length": 8, "pattern": "[a-z]+"})
    children: tuple["Node", ...] = field(default=(), metadata={"max_length": 3})


@dataclass(frozen=True)
class Every:
    single: float = field(metadata={"ge": 0, "le": 0.2})
    double: float
    small: int = field(metadata={"ge": -4, "lt": 9})
    large: int = field(metadata={"multiple_of": 8})
    flag: bool
    text: str = field(metadata={"max_length": 5})
    octets: bytes = field(metadata={"max_length": 4})
    colour: SkinColour
    node: Node
    triple: tuple[float, float, float]
    colours: tuple[SkinColour, ...] = field(metadata={"min_length": 1, "max_length": 4})
    span: float = field(metadata={"ge": 0})
    moment: datetime
    nodes: Mapping[str, Node]
    shares: Mapping[str, float] = field(metadata={"item_gt": 0, "item_le": 1})
    maybe: float | None


def singles(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, width=32, allow_nan=False).map(shortest_decimal).filter(lambda x: low <= x <= high)


_nodes = st.recursive(
    st.builds(Node, st.from_regex("[a-z]{1,8}", fullmatch=True)),
    lambda inner: st.builds(Node, st.from_regex("[a-z]{1,8}", fullmatch=True), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=8,
)
_everything = st.builds(
    Every,
    single=singles(0, 0.125),
    double=st.floats(allow_nan=False, allow_infinity=False),
    small=st.integers(-4, 8),
    large=st.integers(0, 2**61 - 1).map(lambda x: 8 * x),
    flag=st.booleans(),
    text=st.text(max_size=5),
    octets=st.binary(max_size=4),
    colour=st.sampled_from(SkinColour),
    node=_nodes,
    triple=st.tuples(*[singles(-4, 4)] * 3),
    colours=st.lists(st.sampled_from(SkinColour), min_size=1, max_size=4).map(tuple),
    span=st.integers(0, 10**12).map(lambda micros: micros / 1e6),
    moment=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),
    nodes=st.dictionaries(st.text(max_size=3), _nodes, max_size=3),
    shares=st.dictionaries(st.text(max_size=3), singles(0.25, 1), max_size=3),
    maybe=st.none() | singles(-8, 8),
)


@pytest.fixture(scope="module")
def every() -> Every:
    return Every(
        single=0.1,
        double=-1e300,
        small=1,
        large=16,
        flag=True,
        text="grr",
        octets=b"\x00\xff",
        colour=SkinColour.SEA_GREEN,
        node=Node("a", (Node("b"), Node("c", (Node("d"),)))),
        triple=(0.1, 0.2, 0.3),
        colours=(SkinColour.RED,),
        span=1.25,
        moment=datetime(2026, 11, 22, 12, tzinfo=UTC),
        nodes={"x": Node("y")},
        shares={"okapi": 0.6},
        maybe=None,
    )


@pytest.fixture(scope="module")
def message(wire, every):
    def with_fields(**changes):
        copy = encode(every, wire.Every)
        for name, value in changes.items():
            if isinstance(value, list):
                del getattr(copy, name)[:]
                getattr(copy, name).extend(value)
            else:
                setattr(copy, name, value)
        return copy

    return with_fields


@given(value=_everything)
def test_what_is_sent_arrives(wire, value):
    arrived = wire.Every.FromString(encode(value, wire.Every).SerializeToString())
    assert decode(arrived, Every) == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_single_float_reads_as_a_decimal_for_the_same_float(value):
    short = shortest_decimal(value)
    assert as_single(short) == value
    assert float(f"{short:.9g}") == short


@given(st.integers(-999_999, 999_999), st.integers(-8, 8))
def test_decimals_of_six_digits_survive_single_floats(digits, exponent):
    value = float(f"{digits}e{exponent}")
    assert shortest_decimal(as_single(value)) == value


@pytest.mark.parametrize(
    ("changes", "field_path", "words"),
    [
        ({"single": 0.3}, "single", "must be 0 to 0.2, not 0.3"),
        ({"single": math.nan}, "single", "must be a finite number, not nan"),
        ({"single": math.inf}, "single", "must be a finite number, not inf"),
        ({"double": -math.inf}, "double", "must be a finite number, not -inf"),
        ({"small": 9}, "small", "must be at least -4 and below 9, not 9"),
        ({"large": 12}, "large", "must be a multiple of 8, not 12"),
        ({"text": "x" * 6}, "text", "must have at most 5 characters, not 6"),
        ({"octets": b"12345"}, "octets", "must have at most 4 bytes, not 5"),
        ({"colour": 7}, "colour", "must be one of RED, SEA_GREEN, not 7"),
        ({"colour": 0}, "colour", "must be one of RED, SEA_GREEN"),
        ({"triple": [1.0, 2.0]}, "triple", "must have exactly 3 items, not 2"),
        ({"triple": [1.0, math.nan, 2.0]}, "triple[1]", "must be a finite number, not nan"),
        ({"colours": []}, "colours", "must have 1 to 4 items, not 0"),
        ({"colours": [1, 9]}, "colours[1]", "must be one of RED, SEA_GREEN, not 9"),
        ({"maybe": math.nan}, "maybe", "must be a finite number, not nan"),
    ],
)
def test_a_fault_is_named_by_path_and_limit(message, changes, field_path, words):
    with pytest.raises(InvalidField) as caught:
        decode(message(**changes), Every)
    assert (caught.value.field, caught.value.violation) == (field_path, words)
    assert caught.value.message == f"{field_path} {words}"


@pytest.mark.parametrize("missing", ["node", "span", "moment"])
def test_an_absent_message_is_required(message, missing):
    whole = message()
    whole.ClearField(missing)
    with pytest.raises(InvalidField, match=f"{missing} is required"):
        decode(whole, Every)


def test_a_fault_deep_inside_has_its_whole_path(message):
    whole = message()
    whole.node.children[1].children[0].label = "NOT LOWER"
    with pytest.raises(InvalidField) as caught:
        decode(whole, Every, path="request")
    assert caught.value.field == "request.node.children[1].children[0].label"
    assert caught.value.violation == "must have at most 8 characters, not 9"


def test_a_fault_in_a_map_is_named_by_its_key(message):
    whole = message()
    whole.nodes["left"].label = "NO"
    whole.shares["okapi"] = 0
    with pytest.raises(InvalidField, match=r"nodes\['left'\].label must match \[a-z\]\+, not 'NO'"):
        decode(whole, Every)
    del whole.nodes["left"]
    with pytest.raises(InvalidField, match=r"shares\['okapi'\] must be above 0 to 1, not 0"):
        decode(whole, Every)


def test_a_huge_text_is_not_quoted_in_full(message):
    whole = message()
    whole.nodes["k" * 100_000].label = "NO"
    with pytest.raises(InvalidField) as caught:
        decode(whole, Every)
    assert len(caught.value.message) < 300


def test_nesting_as_deep_as_the_parser_allows_is_decoded(wire):
    node = wire.Node(label="a")
    for _ in range(90):
        node = wire.Node(label="a", children=[node])
    arrived = wire.Node.FromString(node.SerializeToString())
    depth, value = 0, decode(arrived, Node)
    while value.children:
        depth, value = depth + 1, value.children[0]
    assert depth == 90


@pytest.mark.parametrize(("seconds", "nanos"), [(1, -5), (0, 10**9), (10**12, 0)])
def test_an_impossible_duration_is_a_fault(message, seconds, nanos):
    whole = message()
    whole.span.seconds, whole.span.nanos = seconds, nanos
    with pytest.raises(InvalidField, match="span is not a valid duration"):
        decode(whole, Every)


def test_an_impossible_timestamp_is_a_fault(message):
    whole = message()
    whole.moment.seconds = 2**60
    with pytest.raises(InvalidField, match="moment is not a valid timestamp"):
        decode(whole, Every)


def test_a_moment_of_another_zone_arrives_in_utc(wire):
    @dataclass(frozen=True)
    class Moment:
        moment: datetime

    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))
    assert decode(encode(Moment(noon), wire.Every), Moment).moment == noon
    with pytest.raises(ValueError, match="moment must have a time zone"):
        encode(Moment(datetime(2026, 11, 22)), wire.Every)


@dataclass(frozen=True)
class Lenient:
    """Absent fields: by default, None, or zero where the type says nothing."""

    strangeness: float = field(default=0.5, metadata={"ge": 0, "le": 1})
    guidance_scale: float | None = field(default=None, metadata={"ge": 0, "le": 50})
    width: int | None = field(default=None, metadata={"ge": 64})
    steps: int = field(default=30, metadata={"ge": 1})
    seed: int = field(default=0, metadata={"ge": 0})
    sampler: str | None = None
    previews: bool = False


def test_absence_means_the_default():
    assert decode(image_pb2.GenerateImageRequest(), Lenient) == Lenient()


def test_zero_with_presence_is_zero():
    message = image_pb2.GenerateImageRequest(strangeness=0, guidance_scale=0, width=0)
    assert decode(message, Lenient) == Lenient(strangeness=0, guidance_scale=0)


def test_fields_that_the_dataclass_lacks_are_ignored():
    message = image_pb2.GenerateImageRequest(prompt="x" * 10**6, seed=4)
    assert decode(message, Lenient).seed == 4


def test_an_enum_of_zero_is_none_where_it_may_be():
    @dataclass(frozen=True)
    class Choice:
        intent: Intent | None
        mood: Mood = Mood.CALM

    assert decode(phrase_pb2.Phrase(), Choice) == Choice(None)
    assert decode(phrase_pb2.Phrase(intent=3, mood=4), Choice) == Choice(Intent.HUNGER, Mood.ANGRY)


def test_the_phrase_of_the_brief_names_its_word():
    syllable = Syllable(("a",), "a")
    words = (Word("a", "x", (syllable,)), Word("b", "y", (syllable,)))
    message = encode(Phrase("a b", "x y", Intent.PLAY, Mood.CALM, words), phrase_pb2.Phrase)
    message.words[1].gloss = "g" * 65
    with pytest.raises(InvalidField, match=r"^phrase.words\[1\].gloss must have at most 64 characters, not 65$"):
        decode(message, Phrase, path="phrase")


def test_progress_carries_seconds_as_a_duration():
    sent = encode(Progress("queued", queue_position=2, predicted_wait=1.5), media_pb2.Progress)
    assert (sent.predicted_wait.seconds, sent.predicted_wait.nanos) == (1, 500_000_000)
    assert decode(sent, Progress).predicted_wait == 1.5


@pytest.mark.parametrize("seconds", [0.9999999999, 5.9999999999, 0.1 + 0.2])
def test_a_duration_never_has_a_full_second_of_nanos(seconds):
    sent = encode(Progress("queued", predicted_wait=seconds), media_pb2.Progress)
    assert 0 <= sent.predicted_wait.nanos < 10**9
    assert decode(sent, Progress).predicted_wait == pytest.approx(seconds, abs=1e-9)


def test_properties_fill_fields_and_unwired_fields_stay():
    header = encode(Blob("image.png", "image/png", b"abc"), media_pb2.BlobHeader)
    assert (header.name, header.size_bytes) == ("image.png", 3)
    assert header.sha256.startswith("ba7816bf")


def test_a_value_outside_its_limits_is_not_sent():
    with pytest.raises(ValueError, match=r"^Progress: fraction must be 0 to 1, not 1.5$"):
        encode(Progress("draw", fraction=1.5), media_pb2.Progress)
    with pytest.raises(ValueError, match="notes must have at most 100 items"):
        encode(Provenance("a", "1", notes=("x",) * 101), media_pb2.Provenance)


def test_a_rule_of_the_value_itself_is_a_fault_of_the_request():
    @dataclass(frozen=True)
    class Ordered:
        step: int
        steps: int

        def __post_init__(self) -> None:
            if self.step > self.steps:
                raise ValueError("step lies after steps")

    with pytest.raises(InvalidField, match="is not valid: step lies after steps"):
        decode(media_pb2.Progress(step=2, steps=1), Ordered)


def test_types_that_do_not_mirror_are_refused():
    @dataclass(frozen=True)
    class Misspelt:
        fractoin: float

    @dataclass(frozen=True)
    class Mistyped:
        fraction: str

    @dataclass(frozen=True)
    class Unrepeated:
        notes: str

    @dataclass(frozen=True)
    class UnknownLimit:
        fraction: float = field(metadata={"maximum": 1})

    class Missing(Enum):
        NAPPING = 1

    @dataclass(frozen=True)
    class MissingMember:
        state: Missing

    for kind, message in (
        (Misspelt, media_pb2.Progress()),
        (Mistyped, media_pb2.Progress()),
        (Unrepeated, media_pb2.Provenance()),
        (UnknownLimit, media_pb2.Progress()),
        (MissingMember, composer_pb2.Part()),
        (int, media_pb2.Progress()),
    ):
        with pytest.raises(TypeError):
            decode(message, kind)


def test_text_without_a_limit_is_bounded_all_the_same():
    with pytest.raises(InvalidField, match="text must have at most 100000 characters"):
        decode(media_pb2.Progress(stage="draw", text="x" * 100_001), Progress)
