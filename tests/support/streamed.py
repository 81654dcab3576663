"""What a part service streams, put together by who asked."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from postcards_client.parts.blobs import BlobReceiver


@dataclass(frozen=True)
class Streamed:
    """One call that has ended well."""

    result: Any
    """The message, e.g. an `ImageResult`."""
    blobs: dict[str, bytes]
    """Its files by name, whole and checked, in order."""
    reports: list[Any]
    """The responses before the result, e.g. those with progress."""

    @property
    def stages(self) -> list[str]:
        """The stage of each report of progress."""
        return [report.progress.stage for report in self.reports if report.HasField("progress")]


async def streamed(call: AsyncIterable[Any]) -> Streamed:
    """What comes of a call of `GenerateImage` or `GenerateAudio`."""
    reports, result, receiver = [], None, None
    async for response in call:
        match response.WhichOneof("event"):
            case "result":
                result, receiver = response.result, BlobReceiver(response.result.blobs)
            case "chunk":
                receiver.add(response.chunk)
            case _:
                reports.append(response)
    return Streamed(result, {blob.name: blob.data for blob in receiver.finish()}, reports)
