"""A loaded model: prompts to conditions, sounds to latents and back, noisy latents to clean ones. All on one device."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from postcards_audio.engines.stable_audio.checkpoint.description import ModelDescription, Objective
from postcards_audio.engines.stable_audio.checkpoint.libraries import Libraries, Tensor
from postcards_audio.engines.stable_audio.checkpoint.pieces import MARGIN, Piece
from postcards_audio.engines.vocal_tract.signals import Samples
from postcards_serving.device.choice import Device, send
from postcards_serving.device.compiled import CompiledNetwork, filled
from postcards_serving.device.memory import give_back_cached

_SHAPE: Final = "whole"
"""Every row is as long as the model's sounds."""


@dataclass(frozen=True, eq=False)
class Condition:
    """What the network is told besides noise."""

    crossed: Tensor
    """[1, tokens, width] what it attends to: the prompt and the length."""
    overall: Tensor | None
    """[1, width] what counts for every frame: the length; None where the model has no such thing."""


@dataclass(frozen=True, eq=False)
class Guided:
    """What the network is told about a row, and how strongly it is insisted on."""

    wanted: Condition
    against: Condition | None = None
    """None without guidance."""
    scale: float = 1.0
    """1: no guidance."""


Noise = Callable[[float, float], Tensor]
"""Standard normal numbers [channels, frames] for the way between two noise levels; the same each time."""


