"""One run of `postcards-train`: reads the pictures, trains, tells how it goes and how it ended."""

import json
import math
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from postcards_image.training.choices import (
    Ask,
    StoppedAtOnce,
    UsageError,
    check_data,
    choose_checkpoint,
    choose_recipe,
    choose_weights,
    nearest_preset,
)
from postcards_image.training.data.credit import Credit, keep, kept
from postcards_image.training.data.memory import in_words
from postcards_image.training.report.progress import Progress

if TYPE_CHECKING:
    from postcards_image.training.data.entries import Source
    from postcards_image.training.data.loading import Loaded
    from postcards_image.training.loop.events import Ended
    from postcards_image.training.report.artifacts import Model
    from postcards_image.training.report.model_card import Data

_NAME = re.compile(r"[^\w.-]+")
_SIGNAL_EXIT = 128
_LISTED = 10


def run(ask: Ask, as_json: bool) -> int:
    """Trains as asked; the exit code.

    Raises:
        UsageError: it cannot.
        ModuleNotFoundError: a library that training needs is not installed.
        StoppedAtOnce: a second signal came.
    """
    progress, stop = Progress(), _Stop()
    try:
        ended, model = _train(ask, progress, stop)
    except OSError as fault:
        raise UsageError(f"{fault.filename or ask.out}: {fault.strerror or fault}") from None
    except KeyboardInterrupt:
        raise StoppedAtOnce from None
    if model is not None:
        _tell_end(ask, progress, ended, model, as_json)
    return 0 if ended.finished else _SIGNAL_EXIT + (stop.signal or signal.SIGINT)


def _train(ask: Ask, progress: Progress, stop: "_Stop") -> "tuple[Ended, Model | None]":
    """Only the first of several processes tells and writes; the others have no model to name.

    A signal ends the reading of the pictures at once, and the training after a step.
    """
    from postcards_image.training import reporting
    from postcards_image.training.data.entries import DataError
    from postcards_image.training.data.loading import load
    from postcards_image.training.data.photos import side_for
    from postcards_image.training.data.sources import open_source
    from postcards_image.training.loop import trainer
    from postcards_image.training.report.artifacts import RunFolder

    first = os.environ.get("RANK", "0") == "0"
    checkpoint = choose_checkpoint(ask)
    recipe = choose_recipe(ask) if checkpoint is None else checkpoint.recipe
    side = side_for(recipe.resolution)
    try:
        with open_source(ask.data) as source:
            if first:
                progress.say(_count_text(source, side))
            loaded = load(source, side, told=progress.reading if first else None)
    except DataError as fault:
        raise UsageError(str(fault)) from None
    photos, held_out = loaded.photos.split(recipe.held_out, recipe.seed)
    check_data(ask, checkpoint, photos)
    credit = Credit(ask.licence, ask.attribution)
    if ask.resume:
        credit = kept(ask.out, credit)
    data = _data(credit, source, loaded, len(photos), len(held_out))
    intervals = trainer.Intervals(*ask.intervals)
    weights = choose_weights(ask, recipe, photos.classes)
    # A run that could not write must not learn for hours first.
    ask.out.mkdir(parents=True, exist_ok=True)
    if first:
        if credit != Credit():
            keep(ask.out, credit)
        _tell_data(progress, loaded, data)
    # The pictures are copied: those that were read would only take memory.
    del loaded, held_out
    preset = ask.preset if checkpoint is None else nearest_preset(recipe)
    intervals = trainer.Intervals(*ask.intervals)
    with _signals(stop):
        events = trainer.train(
            photos,
            recipe,
            ask.out,
            name=_name(ask.out),
            start=checkpoint,
            weights=weights,
            stop=stop.event,
            intervals=intervals,
        )
        try:
            if not first:
                return reporting.wait(events), None
            return reporting.follow(events, lambda began: RunFolder(ask.out, began, data, preset), progress, intervals)
        except trainer.TrainingDivergedError as fault:
            raise UsageError(f"{fault}; the last checkpoint is good") from None
        except ValueError as fault:
            raise UsageError(f"--start-from: {fault}" if weights is not None else str(fault)) from None


def _name(out: Path) -> str:
    return _NAME.sub("-", out.resolve().name).strip("-") or "model"


def _count_text(source: "Source", side: int) -> str:
    from postcards_image.training.data.loading import memory_for

    classes = f" in {len(source.classes)} classes" if source.classes else ", no classes"
    ignored = f"; {source.ignored:,} other files are passed over" if source.ignored else ""
    memory = in_words(memory_for(len(source.entries), side))
    return f"  {source.name}: {len(source.entries):,} pictures{classes}, {memory} of memory{ignored}"


def _tell_data(progress: Progress, loaded: "Loaded", data: "Data") -> None:
    for skipped in loaded.skipped[:_LISTED]:
        progress.say(f"  skipped {skipped.name}: {skipped.reason}")
    if len(loaded.skipped) > _LISTED:
        progress.say(f"  skipped {len(loaded.skipped) - _LISTED:,} more that could not be read")
    copies = f"; {loaded.duplicates:,} copies left out" if loaded.duplicates else ""
    progress.say(f"  learning from {data.used:,}, {data.held_out:,} held out{copies}")


def _data(credit: Credit, source: "Source", loaded: "Loaded", used: int, held_out: int) -> "Data":
    from postcards_image.training.report.model_card import Data

    return Data(
        name=source.name,
        hub_id=source.hub_id,
        licence=credit.licence,
        attribution=credit.attribution,
        classes=source.classes,
        used=used,
        held_out=held_out,
        skipped=len(loaded.skipped),
        duplicates=loaded.duplicates,
    )


def _tell_end(ask: Ask, progress: Progress, ended: "Ended", model: "Model", as_json: bool) -> None:
    from postcards_image.training.report.artifacts import SAMPLES

    go_on = f"postcards-train --data {shlex.quote(ask.data)} --out {shlex.quote(str(ask.out))} --resume"
    onnx = shlex.quote(str(model.onnx.resolve()))
    if ended.finished:
        progress.say(f"  done. A longer run goes on from here: {go_on} --minutes ...")
    else:
        progress.say(f"  stopped; everything is saved. Go on with: {go_on}")
    progress.say(f"  samples:  {ask.out / SAMPLES}")
    progress.say(f"  model:    {model.folder}")
    progress.say(f"  postcard: POSTCARDS_IMAGE_ENGINE=ddpm POSTCARDS_IMAGE_MODEL={onnx} make postcard")
    if as_json:
        position = ended.averaged.position
        print(
            json.dumps(
                {
                    "model": str(model.folder),
                    "onnx": str(model.onnx),
                    "samples": str(ask.out / SAMPLES),
                    "finished": ended.finished,
                    "images_seen": position.samples,
                    "steps": position.step,
                    "seconds": round(position.seconds, 3),
                    "loss": None if math.isnan(model.loss) else round(model.loss, 6),
                }
            )
        )


class _Stop:
    """Set by the first signal; the second one ends the process at once."""

    def __init__(self) -> None:
        self.event: Final = threading.Event()
        self.signal: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        self.signal = number
        self.event.set()
        # Not print: the signal may have come amid a line of the progress, and streams cannot be entered twice.
        with suppress(OSError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"\n  stopping after this step ...\n")


@contextmanager
def _signals(stop: _Stop) -> Generator[None]:
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
