"""A trained network behind one small interface: noisy pictures and their noise levels in, clean pictures out."""

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from postcards_image.engines.ddpm.description import ModelDescription
from postcards_image.engines.ddpm.noise_schedule import NoiseSchedule, denoised, network_input
from postcards_serving.models.provenance import LoadedModel

Array = npt.NDArray[np.float32]


class Network(Protocol):
    """A network that runs somewhere. `predict` is called by one thread at a time."""

    @property
    def description(self) -> ModelDescription:
        """What must be known about the model."""
        ...

    def predict(self, sample: Array, timestep: Array, class_weights: Array | None) -> Array:
        """The network's answer, of the shape of `sample`.

        Args:
            sample: what it is shown, [rows, 3, resolution, resolution].
            timestep: continuous timesteps, [rows].
            class_weights: shares of the rows of the class table, [rows, labels]; None without a class table.
        """
        ...

    def close(self) -> None:
        """Lets go of the weights."""
        ...


class LoadedNetwork(Network, LoadedModel, Protocol):
    """A network that was loaded from files, and can be named so that it is loaded again.

    Its `name` is its id on the hub, its folder's name, or, of a lone ONNX file, what the file calls itself.
    """


class Denoiser:
    """Turns any network into the same function of noisy picture, noise level and classes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._kind: Final = network.description.prediction_type
        self.schedule: Final = NoiseSchedule(network.description)
        """Its noise levels."""
        self.resolution: Final = network.description.resolution
        """Side of its pictures in pixels."""
        self.limit: Final = float(network.description.data_scale)
        """Greatest absolute value of a clean picture in model units."""

    def __call__(self, noisy: Array, sigma: Array, class_weights: Array | None) -> Array:
        """The clean pictures that the network sees, not clipped.

        Args:
            noisy: [rows, 3, resolution, resolution], model units.
            sigma: noise levels, [rows].
            class_weights: [rows, labels], or None without a class table.
        """
        prediction = self._network.predict(network_input(noisy, sigma), self.schedule.timestep_of(sigma), class_weights)
        return denoised(prediction, noisy, sigma, self._kind)
