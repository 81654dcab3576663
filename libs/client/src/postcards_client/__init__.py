"""Python client of Postcards.

```python
from postcards_client import PostcardsClient

async with PostcardsClient("127.0.0.1:50050") as client:
    postcard = await client.make(seed=7, theme="stormy night")
    print(postcard.species.name, postcard.location)
```

`BlockingPostcardsClient` is the same for programs without an event loop. gRPC is imported when the first of these names
is used, so that a program, such as the `postcards` command, starts without waiting for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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
    from postcards_client.downloads import DownloadFailed, download
    from postcards_client.errors import (
        AlreadyExists,
        DataLost,
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

__all__ = [
    "Advanced",
    "AlreadyExists",
    "AudioSettings",
    "BlockingPostcardsClient",
    "Changed",
    "DataLost",
    "DeadlineExceeded",
    "DownloadFailed",
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


if not TYPE_CHECKING:
    # Checkers and editors see the imports above; `dir` and notebooks see the same names here.
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
        "postcards_client.client": (
            "PostcardPage",
            "PostcardsClient",
        ),
        "postcards_client.downloads": (
            "DownloadFailed",
            "download",
        ),
        "postcards_client.errors": (
            "AlreadyExists",
            "DataLost",
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
        "postcards_client.events": (
            "Advanced",
            "Changed",
            "Event",
            "Previewed",
        ),
        "postcards_client.retries": ("RetryPolicy",),
    }
    _HOMES = {name: module for module, names in _MODULES.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
