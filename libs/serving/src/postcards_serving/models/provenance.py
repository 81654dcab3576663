"""What is told of a part that a model made, the same for every engine that has one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from postcards_serving.device.choice import Device
from postcards_serving.engine.work import Provenance, json_settings


class Maker(Protocol):
    """What made a part: an engine by name and version."""

    @property
    def name(self) -> str:
        """Its name in settings and requests."""
        ...

    @property
    def version(self) -> str:
        """Version of the engine that made it."""
        ...


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def name(self) -> str:
        """Id on the hub, or the folder's name."""
        ...

    @property
    def revision(self) -> str:
        """Commit on the hub, or the hash over its files."""
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """SHA-256 of the files that were loaded, by path."""
        ...

    @property
    def device(self) -> Device:
        """Where it is, and in which numbers."""
        ...

    @property
    def libraries(self) -> Mapping[str, str]:
        """Versions of what runs it, by package name."""
        ...


def provenance_of(
    engine: Maker,
    model: LoadedModel,
    settings: Mapping[str, object],
    *,
    libraries: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Provenance:
    """The provenance of a part.

    Args:
        engine: who made it.
        model: with what.
        settings: every setting that took part, defaults filled in; values that have a JSON form.
        libraries: more that matter for the result.
        notes: what was done otherwise than asked.
    """
    return Provenance(
        engine=engine.name,
        engine_version=engine.version,
        model=model.name,
        model_revision=model.revision,
        device=model.device.description,
        settings=json_settings(**settings, dtype=model.device.dtype),
        libraries={**model.libraries, **(libraries or {})},
        notes=tuple(notes),
        model_files=model.files,
    )
