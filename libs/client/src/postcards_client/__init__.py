"""Python client of Postcards.

```python
from postcards_client import PostcardsClient

async with PostcardsClient("127.0.0.1:50050") as client:
    postcard = await client.make(seed=7, theme="stormy night")
    print(postcard.species.name, postcard.location)
```

`BlockingPostcardsClient` is the same for programs without an event loop.
"""

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
