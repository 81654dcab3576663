"""What an operator chooses about a Stable Diffusion engine. Standard library only."""

from dataclasses import dataclass
from typing import Final, Literal

DEFAULT_MODEL: Final = "stable-diffusion-v1-5/stable-diffusion-v1-5"
"""Model where none is named."""
DEFAULT_REVISION: Final = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
"""Its commit on the hub: the same files whenever they are fetched."""

Compile = Literal["auto", "none", "compile"]
"""Whether the UNet is compiled for the device; "auto" compiles on CUDA."""


@dataclass(frozen=True)
class Choices:
    """Everything that is decided before the first request."""

    model: str = ""
    """Folder, or id on the Hugging Face hub; empty: `DEFAULT_MODEL`."""
    revision: str = ""
    """Branch, tag or commit on the hub; empty: the pinned one of the default model, else the newest."""
    lora: str = ""
    """LoRA weights: see `lora.read_choice`; empty: none."""
    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:N" or "mps"."""
    dtype: str = "auto"
    """"auto", "float32", "float16" or "bfloat16"."""
    compile: Compile = "auto"
    """See `Compile`."""
    threads: int = 0
    """Cores for one step on a CPU; 0: all that the process may use."""
    batch_rows: int = 0
    """Pictures of the model's own size that share a step; larger ones count as several. 0: what suits the device."""
