"""The training loop, as a stream of events.

Everything random in a step (which photographs, how they are seen, noise, dropout) is a function of the seed, the step
and the process, so a run that was killed and resumed goes through the same steps as one that was not.
"""

import hashlib
import math
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from postcards_image.engines.ddpm.unet.bands import measure_bands
from postcards_image.engines.ddpm.unet.network import Network
from postcards_image.training.data.augmentation import View, show
from postcards_image.training.data.batches import Batch, Batches
from postcards_image.training.data.photos import Photos
from postcards_image.training.loop import checkpoints
from postcards_image.training.loop.checkpoints import Checkpoint, Position
from postcards_image.training.loop.events import Averaged, Began, Ended, Event, History, NotSaved, Saved, Stepped
from postcards_image.training.network.averaging import AveragedWeights
from postcards_image.training.network.building import EDM_SCALE, bf16_is_fast, build, describe, parameter_count
from postcards_image.training.network.objective import Loss
from postcards_image.training.recipe import Recipe

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints within that of the run."""

_MAX_GRADIENT = 1.0
_MEASURED = 1000
"""Photographs whose bands are measured; more change nothing."""


class TrainingDivergedError(Exception):
    """The loss is no longer a number."""


class ResumeError(Exception):
    """There is no checkpoint, or it belongs to another run."""


@dataclass(frozen=True)
class Intervals:
    """How often something is done, in seconds of training."""

    checkpoint: float = 120.0
    """Between checkpoints."""
    samples: float = 180.0
    """Between looks at what the averaged weights draw."""


def train(
    photos: Photos,
    recipe: Recipe,
    folder: Path,
    *,
    name: str,
    start: Checkpoint | None = None,
    weights: Mapping[str, Tensor] | None = None,
    stop: threading.Event | None = None,
    intervals: Intervals = Intervals(),
) -> Iterator[Event]:
    """Trains a model.

    Args:
        photos: what to learn from, without those held out.
        recipe: how; `epochs` or `minutes` say when to end.
        folder: where checkpoints are written.
        name: name of the model.
        start: checkpoint to go on from (see `resumable`).
        weights: weights of another model of the same shape to start from, where there is no checkpoint.
        stop: ends the run after the present step when it is set.
        intervals: how often checkpoints are written and samples drawn.

    Raises:
        TrainingDivergedError: the loss is no longer a number; the last checkpoint is good.
        ValueError: `weights` do not fit the recipe.
    """
    run = _Run(photos, recipe, name, start, weights)
    stop = stop or threading.Event()
    yield run.began()
    saved_at = sampled_at = run.position.seconds
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as ahead:
        waiting = ahead.submit(run.batch, run.position.step)
        while not run.over(stop):
            batch, waiting = waiting.result(), ahead.submit(run.batch, run.position.step + 1)
            yield run.step(batch)
            if run.position.seconds - sampled_at >= intervals.samples:
                sampled_at = run.position.seconds
                yield run.averaged()
            if run.position.seconds - saved_at >= intervals.checkpoint:
                saved_at = run.position.seconds
                yield from run.save(folder)
    yield from run.save(folder)
    yield Ended(run.fraction >= 1, run.averaged())


def resumable(folder: Path, photos: Photos) -> Checkpoint:
    """The newest checkpoint of the run in a folder.

    Raises:
        ResumeError: there is none, or other photographs were given to it.
    """
    checkpoint = checkpoints.load_newest(folder / CHECKPOINTS)
    if checkpoint is None:
        raise ResumeError(f"{folder} holds no checkpoint")
    if checkpoint.data != fingerprint(photos):
        raise ResumeError(f"the run in {folder} was trained on other photographs")
    return checkpoint


def fingerprint(photos: Photos) -> str:
    """SHA-256 of which photographs there are, and their labels."""
    who = photos.digests or [hashlib.sha256(image.tobytes()).hexdigest() for image in photos.images]
    digest = hashlib.sha256("".join(who).encode())
    digest.update(photos.labels.astype(np.int64).tobytes())
    return digest.hexdigest()


class _Run:
    """The state of a run: network, averaged weights, optimiser and position."""

    def __init__(
        self,
        photos: Photos,
        recipe: Recipe,
        name: str,
        start: Checkpoint | None,
        weights: Mapping[str, Tensor] | None,
    ) -> None:
        self._recipe = recipe
        self._data = fingerprint(photos)
        self._photo_count = len(photos.images)
        self._classes = photos.classes
        self.description = describe(recipe, photos.classes, name, _band_deviations(photos, recipe))
        self._bf16 = bf16_is_fast() if recipe.precision == "auto" else recipe.precision == "bf16"
        self._accelerator = Accelerator(mixed_precision="bf16" if self._bf16 else "no")
        torch.manual_seed(recipe.seed)
        network = build(recipe, self.description)
        if weights is not None:
            _take_weights(network, weights)
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            betas=(0.9, 0.99),
            fused=True,
        )
        prepared = cast(tuple[nn.Module, torch.optim.AdamW], self._accelerator.prepare(network, optimizer))
        self._model, self._optimizer = prepared
        self._average = AveragedWeights(self._network, recipe.averaging)
        self.position = Position()
        self._steps: list[float] = []
        self._losses: list[float] = []
        if start is not None:
            self._restore(start)
        self._loss = Loss(recipe, self.description)
        self.fraction = self._fraction()
        self._batches = Batches(
            photos, recipe, self.description, self._accelerator.process_index, self._accelerator.num_processes
        )
        self.batch = self._batches.batch
        self._model.train()

    @property
    def _network(self) -> Network:
        return cast(Network, self._accelerator.unwrap_model(self._model))

    @property
    def history(self) -> History:
        return History(np.array(self._steps, np.float32), np.array(self._losses, np.float32))

    def began(self) -> Began:
        return Began(
            recipe=self._recipe,
            description=self.description,
            parameters=parameter_count(self._network),
            device=self._accelerator.device.type,
            precision="bf16" if self._bf16 else "fp32",
            processes=self._accelerator.num_processes,
            position=self.position,
            history=self.history,
        )

    def over(self, stop: threading.Event) -> bool:
        """Whether to end. The first process decides for all, because clocks and signals differ."""
        self.fraction = self._fraction()
        decision = torch.tensor([self.fraction, float(stop.is_set())], dtype=torch.float64)
        if self._accelerator.num_processes > 1:
            decision = cast(Tensor, broadcast(decision.to(self._accelerator.device, torch.float32))).cpu()
            self.fraction = float(decision[0])
        return bool(decision[0] >= 1 or decision[1])

    def step(self, batch: Batch) -> Stepped:
        begun = time.monotonic()
        device, process = self._accelerator.device, self._accelerator.process_index
        seed = _step_seed(self._recipe.seed, self.position.step, process)
        torch.manual_seed(seed)
        random = torch.Generator(device).manual_seed(seed)
        pictures, classes = batch.tensors(device)
        rate = self._learning_rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self._loss(self._model, pictures, classes, random)
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._model.parameters(), _MAX_GRADIENT)
        self._optimizer.step()
        self._optimizer.zero_grad()
        value = float(cast(Tensor, self._accelerator.reduce(loss.detach(), "mean")))
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"the loss is {value} at step {self.position.step + 1}; try a lower learning rate than {rate:.2g}"
            )
        step = self.position.step + 1
        self._average.update(self._network, step)
        self.position = Position(
            step,
            self.position.samples + len(batch.pictures) * self._accelerator.num_processes,
            self.position.seconds + time.monotonic() - begun,
        )
        self._steps.append(step)
        self._losses.append(value)
        self.fraction = self._fraction()
        return Stepped(self.position, value, rate, min(1.0, self.fraction))

    def averaged(self) -> Averaged:
        # A new network rather than a copy: the present one carries the arithmetic of training about with it.
        network = build(self._recipe, self.description)
        network.load_state_dict(self._average.tensors)
        return Averaged(self.position, network.eval(), self.history)

    def save(self, folder: Path) -> Iterator[Saved | NotSaved]:
        """Writes a checkpoint, in the first process only."""
        if not self._accelerator.is_main_process:
            return
        try:
            yield Saved(checkpoints.save(folder / CHECKPOINTS, self._checkpoint()), self.position)
        except OSError as fault:
            yield NotSaved(str(fault))

    def _checkpoint(self) -> Checkpoint:
        states = cast(dict[int, dict[str, Tensor]], self._optimizer.state_dict()["state"])
        tensors = {f"network.{name}": tensor for name, tensor in self._network.state_dict().items()}
        tensors |= {f"averaged.{name}": tensor for name, tensor in self._average.tensors.items()}
        tensors |= {
            f"optimizer.{index}.{name}": tensor for index, state in states.items() for name, tensor in state.items()
        }
        tensors |= {"history.steps": torch.tensor(self._steps), "history.losses": torch.tensor(self._losses)}
        cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        return Checkpoint(self._recipe, self._classes, self._data, self.position, cpu)

    def _restore(self, checkpoint: Checkpoint) -> None:
        _take_weights(self._network, checkpoint.part("network"))
        for name, tensor in checkpoint.part("averaged").items():
            self._average.tensors[name].copy_(tensor)
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in checkpoint.part("optimizer").items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = tensor
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        history = checkpoint.part("history")
        self._steps, self._losses = history["steps"].tolist(), history["losses"].tolist()
        self.position = checkpoint.position

    def _fraction(self) -> float:
        recipe, position = self._recipe, self.position
        by_time = 0.0 if recipe.minutes is None else position.seconds / (60 * recipe.minutes)
        by_count = 0.0 if recipe.epochs is None else position.samples / (recipe.epochs * self._photo_count)
        return max(by_time, by_count)

    def _learning_rate(self) -> float:
        recipe = self._recipe
        rise = min(1.0, (self.position.step + 1) / max(1, recipe.warm_up))
        left = (1 - self.fraction) / recipe.cool_down if recipe.cool_down else 1.0
        fall = 0.5 - 0.5 * math.cos(math.pi * min(1.0, max(0.0, left)))
        return recipe.learning_rate * rise * fall


def go_on(checkpoint: Checkpoint, *, epochs: float | None, minutes: float | None) -> Checkpoint:
    """A checkpoint that ends later than it was meant to, where a new end is given."""
    if epochs is None and minutes is None:
        return checkpoint
    return replace(checkpoint, recipe=replace(checkpoint.recipe, epochs=epochs, minutes=minutes))


def _band_deviations(photos: Photos, recipe: Recipe) -> tuple[float, ...]:
    chosen = np.random.default_rng(recipe.seed).permutation(len(photos.images))[:_MEASURED]
    plain = View(mirrored=False)
    pictures = np.stack([show(photos.images[photo], plain, recipe.resolution) for photo in chosen])
    return measure_bands(pictures * np.float32(EDM_SCALE), recipe.patch_size)


def _take_weights(network: Network, weights: Mapping[str, Tensor]) -> None:
    own = {name: tensor.shape for name, tensor in network.state_dict().items()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    if own != given:
        unlike = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        raise ValueError(f"the weights belong to a network of another shape: {', '.join(unlike[:3])}")
    network.load_state_dict(dict(weights))


def _step_seed(seed: int, step: int, process: int) -> int:
    return int(np.random.SeedSequence([seed, step, process]).generate_state(1, np.uint64)[0] >> np.uint64(1))
