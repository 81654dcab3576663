"""The network that pictures are compared by, and how pictures are brought to it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-measure")

from measures.distances import kernel_distance  # noqa: E402
from measures.features import describe  # noqa: E402
from measures.mobilenet import MobileNetV2, WeightsMissing, installed_weights, load_network  # noqa: E402
from measures.pictures import drawings, noise  # noqa: E402


def weights_are_here() -> bool:
    try:
        return installed_weights().is_file()
    except WeightsMissing:
        return False


needs_weights = pytest.mark.skipif(not weights_are_here(), reason="needs ImageNet's weights: make setup-measure")


@pytest.fixture(scope="module")
def untrained() -> MobileNetV2:
    torch.manual_seed(0)
    return MobileNetV2().eval()


def pictures(count: int, side: int = 12) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def test_the_network_is_of_the_published_size(untrained: MobileNetV2):
    assert sum(parameter.numel() for parameter in untrained.parameters()) == 3_504_872
    pooled, scores = untrained(torch.zeros(2, 3, 224, 224))
    assert (pooled.shape, scores.shape) == ((2, 1280), (2, 1000))


def test_a_picture_has_the_same_features_in_any_company(untrained: MobileNetV2):
    several = pictures(35)
    together = describe(untrained, several, size=64)
    alone = describe(untrained, several[33:34], size=64)
    assert together.features.shape == (35, 1280)
    assert together.features[33] == pytest.approx(alone.features[0], rel=1e-4, abs=1e-6)
    assert together.animal[33] == alone.animal[0]


def test_a_picture_has_features_at_every_size(untrained: MobileNetV2):
    """An even grey is the same picture at 5 and at 300 pixels."""
    grey = [np.full((side, side, 3), 90, np.uint8) for side in (5, 64, 300)]
    small, medium, large = describe(untrained, grey, size=64).features
    assert medium == pytest.approx(small)
    assert medium == pytest.approx(large)


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("measures.mobilenet._PACKAGE", "no-such-package-of-weights")
    with pytest.raises(WeightsMissing, match="make setup-measure"):
        load_network()


@needs_weights
def test_with_the_published_weights_a_drawing_is_no_noise():
    network, size = load_network(), 64
    drawn, nothing, more = (
        list(drawings(4)),
        noise(8, size, np.random.default_rng(0)),
        noise(8, size, np.random.default_rng(1)),
    )
    animals, noisy, noisy_too = (describe(network, set_of).features for set_of in (drawn, nothing, more))
    apart = kernel_distance(animals, noisy, np.random.default_rng(0)).value
    assert apart > 20 * abs(kernel_distance(noisy, noisy_too, np.random.default_rng(0)).value)
