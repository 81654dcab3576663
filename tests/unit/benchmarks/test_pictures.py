"""The sets of pictures that are compared."""

import numpy as np
import pytest

from measures.nearest import nearest
from measures.pairs import pairs_sheet
from measures.pictures import Sampling, class_means, in_proportion, noise, reduced, samples
from postcards_image.engines.ddpm.denoiser import Array, Denoiser
from postcards_image.engines.ddpm.description import ModelDescription

CLASSES = ("ant", "bear", "crab")
GREYS = (40, 120, 220)


class FlatNetwork:
    """A network whose clean picture of class k is a flat grey of its own; of no class in particular, black."""

    def __init__(self, labels: bool) -> None:
        self.description = ModelDescription(
            "flat",
            resolution=4,
            prediction_type="sample",
            classes=CLASSES if labels else (),
            labels=5 if labels else 0,
            any_class=3 if labels else None,
        )

    def predict(self, sample: Array, timestep: Array, class_weights: Array | None) -> Array:
        del timestep
        if class_weights is None:
            return np.full_like(sample, 0.5)
        greys = np.array([*GREYS, 0, 0], np.float32) / 127.5 - 1
        return np.broadcast_to((class_weights @ greys)[:, None, None, None], sample.shape)

    def close(self) -> None:
        pass


def test_samples_are_of_the_classes_asked_for():
    network = FlatNetwork(labels=True)
    drawn = list(samples(Denoiser(network), network.description, ["crab", "ant", "bear"] * 3, Sampling(rows=4)))
    assert [picture.shape for picture in drawn] == [(4, 4, 3)] * 9
    assert [int(picture.mean()) for picture in drawn] == [220, 40, 120] * 3


def test_guidance_moves_away_from_no_class_in_particular():
    network = FlatNetwork(labels=True)
    (guided,) = samples(Denoiser(network), network.description, ["bear"], Sampling(guidance=1.5))
    assert guided.mean() == pytest.approx(1.5 * GREYS[1], abs=1)


def test_a_model_without_classes_ignores_them():
    network = FlatNetwork(labels=False)
    drawn = list(samples(Denoiser(network), network.description, ["ant", "bear"], Sampling()))
    assert [int(picture.mean()) for picture in drawn] == [191, 191]


def test_a_model_must_know_the_class():
    network = FlatNetwork(labels=True)
    with pytest.raises(ValueError, match="unicorn"):
        list(samples(Denoiser(network), network.description, ["unicorn"], Sampling()))


def test_labels_keep_their_proportions():
    labels = np.array([2] * 10 + [0] * 70 + [5] * 20)
    few = in_proportion(labels, 10)
    assert few.tolist() == [0] * 7 + [2] + [5] * 2
    assert np.array_equal(in_proportion(labels, 1000), np.sort(np.repeat(labels, 10)))


def test_the_mean_of_a_class_is_of_its_photographs():
    photographs = [np.full((2, 2, 3), grey, np.uint8) for grey in (10, 30, 200)]
    means = class_means(photographs, np.array([4, 4, 7]), [7, 4, 7])
    assert [int(mean.mean()) for mean in means] == [200, 20, 200]


def test_noise_is_noise():
    first, second = noise(2, 8, np.random.default_rng(0))
    assert first.shape == (8, 8, 3)
    assert not np.array_equal(first, second)


def test_reducing_averages():
    board = np.indices((8, 8)).sum(axis=0) % 2 * 200
    picture = np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)
    assert np.array_equal(reduced([picture], 4)[0], np.full((4, 4, 3), 100))


def test_the_sheet_shows_the_closest_pairs_first():
    pictures = [np.full((4, 4, 3), grey, np.uint8) for grey in (0, 100, 250)]
    photographs = [np.full((4, 4, 3), grey, np.uint8) for grey in (60, 104)]
    rows = [np.stack(pair).reshape(len(pair), -1).astype(float) for pair in (pictures, photographs)]
    sheet = pairs_sheet(pictures, photographs, nearest(rows[0], rows[1]), count=2)
    middle = sheet[sheet.shape[0] // 2]
    seen = [tuple(middle[column]) for column in range(0, sheet.shape[1], 4)]
    greys = list(dict.fromkeys(int(colour[0]) for colour in seen))
    assert greys == [255, 100, 104, 0, 60]
