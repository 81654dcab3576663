"""Ids of postcards, and fingerprints of requests."""

import base64
import hashlib
import json
import re
import secrets

from postcards_composer.postcards.json_values import to_json

ID_PATTERN = "[a-z2-7]{26}"
_ID = re.compile(ID_PATTERN)


def postcard_id(request_id: str) -> str:
    """The id that belongs to `request_id`: 26 characters of a-z and 2-7, 130 bits of its SHA-256.

    The same request always asks for the same id, so that a conditional write of the manifest both reserves it and finds
    what an earlier try has written.
    """
    digest = hashlib.sha256(b"postcards/id/1/" + request_id.encode()).digest()
    return base64.b32encode(digest)[:26].decode().lower()


def is_postcard_id(text: str) -> bool:
    """Whether `text` is of the form of an id."""
    return _ID.fullmatch(text) is not None


def new_request_id() -> str:
    """A request id for a request that came without one."""
    return secrets.token_hex(16)


def new_seed() -> int:
    """A random seed, 0 to 2**64 - 1, for a request that came without one."""
    return secrets.randbits(64)


def new_token() -> str:
    """Eight bytes that nobody else has: names a process, or one life of an id."""
    return secrets.token_hex(8)


def fingerprint(content: object) -> str:
    """SHA-256 over the JSON of `content` in its one canonical form: equal requests have equal fingerprints."""
    text = json.dumps(to_json(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
