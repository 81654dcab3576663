"""A value beyond its limit in every field of every request: refused, and named."""

import math

import grpc
import pytest
from google.protobuf.descriptor import Descriptor

from any_message import build
from service_calls import METHODS, SPECIES

LONG = "x" * 129
BAD_REQUEST_ID = [LONG, "a b", "../x", "é"]
BAD_ID = ["", "a" * 25, "a" * 27, "A" * 26, "../" + "a" * 23, "1" * 26]
BAD_SIDE = [8, 63, 65, 2056, 2**32 - 1]
BAD_STEPS = [1001, 2**32 - 1]
BAD_SHARE = [-0.01, 1.01, math.nan, math.inf]
BAD_GUIDANCE = [-1.0, 50.5, math.nan, -math.inf]
BAD_SECONDS = [0.0, 0.49, 60.5, -1.0, math.nan, math.inf]
BAD_TEMPERATURE = [-0.5, 2.5, math.nan]
BAD_TOP_P = [0.0, -0.5, 1.5, math.nan]
BAD_ENUM = [99, -1, 2**31 - 1]
BAD_PARENTS = [{"animal": "okapi", "weight": 0.2}] * 5
PART_ENGINES = {"engine": ["crayons", "x" * 65]}
IMAGE = {
    "prompt": ["x" * 2001],
    "negative_prompt": ["x" * 2001],
    "width": BAD_SIDE,
    "height": BAD_SIDE,
    "steps": BAD_STEPS,
    "guidance_scale": BAD_GUIDANCE,
    "init_strength": BAD_SHARE,
    "sampler": ["x" * 65],
    "style": ["x" * 65],
}
AUDIO = {
    "prompt": ["x" * 2001],
    "negative_prompt": ["x" * 2001],
    "seconds": BAD_SECONDS,
    "steps": BAD_STEPS,
    "guidance_scale": BAD_GUIDANCE,
    "init_strength": BAD_SHARE,
}
LANGUAGE = {
    "prompt": ["x" * 4001],
    "intent": BAD_ENUM,
    "mood": BAD_ENUM,
    "temperature": BAD_TEMPERATURE,
    "top_p": BAD_TOP_P,
}
ANIMAL = {"theme": ["x" * 201], "temperament": [["x"] * 4], "parents": [BAD_PARENTS]}
COMMON = {"request_id": BAD_REQUEST_ID, **PART_ENGINES}
LIMITS = {
    "GenerateImage": {**COMMON, **IMAGE, **ANIMAL, "strangeness": BAD_SHARE, "caption": [["x"] * 3]},
    "GenerateAudio": {**COMMON, **AUDIO, **ANIMAL, "strangeness": BAD_SHARE},
    "GeneratePhrases": {
        **COMMON,
        **LANGUAGE,
        "species_name": ["x" * 65],
        "count": [65, 2**32 - 1],
        "theme": ["x" * 201],
    },
    "CreatePostcard": {
        "request_id": BAD_REQUEST_ID,
        "theme": ["x" * 201],
        "strangeness": BAD_SHARE,
        "timeout": [{"seconds": 0, "nanos": 5}, {"seconds": 3601}, {"seconds": -1}, {"seconds": 2**62}, {"nanos": -1}],
        **{f"image.{name}": bad for name, bad in IMAGE.items()},
        **{f"audio.{name}": bad for name, bad in AUDIO.items()},
        **{f"language.{name}": bad for name, bad in LANGUAGE.items()},
        "image.engine": ["x" * 65],
        "image.finish": BAD_ENUM,
        "audio.engine": ["x" * 65],
        "language.engine": ["x" * 65],
    },
    "WatchPostcard": {"id": BAD_ID},
    "GetPostcard": {"id": BAD_ID},
    "ListPostcards": {"page_size": [101, 2**32 - 1], "page_token": ["no token", "../x", "x" * 5000]},
    "CancelPostcard": {"id": BAD_ID},
    "RepairPostcard": {"id": BAD_ID},
    "DeletePostcard": {"id": BAD_ID},
    "PlanReplay": {"id": BAD_ID[1:], "manifest": [b"", b"{}", b"\xff", b"[1]", b" " * (1024 * 1024 + 1)]},
}
"""For every method and field, values beyond its limits."""
FREE = {"seed", "after_sequence", "previews", "exact", "image.exact", "audio.exact"}
"""Fields of which every value is good."""


def leaves(descriptor: Descriptor, path: str = "") -> set[str]:
    """Paths of the fields of a request, those of its settings included."""
    found = set()
    for field in descriptor.fields:
        nested = field.message_type is not None and field.message_type.name.endswith("Settings")
        found |= leaves(field.message_type, f"{path}{field.name}.") if nested else {path + field.name}
    return found


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_a_value_beyond_its_limit_is_named(running, name, method):
    table = LIMITS[method.name]
    assert leaves(method.input_type) == table.keys() | (leaves(method.input_type) & (FREE | SPECIES))
    wrong = []
    for path, bad_values in table.items():
        for value in bad_values:
            outer, _, inner = path.rpartition(".")
            request = build(method.input_type, {outer: {inner: value}} if outer else {path: value})
            answer = running.call(name, method, request)
            if answer.code is not grpc.StatusCode.INVALID_ARGUMENT or answer.fields != (path,):
                wrong.append((path, str(value)[:40], answer))
    assert not wrong
