"""A shortage of memory as PyTorch tells of it, for tests that run without PyTorch."""


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's: by this name it is known."""
