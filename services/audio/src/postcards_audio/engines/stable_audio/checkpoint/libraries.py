"""Brings in stable-audio-tools without what it asks for and never uses here.

`import k_diffusion` runs the whole package, and with it CLIP, clean-fid, scikit-image and torchvision, which only its
training and evaluation use. stable-audio-tools uses `k_diffusion.external` and `k_diffusion.sampling`, and those use
one function of `k_diffusion.utils`. So the package is entered into `sys.modules` as it was found, its `__init__` not
run, and its `utils` with that one function; its other modules are its own. A process that has the whole package keeps
it.
"""

import contextlib
import importlib.util
import io
import sys
import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any, TextIO

from postcards_serving.errors import ModelUnusable

INSTALL = "run `make setup-models`"
"""What brings everything that is imported here."""

Tensor = Any
"""A `torch.Tensor`; torch is imported at run time."""

_ONE_AT_A_TIME = threading.RLock()
"""Two threads that exchange the streams of the process would give back each other's."""
_VERSIONS = ("torch", "stable-audio-tools", "k-diffusion", "torchsde", "transformers")


@dataclass(frozen=True)
class Libraries:
    """What the engine uses of its libraries, which leave their types out."""

    torch: Any
    create_model: Callable[[dict[str, Any]], Any]
    """`stable_audio_tools.models.factory.create_model_from_config`."""
    conditioner: Any
    """The class `stable_audio_tools.models.conditioners.Conditioner`."""
    brownian_noise: Any
    """The class `k_diffusion.sampling.BrownianTreeNoiseSampler`."""
    falling_levels: Callable[[int, float, float], Tensor]
    """`k_diffusion.sampling.get_sigmas_polyexponential`."""
    text_encoder: Any
    """The class `transformers.T5EncoderModel`."""
    tokenizer: Any
    """The class `transformers.AutoTokenizer`."""
    load_weights: Callable[[str], dict[str, Tensor]]
    """`safetensors.torch.load_file`."""
    versions: dict[str, str]
    """By package name."""


def import_libraries() -> Libraries:
    """Imports them.

    Raises:
        ModelUnusable: one is not installed.
    """
    try:
        torch = import_module("torch")
        with quietly():
            _enter_k_diffusion()
            return Libraries(
                torch=torch,
                create_model=_creating(import_module("stable_audio_tools.models.factory").create_model_from_config),
                conditioner=import_module("stable_audio_tools.models.conditioners").Conditioner,
                brownian_noise=import_module("k_diffusion.sampling").BrownianTreeNoiseSampler,
                falling_levels=import_module("k_diffusion.sampling").get_sigmas_polyexponential,
                text_encoder=import_module("transformers").T5EncoderModel,
                tokenizer=import_module("transformers").AutoTokenizer,
                load_weights=import_module("safetensors.torch").load_file,
                versions={name: version(name) for name in _VERSIONS},
            )
    except ImportError as fault:
        raise ModelUnusable(f"stable-audio needs {fault.name or fault}, which cannot be imported: {INSTALL}") from None


@contextlib.contextmanager
def quietly() -> Generator[None]:
    """Drops what these libraries print while they are imported or build something, on this thread only.

    An engine may be loaded beside another that serves meanwhile: what other threads write goes where it went. Nor are
    logs touched, whose handlers hold the stream that there was when they were made. Of several threads each waits.
    """
    for kind in (DeprecationWarning, FutureWarning):
        # Not undone at the end: filters belong to the process, and those that another thread has set must not go too.
        warnings.filterwarnings("ignore", message="`torch\\..* is deprecated", category=kind)
    with _ONE_AT_A_TIME:
        out, err = _SilentHere(sys.stdout), _SilentHere(sys.stderr)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield
        finally:
            out.end()
            err.end()


class _SilentHere(io.TextIOBase):
    """A stream that drops what the thread that made it writes, until the end, and passes on what others write."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._silent: int | None = threading.get_ident()

    def end(self) -> None:
        """From now on drops nothing: a handler of logs may have been made with it."""
        self._silent = None

    def write(self, text: str, /) -> int:
        return len(text) if self._silent == threading.get_ident() else self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._stream.encoding


def _creating(create: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def create_model(configuration: dict[str, Any]) -> Any:  # noqa: ANN401
        with quietly():
            return create(configuration)

    return create_model


def _enter_k_diffusion() -> None:
    if "k_diffusion" in sys.modules:
        return
    found = importlib.util.find_spec("k_diffusion")
    if found is None:
        raise ImportError("no module named k_diffusion", name="k_diffusion")
    package, needed = (
        importlib.util.module_from_spec(found),
        ModuleType("k_diffusion.utils", "What is used of it here."),
    )
    package.utils = needed  # pyright: ignore[reportAttributeAccessIssue]
    needed.append_dims = _append_dims  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": needed}
    # stable-audio-tools reads them as attributes of the package.
    import_module("k_diffusion.sampling")
    import_module("k_diffusion.external")


def _append_dims(values: Tensor, dimensions: int) -> Tensor:
    """`values` with dimensions of length 1 at the end, until there are as many."""
    return values[(..., *(None,) * (dimensions - values.ndim))]
