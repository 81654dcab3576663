"""Counts what a step asks of a device besides arithmetic: copies and waits. Without a GPU, on torch's empty device."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICE = "meta"
"""It has no numbers, and so can be asked for none: all that happens on it is what a step asks for."""


class Watch(TorchDispatchMode):
    """Counts what goes from the processor to the device, and what is asked back."""

    def __init__(self):
        super().__init__()
        self.told: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, given = func.__name__.partition(".")[0], tree_leaves((args, kwargs))
        tensors = [value for value in given if isinstance(value, torch.Tensor)]
        if name in {"is_nonzero", "_local_scalar_dense"}:
            self.told.append("answer")
            return True
        made = func(*args, **(kwargs or {}))
        outside = any(value.device.type == "cpu" and value.ndim for value in tensors)
        # Places from lists are sent before anybody can see it.
        outside = outside or name in {"index", "index_put_"}
        if outside and any(value.device.type == DEVICE for value in (*tensors, *tree_leaves(made))):
            self.told.append("copy")
        return made
