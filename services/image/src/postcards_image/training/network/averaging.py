"""The average of the weights over the last part of the training.

A power-function average (Karras et al. 2024, arXiv:2312.02696): its width is a fixed share of the training so far, so
that a run of a minute and one of a day are both averaged sensibly.
"""

import torch
from torch import Tensor, nn


def exponent(width: float) -> float:
    """The power whose profile has a relative standard deviation of `width`, above 0 to 0.28 (there: sigma_rel)."""
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        spread = (middle + 1) ** 0.5 / ((middle + 2) * (middle + 3) ** 0.5)
        low, high = (middle, high) if spread > width else (low, middle)
    return low


class AveragedWeights:
    """The average of a network's weights, kept in float32 on its device."""

    def __init__(self, network: nn.Module, width: float) -> None:
        """Starts from the present weights. A width of 0 follows them exactly."""
        self._exponent = exponent(width) if width else None
        self.tensors: dict[str, Tensor] = {
            name: tensor.detach().float().clone() for name, tensor in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Takes in the weights after step `step`, 1 and up."""
        keep = 0.0 if self._exponent is None else (1 - 1 / step) ** (self._exponent + 1)
        for name, tensor in network.state_dict().items():
            self.tensors[name].lerp_(tensor.float(), 1 - keep)
