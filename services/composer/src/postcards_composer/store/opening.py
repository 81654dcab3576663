"""From the settings to the store that they name."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from postcards_composer.settings import ComposerSettings
from postcards_composer.store.folder import FolderStore
from postcards_composer.store.objects import ObjectStore
from postcards_serving.settings import SettingsError


def open_store(settings: ComposerSettings) -> ObjectStore:
    """The store that the settings name; asks nobody yet.

    Raises:
        SettingsError: something that the store needs is not set.
    """
    parts = urlsplit(settings.store_url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    needed = {
        "MINIO_ENDPOINT": settings.minio_endpoint,
        "MINIO_ACCESS_KEY": settings.minio_access_key.get_secret_value(),
        "MINIO_SECRET_KEY": settings.minio_secret_key.get_secret_value(),
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise SettingsError(f"POSTCARDS_STORE_URL {settings.store_url} needs {', '.join(missing)}")
    # The object store's client is a fifth of the time that the composer takes to start: not for folders.
    from postcards_composer.store.s3 import S3Settings, S3Store

    return S3Store(
        S3Settings(
            bucket=parts.netloc,
            endpoint=settings.minio_endpoint,
            access_key=needed["MINIO_ACCESS_KEY"],
            secret_key=needed["MINIO_SECRET_KEY"],
            secure=settings.minio_secure,
            region=settings.minio_region,
            public_endpoint=settings.minio_public_endpoint,
        )
    )
