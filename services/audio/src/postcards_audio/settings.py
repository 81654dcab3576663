"""Settings of the audio service: `POSTCARDS_<FIELD>` in the environment."""

from typing import Literal

from pydantic import Field

from postcards_serving.settings import ServiceSettings


class AudioSettings(ServiceSettings):
    """Settings of one audio server, beside those that every service has."""

    port: int = Field(default=50052, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(default=9462, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    audio_engine: Literal["vocal-tract", "stable-audio"] = "vocal-tract"
    """Engine that makes the calls."""
    audio_fallback: Literal["", "vocal-tract", "stable-audio"] = ""
    """Engine that makes a call where the first one cannot. Empty: none."""
    audio_model: str = Field(default="", max_length=4096)
    """Model of stable-audio: folder, or id on the Hugging Face hub. Empty: stabilityai/stable-audio-open-1.0."""
    audio_revision: str = Field(default="", max_length=256)
    """Commit, branch or tag of a model on the hub. Empty: the pinned commit of stable-audio-open-1.0, else `main`."""
    audio_device: str = Field(default="auto", pattern=r"auto|cpu|mps|cuda(:\d+)?")
    """Where stable-audio computes. auto: the first CUDA device, else mps, else the processor."""
    audio_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Numbers that the network of stable-audio computes in. auto: float16 on CUDA, else float32."""
    audio_compile: Literal["auto", "none", "compile"] = "auto"
    """Whether stable-audio compiles its transformer for every size of a batch, minutes at each start. auto: no."""
    audio_threads: int = Field(default=0, ge=0, le=1024)
    """Cores for one step of stable-audio; 0: all that the process and its container may use."""
    audio_batch_rows: int = Field(default=0, ge=0, le=256)
    """Calls that share a step of stable-audio: it works on as many at once, or on MAX_IN_FLIGHT. 0: as many as the
    memory holds on CUDA, at most 8; elsewhere 4."""
