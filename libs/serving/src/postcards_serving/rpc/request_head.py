"""What the requests of all part-making services begin with."""

from dataclasses import dataclass, field

from google.protobuf.message import Message

from postcards_serving.errors import InvalidField
from postcards_serving.rpc.messages import decode

REQUEST_ID_PATTERN = r"[A-Za-z0-9._-]+"
MAX_REQUEST_ID = 128


@dataclass(frozen=True)
class RequestHead:
    """What the requests of all part services begin with: which engine, which species."""

    request_id: str = field(default="", metadata={"max_length": MAX_REQUEST_ID, "pattern": REQUEST_ID_PATTERN})
    """Names the request in logs; empty when the caller did not."""
    engine: str = field(default="", metadata={"max_length": 64})
    """Engine that the caller expects; empty for whichever is served."""


def check_head(message: Message, *engines: str) -> RequestHead:
    """The checked head of a request to a server of `engines`: one, or one and another that stands behind it.

    Raises:
        InvalidField: the request id is malformed, or the caller expects another engine.
    """
    head = decode(message, RequestHead)
    if head.engine not in ("", *engines):
        ours = " or ".join(repr(engine) for engine in engines)
        raise InvalidField("engine", f"must be empty or {ours}, which this server runs, not {head.engine!r}")
    return head
