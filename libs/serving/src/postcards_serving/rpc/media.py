"""Sends files of a result over a stream: a header that names, sizes and hashes each, then their bytes in slices."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from postcards_serving.engine.work import Blob
from postcards_serving.rpc.messages import encode

MAX_CHUNK_BYTES = 256 * 1024
"""Most bytes in one slice: far below gRPC's message limit, large enough to cost little."""

HeaderT = TypeVar("HeaderT", bound=Message)
ChunkT = TypeVar("ChunkT", bound=Message)


@dataclass(frozen=True)
class _Piece:
    name: str
    offset: int
    data: bytes


def blob_header(blob: Blob, kind: type[HeaderT]) -> HeaderT:
    """The header that announces a blob, as a message of `kind` (`postcards.media.v1.BlobHeader`)."""
    return encode(blob, kind)


def chunks(blob: Blob, kind: type[ChunkT], size: int = MAX_CHUNK_BYTES) -> Iterator[ChunkT]:
    """The bytes of a blob in order, as messages of `kind` (`postcards.media.v1.Chunk`) of at most `size` bytes."""
    for offset in range(0, len(blob.data), size):
        yield encode(_Piece(blob.name, offset, blob.data[offset : offset + size]), kind)
