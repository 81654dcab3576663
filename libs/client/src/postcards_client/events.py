"""What a watch of a postcard tells."""

from dataclasses import dataclass

from postcards.composer.v1 import composer_pb2
from postcards.media.v1 import media_pb2

FINISHED = frozenset(
    {
        composer_pb2.POSTCARD_STATE_ACTIVE,
        composer_pb2.POSTCARD_STATE_PARTIAL,
        composer_pb2.POSTCARD_STATE_FAILED,
        composer_pb2.POSTCARD_STATE_CANCELLED,
    }
)
"""The states in which nothing more happens to a postcard by itself."""


@dataclass(frozen=True)
class Changed:
    """The postcard has changed."""

    sequence: int
    """Position in the postcard's life; 0 when the event was not part of a stream."""
    postcard: composer_pb2.Postcard
    """The postcard as it is now."""


@dataclass(frozen=True)
class Advanced:
    """A part has advanced."""

    sequence: int
    """Position in the postcard's life."""
    kind: composer_pb2.PartKind.ValueType
    """Which part."""
    progress: media_pb2.Progress
    """How far."""


@dataclass(frozen=True)
class Previewed:
    """A look at the unfinished picture."""

    sequence: int
    """Position in the postcard's life."""
    preview: media_pb2.Preview
    """The small picture."""


Event = Changed | Advanced | Previewed


def event_from_message(message: composer_pb2.WatchPostcardResponse) -> Event | None:
    """The event of a message; None for a kind that this version does not know."""
    match message.WhichOneof("event"):
        case "postcard":
            return Changed(message.sequence, message.postcard)
        case "progress":
            return Advanced(message.sequence, message.progress.kind, message.progress.progress)
        case "preview":
            return Previewed(message.sequence, message.preview)
        case _:
            return None
