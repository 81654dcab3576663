"""Postcards and their events as the messages that callers get."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from postcards.composer.v1 import composer_pb2
from postcards.image.v1 import image_pb2
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2, species_pb2

from postcards_composer.making.events import Event
from postcards_composer.postcards.manifest import Manifest, Part, PartError, SafetyVerdict
from postcards_composer.store import keys
from postcards_composer.store.threads import ThreadedStore
from postcards_serving.engine.work import Progress
from postcards_serving.rpc.messages import encode


def postcard_message(manifest: Manifest, store: ThreadedStore | None) -> composer_pb2.Postcard:
    """A postcard as callers get it; without a store, its files have no URLs.

    Raises `ValueError` for a value that breaks its limits.
    """
    message = composer_pb2.Postcard(
        id=manifest.id,
        state=composer_pb2.PostcardState.Value(f"POSTCARD_STATE_{manifest.state.name}"),
        seed=manifest.seed,
        theme=manifest.theme,
        species=encode(manifest.species, species_pb2.Species),
        phrase=None if manifest.phrase is None else encode(manifest.phrase, phrase_pb2.Phrase),
        parts=[_part_message(part, manifest.verdict_on(part.kind)) for part in manifest.parts],
        files=[
            composer_pb2.File(
                name=file.name,
                content_type=file.content_type,
                size_bytes=file.size_bytes,
                sha256=file.sha256,
                url=store.url(keys.file(manifest.id, file.place)) if store else "",
            )
            for file in manifest.files
        ],
        location=store.location(keys.folder(manifest.id)) if store else "",
        revision=manifest.revision,
        image=encode(manifest.image, composer_pb2.ImageSettings),
        audio=encode(manifest.audio, composer_pb2.AudioSettings),
        language=encode(manifest.language, composer_pb2.LanguageSettings),
        alt_text=manifest.alt_text,
        card_error=_error_message(manifest.card_error),
    )
    message.create_time.CopyFrom(_timestamp(manifest.created_at.timestamp()))
    message.update_time.CopyFrom(_timestamp(manifest.updated_at.timestamp()))
    return message


def event_message(event: Event, store: ThreadedStore) -> composer_pb2.WatchPostcardResponse:
    """One event of a watch."""
    value = event.value
    if isinstance(value, Manifest):
        return composer_pb2.WatchPostcardResponse(sequence=event.sequence, postcard=postcard_message(value, store))
    if isinstance(value.report, Progress):
        kind = composer_pb2.PartKind.Value(f"PART_KIND_{value.kind.name}")
        progress = composer_pb2.PartProgress(kind=kind, progress=encode(value.report, media_pb2.Progress))
        return composer_pb2.WatchPostcardResponse(sequence=event.sequence, progress=progress)
    preview = encode(value.report, media_pb2.Preview)
    return composer_pb2.WatchPostcardResponse(sequence=event.sequence, preview=preview)


def _part_message(part: Part, safety: SafetyVerdict | None) -> composer_pb2.Part:
    message = composer_pb2.Part(
        kind=composer_pb2.PartKind.Value(f"PART_KIND_{part.kind.name}"),
        state=composer_pb2.PartState.Value(f"PART_STATE_{part.state.name}"),
        error=_error_message(part.error),
        provenance=None if part.provenance is None else encode(part.provenance, media_pb2.Provenance),
        attempts=part.attempts,
        safety=image_pb2.SafetyVerdict.Value(f"SAFETY_VERDICT_{'UNSPECIFIED' if safety is None else safety.name}"),
    )
    if part.duration is not None:
        duration = Duration()
        duration.FromNanoseconds(round(part.duration * 1e9))
        message.duration.CopyFrom(duration)
    return message


def _error_message(error: PartError | None) -> composer_pb2.PartError | None:
    if error is None:
        return None
    return composer_pb2.PartError(code=error.code, reason=error.reason, message=error.message)


def _timestamp(seconds: float) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(round(seconds * 1000))
    return moment
