"""The T5 encoder that reads prompts, from files on this machine.

stable-audio-tools loads it by its name on the hub and in half precision wherever it runs. Here it comes from the folder
of the model where that has one, as the models on the hub do, in the numbers that the device is good at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postcards_audio.engines.stable_audio.checkpoint.description import ModelDescription
from postcards_audio.engines.stable_audio.checkpoint.libraries import INSTALL, Libraries, Tensor, quietly
from postcards_serving.device.choice import Device
from postcards_serving.errors import ModelUnusable
from postcards_serving.models.find import ModelFiles, cached, find_model, first_line

WEIGHTS, WORDS = "text_encoder", "tokenizer"
"""Folders of the encoder and of its tokenizer within a model."""

_T5_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_REVISIONS = {"t5-base": "a9723ea7f1b39c1eae772870f3b547bf6ef7e6c1"}
"""Pinned where the cache has no other."""
_T5_NEEDS = ("config.json", "model.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class TextFiles:
    """Where an encoder's files are."""

    weights: Path
    words: Path
    hashes: Mapping[str, str]
    """SHA-256 of the files beyond those of the model, by a path that begins with the encoder's name."""


def find_text_encoder(model: ModelFiles, description: ModelDescription) -> TextFiles:
    """The encoder in the model's folder, else the one that its configuration names, from the cache or the hub.

    Raises:
        ModelUnusable: it is nowhere to be had.
    """
    own = TextFiles(model.folder / WEIGHTS, model.folder / WORDS, {})
    if (own.weights / "model.safetensors").is_file() and (own.words / "tokenizer.json").is_file():
        return own
    name = description.text_encoder
    found = cached(name, _T5_FILES, required=_T5_NEEDS) or find_model(
        name, patterns=_T5_FILES, required=_T5_NEEDS, revision=_REVISIONS.get(name, ""), install=INSTALL
    )
    return TextFiles(found.folder, found.folder, {f"{name}/{path}": sha256 for path, sha256 in found.files.items()})


def load_text_conditioner(
    libraries: Libraries, files: TextFiles, settings: Mapping[str, Any], width: int, device: Device
) -> Any:  # noqa: ANN401
    """A conditioner for `stable_audio_tools.models.conditioners.MultiConditioner`: texts to embeddings and their mask.

    Args:
        libraries: imported.
        files: of the encoder.
        settings: of the conditioner in the model's configuration.
        width: of the embeddings.
        device: of the encoder, from now on: no prompt moves it. On CUDA it computes in half precision.
    """
    try:
        with quietly():
            tokenizer = libraries.tokenizer.from_pretrained(files.words, local_files_only=True)
            encoder = libraries.text_encoder.from_pretrained(
                files.weights,
                use_safetensors=True,
                local_files_only=True,
                dtype=libraries.torch.float16 if device.kind == "cuda" else libraries.torch.float32,
            )
            encoder = encoder.eval().requires_grad_(False).to(device.name)
    except Exception as fault:
        raise ModelUnusable(f"the text encoder in {files.weights} cannot be loaded: {first_line(fault)}") from fault
    torch = libraries.torch
    longest = int(settings.get("max_length", 128))

    def tokens(text: str) -> list[int]:
        # Cut and filled up below, never by the tokenizer: it keeps how to do so, and other threads would change that.
        return tokenizer(text, verbose=False)["input_ids"]

    def cut(ids: list[int]) -> list[int]:
        return ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]

    tokens("")  # From here on the tokenizer is set to do neither.
    base: Any = libraries.conditioner

    class TextConditioner(base):
        """Embeds texts as the library's own conditioner does."""

        def __init__(self) -> None:
            base.__init__(self, encoder.config.d_model, width, project_out=bool(settings.get("project_out", False)))
            # Checkpoints do not hold its weights: they must not be looked for there.
            self.__dict__["encoder"] = encoder

        def forward(self, texts: list[str], device: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401
            read = [cut(tokens(text)) for text in texts]
            filled = [[*ids, *[tokenizer.pad_token_id] * (longest - len(ids))] for ids in read]
            mask = torch.tensor([[place < len(ids) for place in range(longest)] for ids in read], device=device)
            embedded = encoder(input_ids=torch.tensor(filled, device=device), attention_mask=mask).last_hidden_state
            return self.proj_out(embedded.float()) * mask.unsqueeze(-1).float(), mask

        def reads_whole(self, text: str) -> bool:
            """Whether nothing of a text is cut. Any thread may ask."""
            return len(tokens(text)) <= longest

    return TextConditioner()
