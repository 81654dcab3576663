"""What a step of Stable Diffusion asks of a device besides arithmetic: copies and waits, counted."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")

from device_watch import DEVICE, Watch  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.network import Network  # noqa: E402
from postcards_image.engines.stable_diffusion.rows import Row, RowStepper  # noqa: E402
from postcards_image.engines.stable_diffusion.samplers.batch import begin, schedule_of  # noqa: E402
from sampler_references import OF_VERSION_1  # noqa: E402


def network(latents, timesteps, words):
    assert latents.device.type == timesteps.device.type == words.device.type == DEVICE
    assert len(latents) == len(timesteps) == len(words)
    return latents * 0.5


def row(sampler, *, guided=True, seed=0, device=DEVICE):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(4, 8, 8, generator=generator).to(device)
    words = torch.zeros(2 if guided else 1, 7, 16, device=device)
    return Row(begin(schedule_of(OF_VERSION_1, sampler, 4), noise, generator=generator), words, 7.5)


@pytest.mark.parametrize(
    ("rows", "copies"),
    [
        ([("pndm", True)], 1),
        ([("ddim", False)], 1),
        ([("pndm", True), ("unipc", False), ("heun", True)], 1),
        # The noise of all rows is one copy more.
        ([("euler-a", True), ("dpmpp-2m-sde", False), ("ddim", True), ("ddpm", True)], 2),
    ],
)
def test_a_step_sends_its_numbers_at_once_and_waits_once_at_its_end(rows, copies):
    stepper = RowStepper(network, budget=1e9, reclaim=lambda: None)
    states = [row(sampler, guided=guided, seed=seed) for seed, (sampler, guided) in enumerate(rows)]
    for _ in range(3):
        with Watch() as watch:
            states = stepper.step(states)
        assert watch.told == [*["copy"] * copies, "answer"]


def test_steps_ask_with_tensors_as_they_were_rehearsed(monkeypatch):
    """What torch compiles for tensors of another kind it would compile again, in the midst of a request."""
    kinds: list[list[tuple[object, ...]]] = []

    def unet(latents, timesteps, *, encoder_hidden_states, return_dict):
        assert not return_dict
        given = (latents, timesteps, encoder_hidden_states)
        kinds.append([(each.shape, each.stride(), each.is_inference(), each._is_view()) for each in given])
        return (latents,)

    unet.config = SimpleNamespace(in_channels=4, cross_attention_dim=16)
    monkeypatch.setattr(torch, "compile", lambda unet, **_: unet)
    asked = Network(unet, torch.device("cpu"), torch.float32, compiled=True)
    asked.rehearse(2, 8, 8, 7)
    stepper = RowStepper(asked, budget=1e9, reclaim=lambda: None)
    states = stepper.step([row("pndm", device="cpu")])
    stepper.step(states)
    _, of_two, *steps = kinds
    assert steps == [of_two, of_two]
