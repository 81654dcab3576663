"""Manifests in the store: read, reserved, and replaced only in the version that was read."""

from contextlib import suppress
from dataclasses import dataclass

from postcards_composer.postcards import manifest_json
from postcards_composer.postcards.manifest import File, Manifest
from postcards_composer.store import NotFound, PreconditionFailed, StoredObject, keys
from postcards_composer.store.threads import ThreadedStore
from postcards_serving.engine.work import Blob

EMPTY_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class StoredManifest:
    """A manifest and the version in which the store keeps it."""

    manifest: Manifest
    """The manifest."""
    etag: str
    """Its version."""


def _stored_manifest(stored: StoredObject) -> StoredManifest:
    return StoredManifest(manifest_json.load(stored.data), stored.etag)


def _place(value: Manifest) -> str:
    """Key of a postcard's place in the index."""
    return keys.index(keys.IndexEntry(value.created_at, value.id))


class Archive:
    """Postcards in a store. Raises the store's errors, and `ManifestError` for a manifest that cannot be read."""

    def __init__(self, store: ThreadedStore) -> None:
        """Keeps postcards in `store`."""
        self.store = store

    async def load(self, postcard_id: str) -> StoredManifest:
        """The postcard of that id. Raises `NotFound`."""
        return await self.store.read(keys.manifest(postcard_id), _stored_manifest)

    async def reserve(self, value: Manifest) -> StoredManifest:
        """Writes a new postcard. Raises `PreconditionFailed` when its id is taken.

        The note of unfinished work and the place in the index come first: a crash between leaves a note or a place
        without a postcard, which is overlooked and cleaned up, never a postcard that nobody finds.
        """
        await self.note_work(value)
        place = _place(value)
        await self.store.put(place, b"", EMPTY_TYPE)
        key = keys.manifest(value.id)
        try:
            etag = await self.store.put(key, manifest_json.dump(value), manifest_json.CONTENT_TYPE, if_absent=True)
        except PreconditionFailed:
            if place != _place((await self.load(value.id)).manifest):
                await self.store.delete(place)
            raise
        return StoredManifest(value, etag)

    async def replace(self, kept: StoredManifest, value: Manifest) -> StoredManifest:
        """Writes `value` over `kept`. Raises `PreconditionFailed` when another was faster.

        A failed precondition may also mean that this very value was written by a try whose answer was lost: seen by
        reading it, that counts as success.
        """
        key = keys.manifest(value.id)
        try:
            etag = await self.store.put(key, manifest_json.dump(value), manifest_json.CONTENT_TYPE, if_match=kept.etag)
        except PreconditionFailed:
            present = await self.store.get(key)
            if present.data != manifest_json.dump(value):
                raise
            etag = present.etag
        return StoredManifest(value, etag)

    async def note_work(self, value: Manifest) -> None:
        """Notes that the postcard has unfinished work, before that work is promised, and its place in the index."""
        note = keys.pending(keys.PendingEntry(value.id, value.round))
        await self.store.put(note, _place(value).encode(), EMPTY_TYPE)

    async def forget_work(self, value: Manifest) -> None:
        """Removes the note that `note_work` made."""
        await self.store.delete(keys.pending(keys.PendingEntry(value.id, value.round)))

    async def forget_orphan(self, entry: keys.PendingEntry) -> None:
        """Removes a note whose postcard has never come to be, and the place in the index that was kept for it."""
        note = keys.pending(entry)
        with suppress(NotFound):
            place = (await self.store.get(note)).data.decode("ascii", "replace")
            if keys.parse_index(place) is not None:
                await self.store.delete(place)
        await self.store.delete(note)

    async def put_file(self, postcard_id: str, attempt: str, blob: Blob) -> File:
        """Writes a file of a postcard to the place of an attempt, which no other attempt has, or will ever have."""
        path = f"{attempt}/{blob.name}"
        await self.store.put(keys.file(postcard_id, path), blob.data, blob.content_type)
        return File(blob.name, blob.content_type, blob.size_bytes, blob.sha256, path)

    async def remove_strays(self, value: Manifest) -> None:
        """Removes files that attempts before this making have written and that the manifest does not name.

        For who has just taken the lease and has written no file yet: whatever lies there unnamed is of a making whose
        writes of the manifest fail from now on, so that nobody will ever name it.
        """
        named = {keys.file(value.id, file.place) for file in value.files}
        for key in await self.store.list(keys.folder(value.id)):
            if keys.attempt_of(value.id, key) and key not in named:
                await self.store.delete(key)

    async def remove_superseded(self, old: Manifest, new: Manifest) -> None:
        """Removes the files that `old` names and `new`, which has been written over it, does not."""
        for file in sorted({file.place for file in old.files} - {file.place for file in new.files}):
            await self.store.delete(keys.file(new.id, file))

    async def show(self, value: Manifest) -> None:
        """Lets people find the files under their plain names, where they look into the store with their own eyes."""
        await self.store.show(
            {keys.file(value.id, f.name): keys.file(value.id, f.place) for f in value.files if f.path}
        )

    async def erase(self, value: Manifest) -> None:
        """Removes everything of a postcard that is being deleted; may be repeated, and by several at once.

        The manifest goes after the files and the notes of work last, so that an interrupted erasure is found and ended.
        """
        own = keys.manifest(value.id)
        while found := [key for key in await self.store.list(keys.folder(value.id)) if key != own]:
            for key in found:
                await self.store.delete(key)
        await self.store.delete(_place(value))
        with suppress(NotFound):
            if (await self.load(value.id)).manifest.generation != value.generation:
                # Another was faster, and the id has a new postcard since.
                return
        await self.store.delete(own)
        for note in await self.store.list(keys.notes_of(value.id)):
            await self.store.delete(note)
