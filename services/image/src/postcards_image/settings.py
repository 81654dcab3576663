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
    image_engine: Literal["creature", "ddpm"] = "creature"
    """Engine that makes the pictures."""
    image_model: str = Field(default="", max_length=4096)
    """Model of an engine that has one: ONNX file, folder, or id on the Hugging Face hub. Empty: the shipped one."""
    image_runtime: Literal["auto", "onnx", "torch"] = "auto"
    """What runs a ddpm model. auto: onnxruntime where there is an ONNX file, else torch."""
    image_threads: int = Field(default=0, ge=0, le=1024)
    """Cores for one step of an engine that denoises; 0: all that the process may use."""
    image_batch_rows: int = Field(default=4, ge=1, le=256)
    """Pictures that share a step of an engine that denoises: it works on as many at once, or on MAX_IN_FLIGHT."""
