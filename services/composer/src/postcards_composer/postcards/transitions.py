"""How a postcard changes: pure functions from one manifest to the next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from postcards_composer.postcards.manifest import (
    File,
    LeaseRecord,
    Manifest,
    Part,
    PartError,
    PartKind,
    PartState,
    PostcardState,
)
from postcards_serving.engine.work import Provenance


def begin_part(manifest: Manifest, now: datetime, kind: PartKind) -> Manifest:
    """The part is being made."""
    part = manifest.part(kind)
    running = replace(part, state=PartState.RUNNING, error=None, duration=None, attempts=part.attempts + 1)
    return _changed(_with_part(manifest, running), now)


def complete_part(
    manifest: Manifest,
    now: datetime,
    kind: PartKind,
    *,
    files: Sequence[File],
    provenance: Provenance,
    duration: float,
    retries: int,
) -> Manifest:
    """The part is in the store, in `files`."""
    part = manifest.part(kind)
    done = replace(
        part,
        state=PartState.DONE,
        error=None,
        provenance=provenance,
        duration=duration,
        attempts=part.attempts + retries,
    )
    return _changed(_with_part(with_files(manifest, files), done), now)


def fail_part(
    manifest: Manifest, now: datetime, kind: PartKind, *, error: PartError, duration: float, retries: int
) -> Manifest:
    """The part could not be made."""
    part = manifest.part(kind)
    failed = replace(
        part, state=PartState.FAILED, error=error, duration=duration, attempts=part.attempts + retries, provenance=None
    )
    return _changed(_with_part(manifest, failed), now)


def finish(manifest: Manifest, now: datetime, *, files: Sequence[File], card_error: PartError | None) -> Manifest:
    """Nothing more will be made: ACTIVE when all parts and the card are there, PARTIAL when some, FAILED when none."""
    done = [part.state is PartState.DONE for part in manifest.parts]
    state = PostcardState.PARTIAL if any(done) else PostcardState.FAILED
    if all(done) and card_error is None:
        state = PostcardState.ACTIVE
    finished = replace(with_files(manifest, files), state=state, lease=None, card_error=card_error)
    return _changed(finished, now)


def cancel(manifest: Manifest, now: datetime) -> Manifest:
    """Nobody wants it any more; what is done is kept."""
    parts = tuple(
        part if part.state in (PartState.DONE, PartState.FAILED) else replace(part, state=PartState.CANCELLED)
        for part in manifest.parts
    )
    return _changed(replace(manifest, state=PostcardState.CANCELLED, lease=None, parts=parts), now)


def take_over(manifest: Manifest, now: datetime, lease: LeaseRecord) -> Manifest:
    """Another process goes on; parts that were being made are made again.

    Only a lease that lapsed counts as a takeover: one that was given back is the ordinary course of a restart.
    """
    parts = tuple(
        replace(part, state=PartState.PENDING) if part.state is PartState.RUNNING else part for part in manifest.parts
    )
    takeovers = manifest.takeovers + (manifest.lease is not None)
    return _changed(replace(manifest, lease=lease, parts=parts, takeovers=takeovers), now)


def give_up(manifest: Manifest, now: datetime, error: PartError) -> Manifest:
    """What is not made yet fails."""
    parts = tuple(
        part
        if part.state in (PartState.DONE, PartState.FAILED)
        else replace(part, state=PartState.FAILED, error=error, duration=None)
        for part in manifest.parts
    )
    return finish(replace(manifest, parts=parts), now, files=(), card_error=error)


def is_whole(manifest: Manifest) -> bool:
    """Whether a repair would find nothing to do."""
    return manifest.state is PostcardState.ACTIVE and all(part.state is PartState.DONE for part in manifest.parts)


def repair(manifest: Manifest, now: datetime, lease: LeaseRecord) -> Manifest:
    """The missing parts are to be made; a call made without the phrase is made again to say it."""
    unsaid = manifest.part(PartKind.AUDIO).state is PartState.DONE and not manifest.says_phrase
    parts = tuple(
        Part(part.kind, attempts=part.attempts)
        if part.state is not PartState.DONE or (part.kind is PartKind.AUDIO and unsaid)
        else part
        for part in manifest.parts
    )
    again = replace(
        manifest,
        state=PostcardState.CREATING,
        lease=lease,
        parts=parts,
        round=manifest.round + 1,
        takeovers=0,
        spent=0.0,
        card_error=None,
    )
    return _changed(again, now)


def reset_part(manifest: Manifest, now: datetime, kind: PartKind) -> Manifest:
    """What the store holds of a part is not what was written: it is to be made again."""
    part = Part(kind, attempts=manifest.part(kind).attempts)
    return _changed(_with_part(manifest, part), now)


def delete(manifest: Manifest, now: datetime) -> Manifest:
    """It is going; who holds the lease, or else who deletes, removes what is left.

    The next round gives the deletion a note of work of its own: that of the making may vanish at any moment.
    """
    return _changed(replace(manifest, state=PostcardState.DELETING, round=manifest.round + 1), now)


def hold(manifest: Manifest, lease: LeaseRecord | None, spent: float) -> Manifest:
    """The lease is renewed, or given back with None. Not a change that anybody sees."""
    return replace(manifest, lease=lease, spent=spent)


def with_files(manifest: Manifest, files: Sequence[File]) -> Manifest:
    """With these files, in place of older ones of the same names."""
    merged = {file.name: file for file in (*manifest.files, *files)}
    return replace(manifest, files=tuple(merged[name] for name in sorted(merged)))


def _with_part(manifest: Manifest, part: Part) -> Manifest:
    return replace(manifest, parts=tuple(part if part.kind is old.kind else old for old in manifest.parts))


def _changed(manifest: Manifest, now: datetime) -> Manifest:
    return replace(manifest, revision=manifest.revision + 1, updated_at=now)
