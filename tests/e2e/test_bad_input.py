"""Random messages for every method of the four real services: none crashes, hangs or blames itself."""

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given

from any_message import FUZZ, build, messages, one_field_off
from service_calls import ALLOWED, METHODS, SERVICES, SMALL


@pytest.mark.long
@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_no_message_harms_a_service(running, name, method):
    base = SMALL.get(method.name, {})

    @FUZZ
    @given(messages(method.input_type) | one_field_off(method.input_type, base))
    def answers(request: Message) -> None:
        answer = running.call(name, method, request)
        assert answer.code in ALLOWED, f"{answer.code}: {answer.details}\n{request}"

    answers()
    assert all(running.healthy(service) for service in SERVICES)


@pytest.mark.parametrize(("name", "method"), METHODS, ids=[method.name for _, method in METHODS])
def test_bytes_that_are_no_message_harm_no_service(running, name, method):
    for data in (b"\xff" * 9, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28", b"\x12" * 4096):
        answer = running.call(name, method, data)
        # gRPC itself answers INTERNAL to what it cannot parse; the call never gets to our code.
        assert answer.code in ALLOWED | {grpc.StatusCode.INTERNAL}
    assert running.healthy(name)


@pytest.mark.parametrize("name", SERVICES)
def test_a_message_too_large_is_refused(running, name):
    method = SERVICES[name].methods[0]
    field = next(f for f in method.input_type.fields if f.cpp_type == FieldDescriptor.CPPTYPE_STRING)
    answer = running.call(name, method, build(method.input_type, {field.name: "x" * (5 * 1024 * 1024)}))
    assert answer.code in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}
    assert running.healthy(name)
