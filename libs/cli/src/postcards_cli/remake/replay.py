"""Makes the parts of a postcard again: a composer says what to ask, the part services make."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from postcards.composer.v1 import composer_pb2
from postcards.media.v1 import media_pb2

from postcards_cli.json_views import part_name
from postcards_client.errors import InvalidRequest, PostcardsError
from postcards_client.events import Advanced, Changed, Event, Previewed
from postcards_client.parts.making import MadePart, PartRequest, Whose, make_part

PARTS = ("image", "language", "audio")
"""The parts, in the order in which people read of them."""

MAX_MANIFEST_BYTES = 1024 * 1024
"""No composer reads a longer manifest."""

_KINDS = {
    "image": composer_pb2.PART_KIND_IMAGE,
    "language": composer_pb2.PART_KIND_LANGUAGE,
    "audio": composer_pb2.PART_KIND_AUDIO,
}
_ID = re.compile("[a-z2-7]{26}")
_ENGINE = re.compile("[a-z0-9-]{1,64}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_COMMIT = re.compile("[0-9a-f]{40}")
_API_MODEL = re.compile(r"[A-Za-z0-9][\w./:@-]{0,511}")
_OF_AN_API = frozenset({"openai"})
"""Engines whose model is one that an API names, not one on this machine."""
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high"})


@dataclass(frozen=True)
class Source:
    """Where a postcard's manifest is: in a file, or with a composer."""

    path: Path | None
    """The manifest.json; None when the composer is asked."""
    postcard_id: str
    """Id of the postcard; empty when a file says it."""
    data: bytes
    """The bytes of the manifest; empty when the composer is asked."""


@dataclass(frozen=True)
class Maker:
    """Who made a part."""

    engine: str
    """Name of the engine."""
    model: str
    """Hub id or name of its model; empty for engines that compute."""
    revision: str = ""
    """Commit on the hub, or hash over the files of a folder."""
    lora: str = ""
    """LoRA weights from the hub that were mixed in, as the setting names them."""
    reasoning_effort: str = ""
    """How much the model of an API was told to reason, as the setting names it."""

    def settings(self, part: str) -> dict[str, str]:
        """The settings of the service of `part` that make it work with the same engine and, if it can, model.

        A model on the hub is named with its commit. Where a folder lay only who made the part knows. The address of
        an API is never taken from a manifest: whoever wrote it would choose where a key is sent.
        """
        prefix = f"POSTCARDS_{part.upper()}"
        settings = {f"{prefix}_ENGINE": self.engine}
        if self.engine in _OF_AN_API and _API_MODEL.fullmatch(self.model):
            settings[f"{prefix}_MODEL"] = self.model
        elif _HUB_ID.fullmatch(self.model) and _COMMIT.fullmatch(self.revision):
            settings |= {f"{prefix}_MODEL": self.model, f"{prefix}_REVISION": self.revision}
        more = {f"{prefix}_LORA": self.lora, f"{prefix}_REASONING_EFFORT": self.reasoning_effort}
        return settings | {name: value for name, value in more.items() if value}


class NoManifest(PostcardsError):  # noqa: N818 - a word of the domain, as its siblings
    """What was named is no manifest, no folder of a postcard and no id."""


