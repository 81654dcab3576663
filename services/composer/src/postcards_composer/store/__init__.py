"""Where postcards are kept: one small interface, a folder and an S3 bucket behind it."""

from postcards_composer.store.objects import (
    InvalidKey,
    NotFound,
    ObjectInfo,
    ObjectStore,
    PreconditionFailed,
    StoredObject,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

__all__ = [
    "InvalidKey",
    "NotFound",
    "ObjectInfo",
    "ObjectStore",
    "PreconditionFailed",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StoredObject",
]
