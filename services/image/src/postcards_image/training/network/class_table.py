"""Takes the class table of one model over into another that knows other classes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from postcards_image.engines.ddpm.description import ModelDescription

_TABLE = "unet.class_embedding.weight"


def fitted(weights: Mapping[str, Tensor], theirs: ModelDescription, ours: ModelDescription) -> Mapping[str, Tensor]:
    """The weights of a model with the rows of its class table where another one has them.

    A class that both know keeps its row, wherever it stood. A new one starts from the row of no class in particular,
    from which it learns away; so do rows that the other model had nothing for.

    Args:
        weights: by name, among them the table unless the model has no classes.
        theirs: what they belong to.
        ours: what they are for.
    """
    table = weights.get(_TABLE)
    if table is None or ours.any_class is None or (theirs.classes, theirs.labels) == (ours.classes, ours.labels):
        return weights
    anything = table[theirs.any_class] if theirs.any_class is not None else table.mean(0)
    known = {_plain(name): row for row, name in enumerate(theirs.classes)}
    rows = [table[known[_plain(name)]] if _plain(name) in known else anything for name in ours.classes]
    # After the classes: the row of none in particular, then those that tell what was done to a picture.
    others = table[(len(theirs.classes) if theirs.any_class is None else theirs.any_class + 1) :]
    missing = ours.labels - len(ours.classes) - 1 - len(others)
    rows += [anything, *others[: len(others) + min(0, missing)], *[anything] * max(0, missing)]
    return {**weights, _TABLE: torch.stack(rows)}


def _plain(name: str) -> str:
    """A name as it is compared: folders spell the same animal in many ways."""
    return name.casefold().replace("_", "-").replace(" ", "-")
