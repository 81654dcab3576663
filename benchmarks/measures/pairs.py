"""A sheet that shows samples beside the training photographs that they are nearest to, to be judged by eye.

It holds photographs of the training set: look at it, and do not publish it.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from measures.nearest import Nearest
from measures.pictures import Pixels

_TILE = 128
_MARGIN = 8
_COLUMNS = 6


def pairs_sheet(pictures: Sequence[Pixels], photographs: Sequence[Pixels], found: Nearest, count: int = 24) -> Pixels:
    """The `count` closest pairs, the closest first: each a sample (left) and its photograph (right)."""
    order = np.argsort(found.distances)[:count]
    pairs = [np.hstack([_tile(pictures[row]), _tile(photographs[found.indices[row]])]) for row in order]
    pairs += [np.full_like(pairs[0], 255)] * (-len(pairs) % _COLUMNS)
    framed = [cv2.copyMakeBorder(pair, *[_MARGIN] * 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for pair in pairs]
    lines = [np.hstack(framed[first : first + _COLUMNS]) for first in range(0, len(framed), _COLUMNS)]
    return np.vstack(lines).astype(np.uint8)


def _tile(picture: Pixels) -> Pixels:
    method = cv2.INTER_NEAREST if picture.shape[0] < _TILE else cv2.INTER_AREA
    return cv2.resize(picture, (_TILE, _TILE), interpolation=method).astype(np.uint8)
