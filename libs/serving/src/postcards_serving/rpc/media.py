"""Files of a result over a stream: a header that names, sizes and hashes each, then their bytes in slices."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from postcards_serving.engine.work import Blob
from postcards_serving.errors import DataLoss
from postcards_serving.rpc.messages import encode

MAX_CHUNK_BYTES = 256 * 1024
"""Most bytes in one slice: far below gRPC's message limit, large enough to cost little."""
MAX_RESULT_BYTES = 256 * 1024 * 1024
"""Most bytes of one result that a receiver takes unless told otherwise."""

HeaderT = TypeVar("HeaderT", bound=Message)
ChunkT = TypeVar("ChunkT", bound=Message)


class Header(Protocol):
    """The shape of `postcards.media.v1.BlobHeader`."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str


class Slice(Protocol):
    """The shape of `postcards.media.v1.Chunk`."""

    name: str
    offset: int
    data: bytes


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


class BlobReceiver:
    """Puts the blobs of one result together and checks that they are whole."""

    def __init__(self, headers: Sequence[Header], *, max_bytes: int = MAX_RESULT_BYTES) -> None:
        """Expects the blobs of `headers`, in this order.

        Raises:
            DataLoss: the headers are impossible: a name twice, an empty blob, more than `max_bytes` in all.
        """
        self._headers = tuple(headers)
        self._data: list[bytearray] = []
        names = [header.name for header in self._headers]
        total = sum(header.size_bytes for header in self._headers)
        if len(set(names)) < len(names):
            raise DataLoss("a result names one blob twice")
        if any(header.size_bytes < 1 for header in self._headers):
            raise DataLoss("a result announces an empty blob")
        if total > max_bytes:
            raise DataLoss(f"a result announces {total} bytes, more than the {max_bytes} that are accepted")

    def add(self, chunk: Slice) -> None:
        """Takes the next slice.

        Raises:
            DataLoss: the slice is not the one that comes next.
        """
        if not self._data or len(self._data[-1]) == self._headers[len(self._data) - 1].size_bytes:
            if len(self._data) == len(self._headers):
                raise DataLoss(f"bytes of {chunk.name!r} came after the last blob was complete")
            self._data.append(bytearray())
        header, data = self._headers[len(self._data) - 1], self._data[-1]
        if chunk.name != header.name:
            raise DataLoss(f"bytes of {chunk.name!r} came where {header.name!r} was expected")
        if chunk.offset != len(data):
            raise DataLoss(f"{header.name!r} continues at byte {chunk.offset} where {len(data)} was expected")
        if not chunk.data:
            raise DataLoss(f"an empty slice of {header.name!r} came")
        if len(data) + len(chunk.data) > header.size_bytes:
            raise DataLoss(f"{header.name!r} is longer than the {header.size_bytes} bytes announced")
        data += chunk.data

    def finish(self) -> tuple[Blob, ...]:
        """The blobs, in the order of the headers.

        Raises:
            DataLoss: bytes are missing, or a hash differs.
        """
        for index, header in enumerate(self._headers):
            got = len(self._data[index]) if index < len(self._data) else 0
            if got < header.size_bytes:
                raise DataLoss(f"{header.name!r} ended after {got} of {header.size_bytes} bytes")
        return tuple(_whole(header, bytes(data)) for header, data in zip(self._headers, self._data, strict=True))


def _whole(header: Header, data: bytes) -> Blob:
    if hashlib.sha256(data).hexdigest() != header.sha256:
        raise DataLoss(f"{header.name!r} arrived damaged: its SHA-256 differs from the one announced")
    return Blob(header.name, header.content_type, data)
