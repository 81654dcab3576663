"""Weights fetched from a hub of the tests into a cache, and what of them an engine loads."""

from pathlib import Path

from postcards_weights import fetch
from postcards_weights.catalog import STABLE_DIFFUSION, Model
from postcards_weights.hub_api import open_hub

SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
SAO = "stabilityai/stable-audio-open-1.0"
UNET = "unet/diffusion_pytorch_model.safetensors"
LOADED = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "unet/config.json",
    UNET,
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
    "feature_extractor/preprocessor_config.json",
}


class Log:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files: list[str] = []

    def came(self, file, count):
        del file
        self.bytes += count

    def done(self, file):
        self.files.append(file.path)


def a_model(model_id: str = SD, revision: str = "main", needs=STABLE_DIFFUSION.needs) -> Model:
    return Model(model_id, revision, (needs,))


async def fetched(hub, cache, model, *, token: str = "", log: Log | None = None) -> Path:
    async with open_hub(hub.url, token, pauses=(0.0, 0.0)) as asked:
        order = await fetch.prepare(asked, cache, model)
        fetch.check_room(cache, [order])
        return await fetch.fetch(asked, cache, order, log or Log())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
