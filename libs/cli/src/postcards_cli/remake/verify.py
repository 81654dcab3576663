"""Says of a kept postcard whether its parts, made again, are what they were."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from postcards.composer.v1 import composer_pb2

from postcards_cli.json_views import part_name
from postcards_cli.remake.comparison import MAIN_FILES, CannotCompare, Comparison, Verdict, compare_part
from postcards_client.downloads import read_kept, safe_name
from postcards_client.errors import PostcardsError
from postcards_client.parts.making import MadePart

PART_FILES = {
    "image": ("image.png", "raw.png", "preview.webp"),
    "language": ("phrase.json",),
    "audio": ("call.flac", "call.mp3"),
}
"""The files that belong to a part; all others are the card's."""
WITHHELD = "the safety checker of the model withheld the picture: this is about the drawing in its place"
"""What is said of a picture that nobody was shown."""


@dataclass(frozen=True)
class KeptFiles:
    """The files of a postcard as they were found."""

    whole: Mapping[str, bytes]
    """Those that have the SHA-256 of the manifest."""
    damaged: tuple[str, ...]
    """Those that have another."""
    missing: tuple[str, ...]
    """Those that are not there."""

    def trouble(self, part: str) -> Comparison | None:
        """Why a part needs no making again: its files are not those of the manifest. None when they are."""
        damaged = tuple(name for name in self.damaged if name in PART_FILES[part])
        if damaged:
            return Comparison(Verdict.DAMAGED, files=damaged, reason="not the file that the manifest names")
        if MAIN_FILES[part] in self.missing:
            return Comparison(Verdict.MISSING, files=(MAIN_FILES[part],), reason="not beside the manifest")
        return None

    @property
    def damaged_card(self) -> tuple[str, ...]:
        """Damaged files that belong to no part."""
        own = {name for names in PART_FILES.values() for name in names}
        return tuple(name for name in self.damaged if name not in own)


async def read_files(postcard: composer_pb2.Postcard, folder: Path | None) -> KeptFiles:
    """Reads the files of a postcard, from `folder` or, without one, from their URLs.

    Raises:
        DownloadFailed: a URL cannot be read, or a name would leave the folder.
        OSError: a file is there and cannot be read.
    """
    whole: dict[str, bytes] = {}
    damaged: list[str] = []
    missing: list[str] = []
    for file in postcard.files:
        data = _read(folder / safe_name(file.name)) if folder is not None else await read_kept(file)
        if data is None:
            missing.append(file.name)
        elif hashlib.sha256(data).hexdigest() != file.sha256:
            damaged.append(file.name)
        else:
            whole[file.name] = data
    return KeptFiles(whole, tuple(damaged), tuple(missing))


def judge(
    plan: composer_pb2.PlanReplayResponse,
    kept: KeptFiles,
    parts: Sequence[str],
    again: Mapping[str, MadePart | PostcardsError],
) -> dict[str, Comparison]:
    """The verdict on each of `parts`; `again` holds those that were to be made again."""
    return {part: _judge(plan, kept, part, again.get(part)) for part in parts}


def _judge(
    plan: composer_pb2.PlanReplayResponse, kept: KeptFiles, part: str, again: MadePart | PostcardsError | None
) -> Comparison:
    if (trouble := kept.trouble(part)) is not None:
        return trouble
    if again is None:
        return Comparison(Verdict.NOT_MADE, reason="nobody made it")
    if isinstance(again, PostcardsError):
        return Comparison(Verdict.NOT_MADE, reason=again.message)
    then = next(message.provenance for message in plan.postcard.parts if part_name(message.kind) == part)
    try:
        comparison = compare_part(part, kept.whole, again.files, then, again.provenance)
    except CannotCompare as failure:
        comparison = Comparison(Verdict.NOT_COMPARED, reason=failure.message)
    reasons = [reason for reason in (comparison.reason, WITHHELD if again.withheld else "") if reason]
    return replace(comparison, reason="; ".join(reasons))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
