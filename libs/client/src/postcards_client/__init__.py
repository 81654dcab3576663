"""Python client of Postcards.

```python
from postcards_client import PostcardsClient

async with PostcardsClient("127.0.0.1:50050") as client:
    postcard = await client.make(seed=7, theme="stormy night")
    print(postcard.species.name, postcard.location)
```

`BlockingPostcardsClient` is the same for programs without an event loop. The names below are imported when they are
first used, so that the command line starts without gRPC.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import (
        AudioSettings,
        ImageSettings,
        LanguageSettings,
        PartKind,
        PartState,
        Postcard,
        PostcardState,
    )

    from postcards_client.blocking import BlockingPostcardsClient
    from postcards_client.client import PostcardPage, PostcardsClient
    from postcards_client.downloads import download
    from postcards_client.errors import (
        AlreadyExists,
        DeadlineExceeded,
        FailedPrecondition,
        FieldViolation,
        InvalidRequest,
        NotFound,
        Overloaded,
        PostcardsError,
        ServerFailed,
        Unavailable,
    )
    from postcards_client.events import Advanced, Changed, Event, Previewed
    from postcards_client.retries import RetryPolicy

_MODULES = {
    "postcards.composer.v1.composer_pb2": (
        "AudioSettings",
        "ImageSettings",
        "LanguageSettings",
        "PartKind",
        "PartState",
        "Postcard",
        "PostcardState",
    ),
    "postcards_client.blocking": ("BlockingPostcardsClient",),
    "postcards_client.client": ("PostcardPage", "PostcardsClient"),
    "postcards_client.downloads": ("download",),
    "postcards_client.errors": (
        "AlreadyExists",
        "DeadlineExceeded",
        "FailedPrecondition",
        "FieldViolation",
        "InvalidRequest",
        "NotFound",
        "Overloaded",
        "PostcardsError",
        "ServerFailed",
        "Unavailable",
    ),
    "postcards_client.events": ("Advanced", "Changed", "Event", "Previewed"),
    "postcards_client.retries": ("RetryPolicy",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Advanced",
    "AlreadyExists",
    "AudioSettings",
    "BlockingPostcardsClient",
    "Changed",
    "DeadlineExceeded",
    "Event",
    "FailedPrecondition",
    "FieldViolation",
    "ImageSettings",
    "InvalidRequest",
    "LanguageSettings",
    "NotFound",
    "Overloaded",
    "PartKind",
    "PartState",
    "Postcard",
    "PostcardPage",
    "PostcardState",
    "PostcardsClient",
    "PostcardsError",
    "Previewed",
    "RetryPolicy",
    "ServerFailed",
    "Unavailable",
    "download",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the attribute may be anything the package exports
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
