"""The Stable Diffusion engine, measured against the pipelines of diffusers on the same files."""

import json
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from checkpoints.stable_diffusion import build_checkpoint, build_lora  # noqa: E402
from postcards_image.engines.stable_diffusion import Choices, load_engine  # noqa: E402
from postcards_image.engines.stable_diffusion import engine as engines  # noqa: E402
from postcards_serving.engine.work import Work  # noqa: E402
from sd_pictures import SPECIES, WORDS, picture, pixels, request  # noqa: E402

# diffusers' own schedulers, which are only measured against here.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def pipeline(kind: str, folder, scheduler: str):
    """A pipeline of diffusers with the scheduler that stands behind one of our samplers."""
    import diffusers

    options = {"use_safetensors": True, "safety_checker": None, "requires_safety_checker": False}
    configured = getattr(diffusers, scheduler).from_pretrained(folder / "scheduler")
    made = getattr(diffusers, kind).from_pretrained(folder, scheduler=configured, dtype=torch.float32, **options)
    made.set_progress_bar_config(disable=True)
    return made


SCHEDULERS = {
    "pndm": "PNDMScheduler",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpmpp-2m": "DPMSolverMultistepScheduler",
    "euler-a": "EulerAncestralDiscreteScheduler",
}


@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_a_seed_gives_the_picture_of_the_pipeline(sd_engine, sd_checkpoint, exact_pixels, sampler):
    theirs = pipeline("StableDiffusionPipeline", sd_checkpoint, SCHEDULERS[sampler])(
        **WORDS,
        num_inference_steps=7,
        guidance_scale=6.0,
        width=80,
        height=64,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    ours = picture(sd_engine, sampler=sampler, steps=7, guidance_scale=6.0, width=80, height=64)
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3
    assert np.abs(ours - theirs * 255).max() <= 1
    assert theirs.std() > 0.05


@pytest.mark.parametrize("sampler", ["pndm", "ddim", "euler", "dpmpp-2m"])
def test_over_the_drawing_a_seed_gives_the_picture_of_the_pipeline(sd_engine, sd_checkpoint, exact_pixels, sampler):
    from PIL import Image

    drawing = engines.draw_unfinished(SPECIES.body_plan, SPECIES.scene, 3, 64, 64, Work())
    theirs = pipeline("StableDiffusionImg2ImgPipeline", sd_checkpoint, SCHEDULERS[sampler])(
        **WORDS,
        image=Image.fromarray(drawing),
        strength=0.6,
        num_inference_steps=10,
        guidance_scale=6.0,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    picture(sd_engine, sampler=sampler, steps=10, guidance_scale=6.0, init_strength=0.6)
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3


def test_without_guidance_too_and_with_what_is_predicted_in_stable_diffusion_2(tmp_path, exact_pixels):
    folder = build_checkpoint(tmp_path / "v", prediction="v_prediction")
    engine = load_engine(Choices(str(folder), device="cpu", threads=1))
    theirs = pipeline("StableDiffusionPipeline", folder, "DDIMScheduler")(
        WORDS["prompt"],
        num_inference_steps=6,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    result = engine.generate(request(steps=6, guidance_scale=1.0, negative_prompt=""), Work())
    engine.close()
    assert json.loads(result.provenance.settings["sampler"]) == "ddim"
    assert result.safety is None
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3


def test_lora_weights_are_mixed_in_as_the_pipeline_does(sd_engine, sd_checkpoint, tmp_path, exact_pixels):
    file = build_lora(tmp_path / "stripes.safetensors", sd_checkpoint)
    plain = picture(sd_engine)
    theirs = pipeline("StableDiffusionPipeline", sd_checkpoint, "PNDMScheduler")
    theirs.load_lora_weights(file.parent, weight_name=file.name)
    theirs.fuse_lora(lora_scale=0.5)
    wanted = theirs(
        **WORDS, num_inference_steps=5, generator=torch.Generator().manual_seed(3), output_type="np"
    ).images[0]
    adapted = load_engine(Choices(str(sd_checkpoint), device="cpu", threads=1, lora=f"{file}:0.5"))
    result = adapted.generate(request(), Work())
    adapted.close()
    assert np.abs(exact_pixels[threading.get_ident()] - wanted).max() < 1e-3
    assert np.abs(pixels(result.blobs[0].data).astype(int) - plain).max() > 3
    assert json.loads(result.provenance.settings["lora"])["weight"] == 0.5
    assert "lora/stripes.safetensors" in result.provenance.model_files
    assert "peft" in result.provenance.libraries
