"""A Stable Audio checkpoint of a few megabytes, in the layout that real ones have on disk.

Its weights are random, so that it hums and hisses; everything else (files, configuration, shapes that follow from it)
is as in `stable-audio-open-1.0`, so that whatever loads it loads the real one. `full=True` has the real one's size too.
"""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from postcards_audio.engines.stable_audio.checkpoint.libraries import import_libraries

RATIO = 2048
"""Samples of one latent frame."""
TEXT_WIDTH = 768
"""Of t5-base."""

Objective = Literal["v", "rectified_flow", "rf_denoiser"]
"""What the network predicts: "v" in Stable Audio Open 1.0, "rf_denoiser" in Stable Audio Open small."""


def build_checkpoint(
    folder: Path,
    *,
    frames: int = 64,
    objective: Objective = "v",
    full: bool = False,
    with_text_encoder: bool = True,
    seed: int = 0,
) -> Path:
    """Writes a checkpoint.

    Args:
        folder: where; made where it is missing.
        frames: length of a sound in latent frames of 46 ms; Stable Audio Open 1.0 has 1024.
        objective: see `Objective`.
        full: the sizes of Stable Audio Open 1.0: 1.2 billion weights, 4.9 GB.
        with_text_encoder: whether the folder has its text encoder, as on the hub; see `build_text_encoder`.
        seed: of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = model_configuration(frames, objective, full=full)
    (folder / "model_config.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    torch.manual_seed(seed)
    save_file(_weights(configuration), folder / "model.safetensors")
    if with_text_encoder:
        build_text_encoder(folder / "text_encoder", folder / "tokenizer", full=full)
    return folder


def build_text_encoder(folder: Path, tokenizer: Path, *, full: bool = False, seed: int = 1) -> None:
    """Writes a T5 encoder and its tokenizer: into one folder as `t5-base` has them, or into two as pipelines have."""
    size = {"d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12} if full else _SMALL_T5
    torch.manual_seed(seed)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(chr(code), -3.0) for code in range(33, 127)]
    words = T5Tokenizer(vocab=pieces, extra_ids=0)
    words.save_pretrained(tokenizer)
    encoder = T5EncoderModel(T5Config(vocab_size=len(words), d_model=TEXT_WIDTH, feed_forward_proj="relu", **size))
    encoder.save_pretrained(folder)


_SMALL_T5: dict[str, Any] = {"d_kv": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2}


def model_configuration(frames: int, objective: Objective, *, full: bool = False) -> dict[str, Any]:
    """What `model_config.json` says."""
    latent, width, depth, heads = (64, 1536, 24, 24) if full else (8, 64, 2, 2)
    channels, told = (128, TEXT_WIDTH) if full else (4, 32)
    multiples, strides = ([1, 2, 4, 8, 16], [2, 4, 4, 8, 8]) if full else ([1, 1, 2, 2, 4], [2, 4, 4, 8, 8])
    oobleck = {"channels": channels, "c_mults": multiples, "strides": strides, "use_snake": True}
    seconds = {"min_val": 0, "max_val": 512}
    return {
        "model_type": "diffusion_cond",
        "sample_size": frames * RATIO,
        "sample_rate": 44100,
        "audio_channels": 2,
        "model": {
            "pretransform": {
                "type": "autoencoder",
                "iterate_batch": True,
                "config": {
                    "encoder": {"type": "oobleck", "config": {"in_channels": 2, "latent_dim": 2 * latent, **oobleck}},
                    "decoder": {
                        "type": "oobleck",
                        "config": {"out_channels": 2, "latent_dim": latent, "final_tanh": False, **oobleck},
                    },
                    "bottleneck": {"type": "vae"},
                    "latent_dim": latent,
                    "downsampling_ratio": RATIO,
                    "io_channels": 2,
                },
            },
            "conditioning": {
                "configs": [
                    {"id": "prompt", "type": "t5", "config": {"t5_model_name": "t5-base", "max_length": 128}},
                    {"id": "seconds_start", "type": "number", "config": seconds},
                    {"id": "seconds_total", "type": "number", "config": seconds},
                ],
                "cond_dim": told,
            },
            "diffusion": {
                "cross_attention_cond_ids": ["prompt", "seconds_start", "seconds_total"],
                "global_cond_ids": ["seconds_start", "seconds_total"],
                "diffusion_objective": objective,
                "type": "dit",
                "config": {
                    "io_channels": latent,
                    "embed_dim": width,
                    "depth": depth,
                    "num_heads": heads,
                    "cond_token_dim": told,
                    "global_cond_dim": 2 * told,
                    "project_cond_tokens": False,
                    "transformer_type": "continuous_transformer",
                },
            },
            "io_channels": latent,
        },
    }


def _weights(configuration: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Random weights by name, without those of the text encoder, which checkpoints do not hold."""
    conditioning = configuration["model"]["conditioning"]
    textless = [entry for entry in conditioning["configs"] if entry["type"] != "t5"]
    model = import_libraries().create_model(
        configuration | {"model": configuration["model"] | {"conditioning": conditioning | {"configs": textless}}}
    )
    with torch.no_grad():
        # The layers that a network begins training without would let neither prompts nor steps show.
        for name, weight in model.model.named_parameters():
            if not weight.any():
                weight.normal_(std=0.02 if "conv" in name else weight.shape[-1] ** -0.5)
        _level(model.pretransform.model)
    weights = model.state_dict()
    if conditioning["cond_dim"] != TEXT_WIDTH:
        narrowing = torch.nn.Linear(TEXT_WIDTH, conditioning["cond_dim"])
        place = "conditioner.conditioners.prompt.proj_out"
        weights |= {f"{place}.weight": narrowing.weight.data, f"{place}.bias": narrowing.bias.data}
    return {name: value.contiguous().clone() for name, value in weights.items()}


def _level(autoencoder: Any) -> None:  # noqa: ANN401
    """Lets it read a loud sound as latents of about unit size, and write such latents as a loud sound."""
    sound = 0.1 * torch.randn(1, 2, 8 * RATIO)
    means, _ = autoencoder.encode(sound, skip_bottleneck=True).chunk(2, dim=1)
    autoencoder.encoder.layers[-1].weight_g.div_(means.std())
    written = autoencoder.decoder(torch.randn(1, autoencoder.latent_dim, 8))
    autoencoder.decoder.layers[-2].weight_g.mul_(0.1 / written.std())
