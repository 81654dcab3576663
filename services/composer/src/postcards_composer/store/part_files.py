"""The files of finished parts, read back from the store."""

import hashlib

from postcards_composer.postcards.manifest import Manifest, PartKind
from postcards_composer.store import NotFound, keys
from postcards_composer.store.manifests import Archive

PARTS_FILES = {
    PartKind.IMAGE: ("image.png", "preview.webp"),
    PartKind.LANGUAGE: ("phrase.json",),
    PartKind.AUDIO: ("call.flac", "call.mp3"),
}
"""The files of each part."""


async def read_files(archive: Archive, manifest: Manifest, names: tuple[str, ...]) -> dict[str, bytes] | None:
    """The bytes of files of a postcard; None when one is gone or is not what the manifest says."""
    found: dict[str, bytes] = {}
    for name in names:
        file = manifest.file(name)
        if file is None:
            return None
        try:
            data = (await archive.store.get(keys.file(manifest.id, file.place))).data
        except NotFound:
            return None
        if hashlib.sha256(data).hexdigest() != file.sha256:
            return None
        found[name] = data
    return found