def find_source(text: str) -> Source:
    """The manifest that `text` names: the path of a manifest.json, the folder of a postcard, or a postcard's id.

    Raises:
        NoManifest: it is none of these.
        OSError: the file cannot be read.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        path = path / "manifest.json"
        if not path.is_file():
            raise NoManifest(f"there is no manifest.json in {path.parent}", code="NOT_FOUND", reason="NO_MANIFEST")
    if path.is_file():
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise NoManifest(f"{path} is no manifest: it is too long", code="INVALID_ARGUMENT", reason="NO_MANIFEST")
        return Source(path, "", path.read_bytes())
    if _ID.fullmatch(text):
        return Source(None, text, b"")
    message = f"no manifest {text}: name a manifest.json, the folder of a postcard, or the id of one"
    raise NoManifest(message, code="NOT_FOUND", reason="NO_MANIFEST")


def requests_of(plan: composer_pb2.PlanReplayResponse) -> dict[str, PartRequest]:
    """The requests of a plan by part; parts that were never made are absent."""
    requests: dict[str, PartRequest] = {}
    if plan.HasField("image"):
        requests["image"] = plan.image
    if plan.HasField("language"):
        requests["language"] = plan.language
    if plan.HasField("audio"):
        requests["audio"] = plan.audio
    return requests


class Follower:
    """Takes what happens while parts are made again, as the events of a postcard in the making."""

    def __init__(self, postcard: composer_pb2.Postcard, parts: Sequence[str], tell: Callable[[Event], None]) -> None:
        """Follows `parts` of a copy of `postcard`; `tell` gets the events."""
        self.postcard = composer_pb2.Postcard()
        self.postcard.CopyFrom(postcard)
        del self.postcard.parts[:]
        for part in parts:
            self.postcard.parts.add(kind=_KINDS[part], state=composer_pb2.PART_STATE_PENDING)
        self._tell = tell

    def heard(self, part: str, report: media_pb2.Progress | media_pb2.Preview) -> None:
        """Tells of the progress or the preview of `part` as an event of the postcard."""
        if isinstance(report, media_pb2.Progress):
            self._tell(Advanced(0, _KINDS[part], report))
        else:
            self._tell(Previewed(0, report))

    def ended(self, part: str, failure: PostcardsError | None) -> None:
        """A part is made, or cannot be."""
        for message in self.postcard.parts:
            if message.kind == _KINDS[part]:
                message.state = composer_pb2.PART_STATE_FAILED if failure else composer_pb2.PART_STATE_DONE
                if failure is not None:
                    message.error.message = failure.message
        self._tell(Changed(0, self.postcard))


async def make_again(
    plan: composer_pb2.PlanReplayResponse,
    parts: Sequence[str],
    addresses: Mapping[str, str],
    follower: Follower,
    *,
    timeout: float,
) -> dict[str, MadePart | PostcardsError]:
    """Makes `parts` again, all at once: each as it was made, or why it could not be made in `timeout` seconds."""
    whose = Whose(plan.postcard.id, plan.postcard.species.name)
    requests = requests_of(plan)

    async def one(part: str) -> MadePart | PostcardsError:
        outcome: MadePart | PostcardsError
        try:
            outcome = await make_part(
                requests[part],
                whose,
                addresses[part],
                listen=lambda report: follower.heard(part, report),
                timeout=timeout,
            )
        except PostcardsError as failure:
            outcome = _explained(failure, part, requests[part].engine, addresses[part])
        follower.ended(part, outcome if isinstance(outcome, PostcardsError) else None)
        return outcome

    outcomes = await asyncio.gather(*(one(part) for part in parts))
    return dict(zip(parts, outcomes, strict=True))


def _explained(failure: PostcardsError, part: str, engine: str, address: str) -> PostcardsError:
    """A failure to make a part, in words that help who wants it made again."""
    if not isinstance(failure, InvalidRequest) or not any(v.field == "engine" for v in failure.violations):
        return failure
    message = (
        f"{engine} made it, and the {part} service at {address} runs another engine: "
        f"start it with POSTCARDS_{part.upper()}_ENGINE={engine}"
    )
    return InvalidRequest(message, code=failure.code, reason="OTHER_ENGINE", violations=failure.violations)


def makers_of(postcard: composer_pb2.Postcard, parts: Sequence[str]) -> dict[str, Maker]:
    """Who made each of `parts`, as a manifest says; parts whose maker has no name of an engine are absent."""
    makers = {part_name(part.kind): _maker(part.provenance) for part in postcard.parts}
    return {part: makers[part] for part in parts if part in makers and _ENGINE.fullmatch(makers[part].engine)}


def settings_of(makers: Mapping[str, Maker], surroundings: Mapping[str, str]) -> dict[str, str]:
    """The settings of services that work as `makers` did, where `surroundings` do not decide otherwise.

    Who names another engine or model there means that one, with its own revision.
    """
    settings: dict[str, str] = {}
    for part, maker in makers.items():
        wanted = maker.settings(part)
        engine, model = f"POSTCARDS_{part.upper()}_ENGINE", f"POSTCARDS_{part.upper()}_MODEL"
        other = surroundings.get(engine, maker.engine) not in ("", maker.engine)
        if other or surroundings.get(model) or surroundings.get(f"{model}_FILE"):
            wanted = {engine: maker.engine}
        settings |= wanted
    return settings


def _maker(provenance: media_pb2.Provenance) -> Maker:
    return Maker(
        engine=provenance.engine,
        model=provenance.model,
        revision=provenance.model_revision,
        lora=_lora_of(provenance.settings),
        reasoning_effort=_effort_of(provenance.settings) if provenance.engine in _OF_AN_API else "",
    )


def _effort_of(settings: Mapping[str, str]) -> str:
    """How much a model was told to reason; empty where it was told nothing, or nothing that the setting knows."""
    effort = _read(settings, "reasoning_effort")
    return effort if isinstance(effort, str) and effort in _EFFORTS else ""


def _lora_of(settings: Mapping[str, str]) -> str:
    """The setting of LoRA weights from the hub; empty where there were none, or they came from a folder."""
    lora = _read(settings, "lora")
    if not isinstance(lora, dict):
        return ""
    told = cast("dict[str, object]", lora)
    model = "/".join(str(told.get("name", "")).split("/")[:2])
    revision, weight = str(told.get("revision", "")), told.get("weight", 1.0)
    if not (_HUB_ID.fullmatch(model) and _COMMIT.fullmatch(revision) and isinstance(weight, int | float)):
        return ""
    return f"{model}@{revision}:{weight:f}"


def _read(settings: Mapping[str, str], name: str) -> object:
    """A recorded setting; None where it is absent or cannot be read."""
    try:
        return json.loads(settings.get(name, "null"))
    except (ValueError, RecursionError):
        return None
