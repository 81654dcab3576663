"""Calls of every method of the four services, with any bytes, and how they end."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from postcards.audio.v1 import audio_pb2
from postcards.composer.v1 import composer_pb2
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2

SERVICES = {
    "composer": composer_pb2.DESCRIPTOR.services_by_name["PostcardService"],
    "image": image_pb2.DESCRIPTOR.services_by_name["ImageService"],
    "audio": audio_pb2.DESCRIPTOR.services_by_name["AudioService"],
    "language": language_pb2.DESCRIPTOR.services_by_name["LanguageService"],
}
METHODS = [(name, method) for name, service in SERVICES.items() for method in service.methods]
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
CALL_SECONDS = 1.0
SMALL = {
    "GenerateImage": {"width": 64, "height": 64},
    "GenerateAudio": {"seconds": 0.5},
    "GeneratePhrases": {"count": 1},
    "CreatePostcard": {"timeout": {"seconds": 1}, "image": {"width": 64, "height": 64}, "audio": {"seconds": 0.5}},
}
"""What keeps the work of an accepted request small."""


@dataclass(frozen=True)
class Answer:
    """How a call ended."""

    code: grpc.StatusCode
    details: str = ""
    fields: tuple[str, ...] = ()


def refused_fields(error: grpc.RpcError) -> tuple[str, ...]:
    """The fields that a status names as wrong."""
    status = rpc_status.from_call(error)
    bad = error_details_pb2.BadRequest()
    found = [detail for detail in (status.details if status else []) if detail.Unpack(bad)]
    return tuple(violation.field for violation in bad.field_violations) if found else ()


@dataclass(frozen=True)
class Running:
    """The four services and channels to them."""

    channels: dict[str, grpc.Channel]

    def call(
        self, name: str, method: MethodDescriptor, request: Message | bytes, *, seconds: float = CALL_SECONDS
    ) -> Answer:
        """How a call ends."""
        try:
            data = request if isinstance(request, bytes) else request.SerializeToString()
            for _ in self.answers(name, method, data, seconds):
                pass
        except grpc.RpcError as error:
            return Answer(error.code(), error.details(), refused_fields(error))
        return Answer(grpc.StatusCode.OK)

    def answers(self, name: str, method: MethodDescriptor, request: bytes, seconds: float) -> Iterator[bytes]:
        """The answers to a request, all as bytes."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.server_streaming:
            yield from self.channels[name].unary_stream(path)(request, timeout=seconds)
        else:
            yield self.channels[name].unary_unary(path)(request, timeout=seconds)

    def healthy(self, name: str) -> bool:
        """Whether a service says SERVING."""
        stub = health_pb2_grpc.HealthStub(self.channels[name])
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
        return answer.status == health_pb2.HealthCheckResponse.SERVING


SPECIES = {"body_plan", "scene", "vocal_tract", "phrase", "phonology", "parents"}
"""Fields that hold what belongs to a species; their limits are tested value by value."""
