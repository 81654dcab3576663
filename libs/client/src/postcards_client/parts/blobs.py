"""Files of a result over a stream: headers that name, size and hash each, then their bytes in slices."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from postcards.media.v1 import media_pb2

from postcards_client.errors import DataLost

MAX_RESULT_BYTES = 256 * 1024 * 1024
"""Most bytes of one result that are taken unless told otherwise."""


@dataclass(frozen=True)
class ReceivedFile:
    """A file as it was sent: of the announced length and SHA-256."""

    name: str
    """E.g. "image.png"."""
    content_type: str
    """Media type."""
    data: bytes
    """Its bytes, at least one."""


class BlobReceiver:
    """Puts the files of one result together and checks that they are whole."""

    def __init__(self, headers: Sequence[media_pb2.BlobHeader], *, max_bytes: int = MAX_RESULT_BYTES) -> None:
        """Expects the files of `headers`, in this order.

        Raises:
            DataLost: the headers are impossible: a name twice, an empty file, more than `max_bytes` in all.
        """
        self._headers = tuple(headers)
        self._data: list[bytearray] = []
        names = [header.name for header in self._headers]
        total = sum(header.size_bytes for header in self._headers)
        if len(set(names)) < len(names):
            raise DataLost("a result names one blob twice")
        if any(header.size_bytes < 1 for header in self._headers):
            raise DataLost("a result announces an empty blob")
        if total > max_bytes:
            raise DataLost(f"a result announces {total} bytes, more than the {max_bytes} that are accepted")

    def add(self, chunk: media_pb2.Chunk) -> None:
        """Takes the next slice.

        Raises:
            DataLost: the slice is not the one that comes next.
        """
        if not self._data or len(self._data[-1]) == self._headers[len(self._data) - 1].size_bytes:
            if len(self._data) == len(self._headers):
                raise DataLost(f"bytes of {chunk.name!r} came after the last blob was complete")
            self._data.append(bytearray())
        header, data = self._headers[len(self._data) - 1], self._data[-1]
        if chunk.name != header.name:
            raise DataLost(f"bytes of {chunk.name!r} came where {header.name!r} was expected")
        if chunk.offset != len(data):
            raise DataLost(f"{header.name!r} continues at byte {chunk.offset} where {len(data)} was expected")
        if not chunk.data:
            raise DataLost(f"an empty slice of {header.name!r} came")
        if len(data) + len(chunk.data) > header.size_bytes:
            raise DataLost(f"{header.name!r} is longer than the {header.size_bytes} bytes announced")
        data += chunk.data

    def finish(self) -> tuple[ReceivedFile, ...]:
        """The files, in the order of the headers.

        Raises:
            DataLost: bytes are missing, or a hash differs.
        """
        for index, header in enumerate(self._headers):
            got = len(self._data[index]) if index < len(self._data) else 0
            if got < header.size_bytes:
                raise DataLost(f"{header.name!r} ended after {got} of {header.size_bytes} bytes")
        return tuple(_whole(header, bytes(data)) for header, data in zip(self._headers, self._data, strict=True))


def _whole(header: media_pb2.BlobHeader, data: bytes) -> ReceivedFile:
    if hashlib.sha256(data).hexdigest() != header.sha256:
        raise DataLost(f"{header.name!r} arrived damaged: its SHA-256 differs from the one announced")
    return ReceivedFile(header.name, header.content_type, data)
