"""Models that torch runs: ours in both formats, and those that diffusers itself saves."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make setup-train")
pytest.importorskip("diffusers", reason="needs diffusers: make setup-train")

from postcards_image.engines.ddpm.denoiser import Denoiser  # noqa: E402
from postcards_image.engines.ddpm.description import ModelDescription  # noqa: E402
from postcards_image.engines.ddpm.faults import ModelUnusable  # noqa: E402
from postcards_image.engines.ddpm.loading import load_network  # noqa: E402
from postcards_image.engines.ddpm.sampling import (  # noqa: E402
    Question,
    RowStepper,
    Sampler,
    begin_row,
    noise_levels,
    starting_noise,
)
from postcards_weights.hashes import revision_of  # noqa: E402


def sample(network, sampler: Sampler, steps: int = 20, noise: np.ndarray | None = None) -> np.ndarray:
    """What the engine's sampler makes of a network, for its first class where it has any."""
    model, denoiser = network.description, Denoiser(network)
    classes = np.eye(model.labels, dtype=np.float32)[0] if model.labels else None
    sigmas = noise_levels(denoiser.schedule, sampler, steps)
    noise = starting_noise(3, model.resolution) if noise is None else noise
    state = begin_row(sampler, sigmas, ((Question(classes),),) * steps, noise)
    stepper = RowStepper(denoiser)
    while not state.finished:
        (state,) = stepper.step([state])
    return state.noisy


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:

    from postcards_image.training.network.building import build, describe
    from postcards_image.training.network.export import write_folder
    from postcards_image.training.recipe import Recipe

    torch.manual_seed(0)
    recipe = Recipe(resolution=16, patch_size=2, channels=(16, 32), attention=(1,), minutes=1)
    description = describe(recipe, ("okapi", "panda"), "both", tuple(np.geomspace(2, 0.05, 12).round(4).tolist()))
    network = build(recipe, description).eval()
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.05)
    folder = tmp_path_factory.mktemp("both")
    write_folder(network, description, folder)
    return folder


def learn_slopes(unet, scheduler) -> None:
    """A little training: a network that never learned doubles every rounding error until nothing can be compared."""
    optimizer = torch.optim.Adam(unet.parameters(), 2e-3)
    slope = torch.linspace(-1, 1, 16)[:, None].expand(16, 16)
    for _ in range(40):
        pictures = (torch.rand(16, 3, 1, 1) * 2 - 1) * slope
        noise, timesteps = torch.randn_like(pictures), torch.randint(0, 1000, (16,))
        answer = unet(scheduler.add_noise(pictures, noise, timesteps), timesteps).sample
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(answer, noise).backward()
        optimizer.step()


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Path:
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(1)
    unet = UNet2DModel(
        sample_size=16,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
    )
    learn_slopes(unet, scheduler := DDPMScheduler())
    folder = tmp_path_factory.mktemp("stock")
    DDPMPipeline(unet, scheduler).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("sampler", [Sampler.DPMPP_2M, Sampler.DDIM, Sampler.DDPM])
def test_gives_the_picture_of_the_onnx_file(folder, sampler):
    ours, theirs = (load_network(str(folder), runtime, 1) for runtime in ("torch", "onnx"))
    assert ours.description == theirs.description
    assert set(ours.libraries) == {"torch", "diffusers"}
    assert np.abs(sample(ours, sampler) - sample(theirs, sampler)).max() < 0.02 * ours.description.data_scale


def test_a_stock_pipeline_is_described_by_its_configurations(stock):
    network = load_network(str(stock), threads=1)
    assert network.description == ModelDescription(stock.name, 16)
    assert (network.name, network.revision) == (stock.name, revision_of(network.files))
    weights = "unet/diffusion_pytorch_model.safetensors"
    assert set(network.files) == {weights, "unet/config.json", "scheduler/scheduler_config.json"}


@pytest.mark.parametrize("steps", [7, 20, 50])
def test_a_stock_pipeline_gives_what_diffusers_gives(stock, steps):
    """DDIM for the same starting noise, in their code and in ours."""
    from diffusers import DDIMScheduler, UNet2DModel

    unet = UNet2DModel.from_pretrained(stock / "unet").eval()
    scheduler = DDIMScheduler.from_pretrained(stock / "scheduler")
    scheduler.set_timesteps(steps)
    noise = starting_noise(3, 16)
    picture = torch.from_numpy(noise)[None]
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            picture = scheduler.step(unet(picture, timestep).sample, timestep, picture, eta=0.0).prev_sample
    ours = sample(load_network(str(stock), threads=1), Sampler.DDIM, steps, noise)
    assert np.abs(ours - picture[0].numpy()).max() < 1e-3


def test_old_pipelines_have_their_parts_side_by_side(stock, tmp_path):
    for part in ("unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"):
        (tmp_path / Path(part).name).write_bytes((stock / part).read_bytes())
    network = load_network(str(tmp_path), threads=1)
    assert np.array_equal(sample(network, Sampler.EULER, 3), sample(load_network(str(stock)), Sampler.EULER, 3))


def test_a_truncated_file_is_one_sentence(stock, tmp_path):
    (tmp_path / "unet").mkdir()
    for part in ("unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_bytes((stock / part).read_bytes())
    weights = tmp_path / "unet/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnusable, match="cannot be loaded") as fault:
        load_network(str(tmp_path))
    assert "\n" not in fault.value.message


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("unet", {"in_channels": 1}, "square RGB"),
        ("unet", {"_class_name": "UNet2DConditionModel"}, "only UNet2DModel"),
        ("scheduler", {"beta_schedule": "mystery"}, "beta_schedule must be one of"),
    ],
)
def test_another_kind_of_model_is_one_sentence(stock, tmp_path, part, change, words):
    for file in ("unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes((stock / file).read_bytes())
    path = tmp_path / part / ("config.json" if part == "unet" else "scheduler_config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelUnusable, match=words):
        load_network(str(tmp_path))
