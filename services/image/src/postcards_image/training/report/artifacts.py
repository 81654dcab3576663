"""The files of a run's folder: sheets, filmstrip and curve while it learns; the model and its card at the end."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.training.loop.events import Averaged, Began, Ended
from postcards_image.training.network.export import ONNX_FILE, write_folder
from postcards_image.training.report import curve, sheets
from postcards_image.training.report.model_card import Data, Run, model_card
from postcards_image.training.report.samples import Subject, draw, subjects

SHEETS = "sheets"
"""Folder of the sample sheets."""
SAMPLES = "samples.png"
"""The newest sample sheet."""
LEARNING = "learning.png"
"""The same samples from sheet to sheet."""
LOSS = "loss.png"
"""Picture of the loss."""
CARD = "README.md"
"""The model card."""

_LIBRARIES = ("torch", "diffusers", "accelerate")
_LAST_STEPS = 100


@dataclass(frozen=True)
class Model:
    """A finished model on the disk."""

    folder: Path
    """Its folder, which the engine and diffusers load."""
    onnx: Path
    """Its ONNX file."""
    loss: float
    """Mean loss of the last steps."""


class RunFolder:
    """Writes what people look at. Every file appears whole or not at all."""

    def __init__(self, folder: Path, began: Began, data: Data, preset: str) -> None:
        """Prepares to write into `folder`, which is made when it is missing."""
        self._folder: Final = folder
        self._began: Final = began
        self._data: Final = data
        self._preset: Final = preset
        self._subjects: Final[tuple[Subject, ...]] = subjects(began.description)
        self._resumed_at: Final = (float(began.position.samples),) if began.position.samples else ()

    @property
    def description(self) -> ModelDescription:
        """What comes out of the run."""
        return self._began.description

    def show(self, look: Averaged) -> Path:
        """Draws a sample sheet, and the filmstrip and the curve with it.

        Returns:
            The path of the sheet.

        Raises:
            OSError: a file could not be written.
        """
        samples = draw(look.network, self.description, self._subjects)
        labels = tuple(subject.name for subject in self._subjects)
        sheet = sheets.Sheet(
            title=self.description.name,
            resolution=self.description.resolution,
            columns=sheets.columns_for(labels),
            labels=labels,
            images_seen=look.position.samples,
            seconds=look.position.seconds,
        )
        page = sheets.compose(sheet, samples)
        path = self._folder / SHEETS / f"{look.position.samples:012d}.png"
        sheets.save(page, sheet, path)
        sheets.save(page, sheet, self._folder / SAMPLES)
        strip = sheets.filmstrip(self._folder / SHEETS)
        if strip is not None:
            sheets.save_picture(strip, self._folder / LEARNING)
        self._draw_curve(look, finished=False)
        return path

    def finish(self, ended: Ended) -> Model:
        """Writes the model, its card and the last pictures.

        Raises:
            OSError: a file could not be written.
        """
        self.show(ended.averaged)
        self._draw_curve(ended.averaged, finished=ended.finished)
        write_folder(ended.averaged.network.cpu(), self.description, self._folder)
        losses = ended.averaged.history.losses[-_LAST_STEPS:]
        loss = float(np.mean(losses)) if len(losses) else float("nan")
        run = Run(
            name=self.description.name,
            preset=self._preset,
            recipe=self._began.recipe,
            parameters=self._began.parameters,
            device=self._began.device,
            precision=self._began.precision,
            processes=self._began.processes,
            images_seen=ended.averaged.position.samples,
            seconds=ended.averaged.position.seconds,
            loss=loss,
            finished=ended.finished,
            libraries={name: version(name) for name in _LIBRARIES},
        )
        card = model_card(run, replace(self._data, classes=self.description.classes or self._data.classes))
        unfinished = self._folder / f"{CARD}.part"
        unfinished.write_text(card, encoding="utf-8")
        unfinished.replace(self._folder / CARD)
        return Model(self._folder, self._folder / ONNX_FILE, loss)

    def _draw_curve(self, look: Averaged, *, finished: bool) -> None:
        history, position = look.history, look.position
        each = position.samples / max(1, position.step)
        picture = curve.draw(
            curve.Curve(
                title=self.description.name,
                images_seen=history.steps.astype(np.float64) * each,
                losses=history.losses.astype(np.float64),
                resumed_at=self._resumed_at,
                finished=finished,
            )
        )
        sheets.save_picture(picture, self._folder / LOSS)
