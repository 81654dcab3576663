"""Manifests as bytes.

A manifest says everything that is needed to make its postcard again, and nothing secret. Unknown fields are refused by
name: a manifest is rewritten whole at every change, so what is not understood would be lost.
"""

import json
from typing import cast

from postcards_composer.postcards.json_values import JsonError, from_json, to_json
from postcards_composer.postcards.manifest import SCHEMA, Manifest, PartKind

CONTENT_TYPE = "application/json"


class ManifestError(ValueError):
    """A manifest cannot be read; the message says why."""


def dump(manifest: Manifest) -> bytes:
    """The manifest as JSON, UTF-8, for machines and people."""
    return json.dumps(to_json(manifest), indent=1, ensure_ascii=False, allow_nan=False).encode()


def load(data: bytes) -> Manifest:
    """The manifest that `data` stands for.

    Raises:
        ManifestError: `data` is damaged, of another version, or has fields that are missing, unknown or of a wrong
            type.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"the manifest is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ManifestError("the manifest is not a JSON object")
    schema = cast(dict[str, object], value).get("schema")
    if schema != SCHEMA:
        raise ManifestError(f"the manifest has schema {schema!r}; this composer reads schema {SCHEMA}")
    try:
        manifest = from_json(Manifest, cast(object, value), "manifest")
    except JsonError as error:
        raise ManifestError(str(error)) from None
    if tuple(part.kind for part in manifest.parts) != tuple(PartKind):
        raise ManifestError("manifest.parts are not one of each kind, in order")
    return manifest