class StableAudioModel:
    """One model. Not for several threads at once, but for what says so."""

    def __init__(
        self,
        network: Any,  # noqa: ANN401
        libraries: Libraries,
        description: ModelDescription,
        device: Device,
        *,
        name: str,
        revision: str,
        files: Mapping[str, str],
        compiled: bool = False,
    ) -> None:
        """Takes a `ConditionedDiffusionModelWrapper` of stable-audio-tools that is on its device.

        With `compiled` its transformer is compiled for the numbers of rows that are rehearsed.
        """
        self.network: Any = network
        self._transformer: CompiledNetwork | None = CompiledNetwork(
            network.model, compiled=compiled, name="the transformer"
        )
        self.description: Final = description
        self.device: Final = device
        self.name: Final = name
        self.revision: Final = revision
        self.files: Final = files
        self.libraries: Final = libraries.versions
        self._brownian: Any = libraries.brownian_noise
        self._falling_levels: Final = libraries.falling_levels
        self._torch: Any = libraries.torch
        self._silence: Tensor | None = None

    def condition(self, prompt: str, seconds: float) -> Condition:
        """What is told of a sound that `prompt` describes and that lasts `seconds`."""
        inputs = self._told(prompt, seconds)
        return Condition(inputs["cross_attn_cond"].float(), inputs["global_cond"])

    def reads_whole(self, prompt: str) -> bool:
        """Whether nothing of a prompt is cut. From any thread."""
        return bool(self.network.conditioner.conditioners["prompt"].reads_whole(prompt))

    def against(self, negative_prompt: str, seconds: float, wanted: Condition) -> Condition:
        """What guidance leads away from: a sound that `negative_prompt` describes; empty: any sound of that length."""
        if not negative_prompt:
            return Condition(self._torch.zeros_like(wanted.crossed), wanted.overall)
        inputs = self._told(negative_prompt, seconds)
        mask = inputs["cross_attn_mask"].bool().unsqueeze(-1)
        return Condition(inputs["cross_attn_cond"].float() * mask, wanted.overall)

    def starting_noise(self, seed: int) -> tuple[Tensor, int]:
        """[channels, frames] standard normal numbers of `seed`, and the seed of the noise that follows.

        Drawn as the library draws both after `torch.manual_seed(seed)` on a processor, so that its sounds and these are
        the same; on every device alike.
        """
        torch, model = self._torch, self.description
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn([1, model.latent_channels, model.frames], generator=generator)[0]
        following = torch.randint(0, 2**63 - 1, [], generator=generator)
        return noise.to(self.device.name), int(following)

    def falling_levels(self, steps: int, last: float, first: float) -> tuple[float, ...]:
        """Noise levels that fall by the same factor from `first` to `last`, then 0; to the bit those of the library."""
        return tuple(self._falling_levels(steps, last, first).tolist())

    def brownian_noise(self, seed: int, lowest: float, highest: float) -> Noise:
        """Noise from a Brownian motion between two noise levels: of one seed the same for any number of steps.

        A tree is searched for each step, of dozens of draws: nothing beside a step on a processor, much on a GPU.
        """
        shape = (self.description.latent_channels, self.description.frames)
        motion = self._brownian(self._torch.zeros(shape, device=self.device.name), lowest, highest, seed=seed)
        # It knows its ends to six digits, and complains of what lies beyond, as floats of 32 bits do.
        lowest, highest = round(lowest, 6), round(highest, 6)
        exact = partial(self._torch.tensor, dtype=self._torch.float64)
        return lambda now, then: motion(exact(min(now, highest)), exact(max(then, lowest)))

    def fresh_noise(self, seed: int) -> Noise:
        """Noise that is drawn anew for each level that is left: on the processor, and so the same on every device."""

        def draw(level: float, _: float) -> Tensor:
            place = int(np.float32(level).view(np.uint32))
            generator = self._torch.Generator().manual_seed((seed + place * 0x9E3779B97F4A7C15) % 2**64)
            shape = [self.description.latent_channels, self.description.frames]
            return send(self._torch.randn(shape, generator=generator), self.device.name)

        return draw

    @property
    def compiled(self) -> bool:
        """Whether the transformer runs compiled."""
        return self._transformer is not None and self._transformer.knows(_SHAPE)

    def rehearse(self, rows: int) -> None:
        """Compiles for up to `rows` rows, twice as many as sounds, if it is to be compiled.

        See `CompiledNetwork.rehearse`.
        """
        torch, model = self._torch, self.description
        told = self.condition("", 1.0)

        def ask(call: Any, size: int) -> None:  # noqa: ANN401
            with torch.inference_mode():
                zeros = partial(torch.zeros, device=self.device.name)
                noisy, time = zeros(size, model.latent_channels, model.frames), zeros(size)
                self._ask(call, noisy, time, [told] * size, size)

        if self._transformer is not None:
            self._transformer.rehearse(rows, _SHAPE, ask)

    def estimate(self, noisy: Tensor, levels: Sequence[float], guided: Sequence[Guided]) -> Tensor:
        """The clean latents that the network sees in noisy ones.

        Args:
            noisy: [rows, channels, frames].
            levels: noise level of each row.
            guided: what each row is told.
        """
        torch = self._torch
        with torch.inference_mode():
            # In one copy, before the network is asked.
            numbers = torch.tensor([*levels, *(told.scale for told in guided)], dtype=torch.float32)
            level, strength = send(numbers, self.device.name).chunk(2)
            if self.description.objective is not Objective.V:
                return noisy - level[:, None, None] * self._velocity(noisy, level, guided, strength)
            scale = (level**2 + 1).sqrt()[:, None, None]
            velocity = self._velocity(noisy / scale, level.atan() * (2 / math.pi), guided, strength)
            return noisy / scale**2 - velocity * level[:, None, None] / scale

    def stack(self, latents: Sequence[Tensor]) -> Tensor:
        """[rows, channels, frames] of as many [channels, frames]."""
        return self._torch.stack(list(latents))

    def join(self, latents: Sequence[Tensor]) -> Tensor:
        """[channels, frames] of some, one after the other."""
        return self._torch.cat(list(latents), dim=1)

    def all_finite(self, latents: Tensor) -> bool:
        """Whether every number is one. Waits for the device."""
        return bool(self._torch.isfinite(latents).all())

    def encode(self, samples: Samples, piece: Piece) -> Tensor:
        """[channels, frames] the likeliest latents of a piece of a sound [2, n], silent behind its end."""
        hop = self.description.samples_per_frame
        begin, end = piece.first * hop, piece.last * hop
        heard = np.zeros((2, end - begin), np.float32)
        within = samples[:, begin:end]
        heard[:, : within.shape[1]] = within
        latents = self._read(self._torch.from_numpy(heard).to(self.device.name))
        return latents[:, piece.start - piece.first : piece.stop - piece.first]

    def silence(self, begin: int) -> Tensor:
        """[channels, frames] the latents from frame `begin` on of a sound that has been silent for `MARGIN` frames."""
        count, hop = self.description.frames - begin, self.description.samples_per_frame
        silence = self._silence
        if silence is None:
            silence = self._silence = self._read(self._torch.zeros((2, 3 * MARGIN * hop), device=self.device.name))
        # Between its ends silence is the same in every frame.
        inner, end = silence[:, MARGIN : MARGIN + 1], silence[:, -MARGIN:]
        return self._torch.cat([inner.expand(-1, max(0, count - MARGIN)), end[:, max(0, MARGIN - count) :]], dim=1)

    def decode(self, latents: Tensor, piece: Piece) -> Samples:
        """[2, n] the sound of a piece of latents [channels, frames]."""
        with self._torch.inference_mode():
            sound = self.network.pretransform.decode(latents[None, :, piece.first : piece.last].float())[0]
        hop = self.description.samples_per_frame
        wanted = sound[:, (piece.start - piece.first) * hop : (piece.stop - piece.first) * hop]
        return wanted.float().cpu().numpy()

    def give_back_cached(self) -> None:
        """Lets go of memory that is kept for later. Slow."""
        give_back_cached(self.device)

    def close(self) -> None:
        """Lets go of the weights."""
        self.network = self._transformer = self._silence = None

    def _told(self, prompt: str, seconds: float) -> dict[str, Tensor]:
        # Models have seen whole seconds alone, rounded up.
        told = [{"prompt": prompt, "seconds_start": 0, "seconds_total": math.ceil(seconds)}]
        with self._torch.inference_mode():
            return self.network.get_conditioning_inputs(self.network.conditioner(told, self.device.name))

    def _velocity(self, noisy: Tensor, time: Tensor, guided: Sequence[Guided], strength: Tensor) -> Tensor:
        """What the network answers, guidance of [rows] strengths applied: guided rows are asked twice in one call."""
        torch, transformer = self._torch, self._transformer
        if transformer is None:
            raise RuntimeError("the model is closed")
        twice = {row: told.against for row, told in enumerate(guided) if told.against is not None}
        conditions = [*(told.wanted for told in guided), *twice.values()]
        call, size = transformer.fit(len(conditions), _SHAPE)
        answers = self._ask(
            call,
            torch.cat([noisy, *(noisy[row : row + 1] for row in twice)]),
            torch.cat([time, *(time[row : row + 1] for row in twice)]),
            conditions,
            size,
        )
        wanted, against = answers[: len(guided)], iter(answers[len(guided) :])
        if not twice:
            return wanted
        away = torch.stack([next(against) if row in twice else same for row, same in enumerate(wanted)])
        return away + (wanted - away) * strength[:, None, None]

    def _ask(
        self,
        call: Any,  # noqa: ANN401
        noisy: Tensor,
        time: Tensor,
        conditions: Sequence[Condition],
        size: int,
    ) -> Tensor:
        """What a network answers rows that are filled up to `size` for it."""
        torch = self._torch
        overall = [condition.overall for condition in conditions]
        answers = call(
            filled(noisy, size),
            filled(time, size),
            cross_attn_cond=filled(torch.cat([condition.crossed for condition in conditions]), size),
            global_cond=filled(torch.cat(overall), size) if overall and overall[0] is not None else None,
            cfg_scale=1.0,
        )
        return answers[: len(conditions)].float()

    def _read(self, sound: Tensor) -> Tensor:
        """[channels, frames] the means of the latents of a sound [2, n]."""
        pretransform = self.network.pretransform
        with self._torch.inference_mode():
            means, _ = pretransform.model.encode(sound[None], skip_bottleneck=True).chunk(2, dim=1)
            return (means / pretransform.scale)[0].float()
