"""A store in a bucket of MinIO or of any other S3 service with conditional writes.

The `minio` client (7.2.20) has no public argument for If-None-Match and If-Match on a write. Its presigned URLs are
public, and S3 accepts further unsigned headers beside them: every write is a presigned PUT, the condition a header.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar, cast
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError

from postcards_client.backoff import backoff
from postcards_composer.store.objects import (
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    StoredObject,
    StoreError,
    StoreFull,
    StoreUnavailable,
    check_conditions,
    check_key,
    check_prefix,
)

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 20.0
WRITE_ATTEMPTS = 4
_PAUSE_SECONDS = 0.15
_LONGEST_PAUSE_SECONDS = 5.0
_URL_LIFE = timedelta(hours=12)
_WRITE_URL_LIFE = timedelta(minutes=5)
_FULL = ("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage")
_MISSING = ("NoSuchKey", "NoSuchObject")
_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class S3Settings:
    """Where the bucket is, and how to be let in."""

    bucket: str
    """Name of the bucket; `prepare` and writes make it where it is missing."""
    endpoint: str
    """host:port, or a URL whose scheme decides about TLS."""
    access_key: str
    """Who we are."""
    secret_key: str
    """The secret that proves it. Never logged."""
    secure: bool = True
    """Whether to use TLS where the endpoint does not say."""
    region: str = "us-east-1"
    """Region of the bucket; it is part of every signature."""
    public_endpoint: str = ""
    """Endpoint as readers see it, for the URLs handed out. Empty: the same."""

    def __repr__(self) -> str:
        """Leaves the keys out."""
        return f"S3Settings(bucket={self.bucket!r}, endpoint={self.endpoint!r})"


class S3Store:
    """An `ObjectStore` in a bucket. The etag of an object is the server's."""

    def __init__(self, settings: S3Settings) -> None:
        """Connects to nothing yet."""
        self._bucket = settings.bucket
        self._region = settings.region
        self._endpoint = settings.endpoint
        self._http = urllib3.PoolManager(
            maxsize=32,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS),
            retries=urllib3.Retry(total=WRITE_ATTEMPTS - 1, backoff_factor=_PAUSE_SECONDS, status_forcelist=_AGAIN),
        )
        self._client = _client(settings, settings.endpoint, self._http)
        # A presigned URL carries its host, so readers' URLs are signed for the host that readers know.
        self._public = _client(settings, settings.public_endpoint or settings.endpoint, self._http)

    def prepare(self) -> None:
        """Makes the bucket where it is missing."""
        with self._errors(""):
            if not self._client.bucket_exists(self._bucket):
                self._make_bucket()

    def put(
        self, key: str, data: bytes, content_type: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> str:
        """Writes an object; see `ObjectStore.put`.

        A write whose answer was lost is tried again; should its condition then fail because the first try had been
        carried out after all, that is seen by the object's content, and counts as success.
        """
        check_conditions(if_absent=if_absent, if_match=if_match)
        check_key(key)
        headers = {
            "Content-Type": content_type,
            "Content-MD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
        }
        if if_absent:
            headers["If-None-Match"] = "*"
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        return self._write(key, data, headers)

    def get(self, key: str) -> StoredObject:
        """Reads an object; see `ObjectStore.get`."""
        check_key(key)
        with self._errors(key):
            response = self._client.get_object(self._bucket, key)
            try:
                return StoredObject(response.data, response.headers["etag"].strip('"'))
            finally:
                response.close()
                response.release_conn()

    def stat(self, key: str) -> ObjectInfo:
        """Tells about an object; see `ObjectStore.stat`."""
        check_key(key)
        with self._errors(key):
            found = self._client.stat_object(self._bucket, key)
        return ObjectInfo(key, found.size or 0, (found.etag or "").strip('"'))

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[str]:
        """Lists keys; see `ObjectStore.list`."""
        check_prefix(prefix)
        with self._errors(prefix):
            found = self._client.list_objects(
                self._bucket, prefix=prefix, recursive=True, start_after=start_after or None
            )
            return [cast(str, item.object_name) for item in islice(found, limit)]

    def delete(self, key: str) -> None:
        """Removes an object; see `ObjectStore.delete`."""
        check_key(key)
        with self._errors(key):
            self._client.remove_object(self._bucket, key)

    def show(self, names: Mapping[str, str]) -> None:
        """Nothing: nobody looks into a bucket with their own eyes, and a copy could be written over by a stale one."""

    def url(self, key: str) -> str:
        """A presigned URL for reading the object during the next twelve hours."""
        check_key(key)
        return self._public.presigned_get_object(self._bucket, key, expires=_URL_LIFE)

    def location(self, prefix: str) -> str:
        """The address of `prefix` as "s3://bucket/prefix"."""
        check_prefix(prefix)
        return f"s3://{self._bucket}/{prefix.rstrip('/')}"

    def _make_bucket(self) -> None:
        try:
            self._client.make_bucket(self._bucket, location=self._region)
        except S3Error as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def _write(self, key: str, data: bytes, headers: dict[str, str]) -> str:
        conditional = "If-Match" in headers or "If-None-Match" in headers
        answer_lost = False
        problem = "no answer"
        for attempt in range(WRITE_ATTEMPTS):
            if attempt:
                time.sleep(backoff(attempt, 2 * _PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
            try:
                status, etag, code = self._try_write(key, data, headers)
            except HTTPError as error:
                answer_lost, problem = True, type(error).__name__
                continue
            if status == 200:
                return etag
            problem = f"{status} {code}".rstrip()
            if code in _FULL or status == 507:
                raise StoreFull(f"no room left in bucket {self._bucket}: {problem}")
            if status == 412 or (status == 404 and "If-Match" in headers and code in _MISSING):
                if answer_lost and conditional:
                    return self._etag_if_ours(key, data)
                raise PreconditionFailed(f"{key} is not in the state that the write demanded")
            if code == "NoSuchBucket":
                self.prepare()
            elif status not in _AGAIN and code != "ConditionalRequestConflict":
                break
            else:
                answer_lost = answer_lost or status in _AGAIN
        raise StoreUnavailable(f"cannot write to bucket {self._bucket} at {self._endpoint}: {problem}")

    def _try_write(self, key: str, data: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
        """One PUT: status, etag, and the code of the error."""
        url = self._client.get_presigned_url("PUT", self._bucket, key, expires=_WRITE_URL_LIFE)
        response = self._http.request("PUT", url, body=data, headers=headers, retries=False)
        code = "" if response.status == 200 else _error_code(response.data)
        return response.status, response.headers.get("etag", "").strip('"'), code

    def _etag_if_ours(self, key: str, data: bytes) -> str:
        try:
            present = self.get(key)
        except NotFound:
            present = None
        if present is None or present.data != data:
            raise PreconditionFailed(f"{key} is not in the state that the write demanded")
        return present.etag

    @contextmanager
    def _errors(self, key: str) -> Generator[None]:
        """Turns the client's errors into the store's."""
        try:
            yield
        except S3Error as error:
            raise self._translated(key, error) from error
        except (MinioException, ServerError, InvalidResponseError, HTTPError, OSError) as error:
            raise StoreUnavailable(
                f"cannot use bucket {self._bucket} at {self._endpoint}: {type(error).__name__}"
            ) from error

    def _translated(self, key: str, error: S3Error) -> StoreError:
        if error.code in _MISSING:
            return NotFound(f"no {key} in bucket {self._bucket}")
        if error.code in _FULL:
            return StoreFull(f"no room left in bucket {self._bucket}: {error.code}")
        if error.code == "NoSuchBucket":
            return StoreUnavailable(f"there is no bucket {self._bucket} at {self._endpoint}")
        return StoreUnavailable(f"bucket {self._bucket} at {self._endpoint} refuses: {error.code}")


def _client(settings: S3Settings, endpoint: str, http: urllib3.PoolManager) -> Minio:
    host, secure = endpoint, settings.secure
    if "://" in endpoint:
        parts = urlsplit(endpoint)
        host, secure = parts.netloc, parts.scheme == "https"
    make = cast(Callable[..., Minio], Minio)
    return make(
        host,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        secure=secure,
        region=settings.region,
        http_client=http,
    )


def _error_code(body: bytes) -> str:
    """The code in an S3 error document; empty where there is none."""
    _, found, rest = body.partition(b"<Code>")
    return rest.partition(b"</Code>")[0].decode("ascii", "replace")[:64] if found else ""
