"""A Stable Diffusion checkpoint in the layout that real ones have on disk: of a few megabytes, or as large as 1.5.

Its weights are random, so that its pictures are texture; everything else (files, configurations, shapes that follow
from them) is as in `stable-diffusion-v1-5`, so that whatever loads it loads the real one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPTextConfig, CLIPTextModel, CLIPTokenizer


@dataclass(frozen=True)
class Shape:
    """The sizes of a checkpoint's parts."""

    sample_size: int
    """Width and height of the latent picture that the UNet says it is made for: an eighth of the pixels."""
    unet: dict[str, Any]
    vae: dict[str, Any]
    text: dict[str, Any]


TINY = Shape(
    sample_size=8,
    unet={
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "block_out_channels": (16, 32, 32),
        "layers_per_block": 1,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    },
    vae={"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "norm_num_groups": 8},
    text={
        "vocab_size": 514,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    },
)
"""64 x 64 pixels, a million parameters."""
FULL = Shape(
    sample_size=64,
    unet={},
    vae={"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2},
    text={
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
    },
)
"""The architecture of Stable Diffusion 1.5, a thousand million parameters; diffusers' own defaults are its UNet's."""

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
TEXT_LENGTH = 77
TEXT_WIDTH = TINY.text["hidden_size"]
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}

Checker = Literal["none", "lenient", "strict"]
"""Whether there is a safety checker, and whether it takes offence at nothing or at everything."""


def build_checkpoint(
    folder: Path,
    *,
    checker: Checker = "none",
    prediction: Literal["epsilon", "v_prediction"] = "epsilon",
    seed: int = 0,
    half: bool = False,
    shape: Shape = TINY,
) -> Path:
    """Writes a checkpoint.

    Args:
        folder: where; made where it is missing.
        checker: see `Checker`.
        prediction: what the UNet predicts; "v_prediction" with DDIM as default sampler as in Stable Diffusion 2.
        seed: of the weights.
        half: also writes the files with "fp16" in their names, as the large repositories have them.
        shape: of the parts.
    """
    torch.manual_seed(seed)
    components: dict[str, Any] = {
        "tokenizer": _tokenizer(folder / "tokenizer"),
        "text_encoder": _text_encoder(shape),
        "unet": _unet(shape),
        "vae": _autoencoder(shape),
        "scheduler": _scheduler(prediction),
        "safety_checker": None if checker == "none" else _checker(strict=checker == "strict"),
        "feature_extractor": None if checker == "none" else _feature_extractor(folder / "feature_extractor"),
    }
    pipeline = StableDiffusionPipeline(**components, requires_safety_checker=False)
    if half:
        # First, since the configurations that stay are those of the last.
        pipeline.to(torch.float16).save_pretrained(folder, safe_serialization=True, variant="fp16")
        pipeline.to(torch.float32)
    pipeline.save_pretrained(folder, safe_serialization=True)
    # These are laid out by hand: today's libraries write other files than the repositories hold.
    _lay_out_tokenizer(folder / "tokenizer")
    _amend(folder / "scheduler" / "scheduler_config.json", clip_sample=False)
    if checker != "none":
        _feature_extractor(folder / "feature_extractor")
    return folder


def build_lora(file: Path, checkpoint: Path, *, seed: int = 1, strength: float = 0.3) -> Path:
    """Writes LoRA weights for the attention of the UNet of `checkpoint`, as training scripts save them."""
    unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet", use_safetensors=True)
    torch.manual_seed(seed)
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    for name, weights in unet.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weights, std=strength)
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    StableDiffusionPipeline.save_lora_weights(file.parent, unet_lora_layers=layers, weight_name=file.name)
    return file


def _lay_out_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    characters = _byte_characters()
    words = [*characters, *(f"{character}</w>" for character in characters), BEGIN, END]
    content = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    special = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": END}
    (folder / "special_tokens_map.json").write_text(json.dumps(special), encoding="utf-8")
    configuration = special | {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": TEXT_LENGTH,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration), encoding="utf-8")


def _tokenizer(folder: Path) -> CLIPTokenizer:
    _lay_out_tokenizer(folder)
    return CLIPTokenizer.from_pretrained(folder)


def _byte_characters() -> list[str]:
    """The visible characters that byte-level BPE writes for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(len(hidden))]


def _text_encoder(shape: Shape) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            **shape.text,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=shape.text["hidden_size"],
            bos_token_id=512,
            eos_token_id=513,
            pad_token_id=513,
        )
    ).eval()


def _unet(shape: Shape) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=shape.sample_size, cross_attention_dim=shape.text["hidden_size"], **shape.unet
    ).eval()
    if shape is FULL:
        return unet
    with torch.no_grad():
        # Fresh weights hardly listen to the words.
        for name, weights in unet.named_parameters():
            if "attn2.to_" in name and name.endswith("weight"):
                weights.mul_(4)
    return unet


def _autoencoder(shape: Shape) -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        sample_size=8 * shape.sample_size,
        scaling_factor=0.18215,
        **shape.vae,
    ).eval()


def _scheduler(prediction: str) -> PNDMScheduler | DDIMScheduler:
    if prediction == "v_prediction":
        return DDIMScheduler(
            **BETAS, clip_sample=False, set_alpha_to_one=False, steps_offset=1, prediction_type=prediction
        )
    return PNDMScheduler(**BETAS, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)


def _checker(*, strict: bool) -> StableDiffusionSafetyChecker:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    configuration = CLIPConfig(
        text_config=tower, vision_config=tower | {"image_size": 32, "patch_size": 8}, projection_dim=8
    )
    checker = StableDiffusionSafetyChecker(configuration).eval()
    with torch.no_grad():
        # A cosine is never above 2 and never below -2.
        checker.concept_embeds_weights.fill_(-2.0 if strict else 2.0)
        checker.special_care_embeds_weights.fill_(2.0)
        checker.concept_embeds.normal_()
        checker.special_care_embeds.normal_()
    return checker


def _amend(file: Path, **values: object) -> None:
    """Adds what the repositories have and today's classes do not write."""
    content = json.loads(file.read_text(encoding="utf-8")) | values
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _feature_extractor(folder: Path) -> CLIPImageProcessorPil:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "crop_size": 32,
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": 32,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(content), encoding="utf-8")
    return CLIPImageProcessorPil.from_pretrained(folder)
