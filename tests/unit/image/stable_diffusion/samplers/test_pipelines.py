"""The samplers of Stable Diffusion around a real UNet, beside the pipelines of diffusers."""

from collections.abc import Mapping

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
diffusers = pytest.importorskip("diffusers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion.samplers.batch import (  # noqa: E402
    SAMPLERS,
    SamplerRow,
    advance_all,
    sampler_of,
    schedule_of,
)
from sampler_references import OF_VERSION_1, OF_VERSION_2, SCHEDULERS, Beginning, row_of  # noqa: E402

# diffusers turns tensors into arrays in a way that this numpy is tired of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(scope="module")
def parts():
    """A small UNet and autoencoder, as random as a network can be, and what they are told."""
    pytest.importorskip("transformers", reason="make setup-models brings it")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        unet = diffusers.UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(16, 32),
            layers_per_block=1,
            norm_num_groups=8,
            cross_attention_dim=16,
            attention_head_dim=4,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        ).eval()
        vae = diffusers.AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4).eval()
        words = torch.randn(2, 5, 16)
    return unet, vae, words


GUIDANCE = 5.0


def pipeline(kind: str, parts, config: Mapping[str, object], sampler: str):
    """A pipeline with its own scheduler, or another as its users change it."""
    unet, vae, _ = parts
    native = getattr(diffusers, str(config["_class_name"])).from_config(config)
    made = getattr(diffusers, kind)(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        scheduler=native,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    if sampler != sampler_of(config):
        name, options = SCHEDULERS[sampler]
        made.scheduler = getattr(diffusers, name).from_config(made.scheduler.config, **options)
    return made


@torch.no_grad()
def drawn_together(parts, rows: list[SamplerRow]) -> list[SamplerRow]:
    """All rows finished, with one call of the UNet for all that are left."""
    unet, _, words = parts
    done: list[SamplerRow] = list(rows)
    while aboard := [index for index, row in enumerate(done) if not row.finished]:
        latents, timesteps = zip(*(done[index].model_input for index in aboard), strict=True)
        told = torch.tensor([*timesteps, *timesteps])
        embeddings = words.repeat_interleave(len(aboard), 0)
        without, within = unet(torch.stack([*latents, *latents]), told, embeddings).sample.chunk(2)
        moved = advance_all([done[index] for index in aboard], without + GUIDANCE * (within - without))
        for index, row in zip(aboard, moved, strict=True):
            done[index] = row
    return done


@pytest.mark.parametrize(
    ("config", "samplers"),
    [(OF_VERSION_1, SAMPLERS), (OF_VERSION_2, ("pndm", "ddim", "euler", "dpmpp-2m"))],
    ids=["1.5", "2.1"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers")
def test_rows_of_many_samplers_in_one_batch_equal_the_real_pipelines(
    parts, config: dict[str, object], samplers: tuple[str, ...]
) -> None:
    """Each row beside a pipeline of its own: from text, and from a drawing."""
    beginnings = [(sampler, 5 + place % 4, Beginning(place)) for place, sampler in enumerate(samplers)]
    beginnings += [(sampler, 10 + place % 2, Beginning(9, 0.7)) for place, sampler in enumerate(samplers)]
    rows = drawn_together(parts, [row_of(schedule_of(config, name, steps), own) for name, steps, own in beginnings])
    _, _, words = parts
    for row, (sampler, steps, own) in zip(rows, beginnings, strict=True):
        told = {"prompt_embeds": words[1:], "negative_prompt_embeds": words[:1], "guidance_scale": GUIDANCE}
        generator = torch.Generator().manual_seed(own.seed)
        if own.strength is None:
            made = pipeline("StableDiffusionPipeline", parts, config, sampler)
            told |= {"height": 16, "width": 16}
        else:
            made = pipeline("StableDiffusionImg2ImgPipeline", parts, config, sampler)
            told |= {"image": own.drawing(), "strength": own.strength}
        expected = made(**told, num_inference_steps=steps, generator=generator, output_type="latent").images[0]
        assert row.latent.shape == expected.shape
        limit = 1e-4 * max(1.0, float(expected.abs().max()))
        assert (row.latent - expected).abs().max() < limit, (sampler, own)


@pytest.mark.parametrize("native", ["PNDMScheduler", "DDIMScheduler", "EulerDiscreteScheduler"])
@pytest.mark.parametrize("outdated", [{}, {"steps_offset": 0}])
@pytest.mark.filterwarnings("ignore::FutureWarning:diffusers")
def test_timesteps_of_outdated_files_are_those_of_the_pipelines(
    parts, native: str, outdated: dict[str, object]
) -> None:
    """The pipelines mend a `steps_offset`, but not what was left to the default of another scheduler."""
    config = {**OF_VERSION_1, "_class_name": native, "timestep_spacing": "leading", **outdated}
    if not outdated:
        del config["steps_offset"]
    offsets = set()
    for sampler in SAMPLERS:
        made = pipeline("StableDiffusionPipeline", parts, config, sampler)
        made.scheduler.set_timesteps(10)
        calls = schedule_of(config, sampler, 10).whole.calls
        assert [call.timestep for call in calls] == pytest.approx(made.scheduler.timesteps.tolist()), sampler
        offsets.add(calls[-1].timestep)
    assert 1.0 in offsets
