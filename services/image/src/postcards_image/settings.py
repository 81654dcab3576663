"""Settings of the image service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal

from pydantic import Field

from postcards_serving.settings import ServiceSettings


class ImageSettings(ServiceSettings):
    """Settings of one image server, beside those that every service has."""

    port: int = Field(default=50051, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9461, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    image_engine: Literal["creature", "ddpm", "stable-diffusion"] = "creature"
    """Engine that makes the pictures."""
    image_fallback: Literal["", "creature", "ddpm", "stable-diffusion"] = ""
    """Engine that makes a picture where the first one cannot. Empty: none."""
    image_model: str = Field(default="", max_length=4096)
    """Model of an engine that has one: ONNX file, folder, or id on the Hugging Face hub. Empty: the shipped one (ddpm),
    stable-diffusion-v1-5 (stable-diffusion)."""
    image_revision: str = Field(default="", max_length=256)
    """Commit, branch or tag of a model on the hub. Empty: the pinned commit of stable-diffusion-v1-5, else `main`."""
    image_lora: str = Field(default="", max_length=4096)
    """LoRA weights for stable-diffusion: folder, .safetensors file, or hub id (with `@revision` where that is not
    `main`), then `:weight` where that is not 1."""
    image_runtime: Literal["auto", "onnx", "torch"] = "auto"
    """What runs a ddpm model. auto: onnxruntime where there is an ONNX file, else torch."""
    image_device: str = Field(default="auto", pattern=r"auto|cpu|mps|cuda(:\d+)?")
    """Where stable-diffusion computes. auto: the first CUDA device, else mps, else the processor."""
    image_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Numbers that stable-diffusion computes in. auto: float16 on CUDA, else float32."""
    image_compile: Literal["auto", "none", "compile"] = "auto"
    """Whether stable-diffusion compiles its UNet, which takes minutes at each start. auto: on CUDA."""
    image_threads: int = Field(default=0, ge=0, le=1024)
    """Cores for one step of an engine that denoises; 0: all that the process and its container may use."""
    image_batch_rows: int = Field(default=0, ge=0, le=256)
    """Pictures that share a step of an engine that denoises: it works on as many at once, or on MAX_IN_FLIGHT. 0: as
    many as the memory holds on CUDA, at most 16; elsewhere 4."""
