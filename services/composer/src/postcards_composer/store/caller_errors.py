"""What a caller is told when the store fails."""

from collections.abc import Generator
from contextlib import contextmanager

from postcards_composer.postcards.manifest_json import ManifestError
from postcards_composer.store import StoreFull, StoreUnavailable
from postcards_serving.errors import Code, DataLoss, ServiceError, Unavailable

_RETRY_SECONDS = 2.0
_FULL_RETRY_SECONDS = 30.0


@contextmanager
def store_errors_for_caller() -> Generator[None]:
    """Turns errors of the store into errors of the service.

    Raises:
        ServiceError: UNAVAILABLE when the store is away, RESOURCE_EXHAUSTED when it is full, DATA_LOSS when a manifest
            cannot be read.
    """
    try:
        yield
    except StoreFull as problem:
        raise ServiceError(
            Code.RESOURCE_EXHAUSTED, "STORE_FULL", str(problem), retry_after=_FULL_RETRY_SECONDS
        ) from problem
    except StoreUnavailable as problem:
        raise Unavailable(str(problem), reason="STORE_UNAVAILABLE", retry_after=_RETRY_SECONDS) from problem
    except ManifestError as problem:
        raise DataLoss(f"the postcard cannot be read: {problem}", reason="MANIFEST_UNREADABLE") from problem
