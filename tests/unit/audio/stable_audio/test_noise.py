"""The noise that steps of Stable Audio add, on a processor and elsewhere, and what a step asks of a device."""

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("stable_audio_tools", reason="make setup-models brings it")

from device_watch import DEVICE, Watch  # noqa: E402
from postcards_audio.engines.stable_audio import sampling  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.libraries import import_libraries  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.model import Condition, Guided, StableAudioModel  # noqa: E402
from postcards_audio.engines.stable_audio.sampling import (  # noqa: E402
    NoiseKind,
    RowStepper,
    Sampler,
    begin_row,
    noise_kind,
    noise_levels,
)
from postcards_serving.device.choice import Device  # noqa: E402


@pytest.fixture
def elsewhere(monkeypatch):
    """Noise as on a device that is no processor."""
    monkeypatch.setattr(sampling, "noise_kind", lambda sampler, _, levels: noise_kind(sampler, "cuda", levels))


def begun(model, seed, steps=8, guidance=2.0):
    wanted = model.condition("a bird", 1.0)
    guided = Guided(wanted, model.against("", 1.0, wanted), guidance) if guidance != 1 else Guided(wanted)
    return begin_row(model, guided, noise_levels(model, steps), seed)


def finished(model, *rows):
    stepper = RowStepper(model)
    while not rows[0].finished:
        rows = stepper.step(rows)
    return [row.noisy for row in rows]


@pytest.mark.parametrize(
    ("sampler", "device", "kind"),
    [
        (Sampler.DPMPP_3M_SDE, "cpu", NoiseKind.BROWNIAN),
        (Sampler.DPMPP_3M_SDE, "cuda", NoiseKind.INDEPENDENT),
        (Sampler.DPMPP_3M_SDE, "mps", NoiseKind.INDEPENDENT),
        (Sampler.PINGPONG, "cpu", NoiseKind.INDEPENDENT),
        (Sampler.PINGPONG, "cuda", NoiseKind.INDEPENDENT),
        (Sampler.EULER, "cuda", NoiseKind.NONE),
    ],
)
def test_only_a_processor_follows_a_motion(sampler, device, kind):
    assert noise_kind(sampler, device, (3.0, 1.0, 0.0)) is kind


@pytest.mark.parametrize("sampler", Sampler)
@pytest.mark.parametrize("levels", [(), (3.0, 0.0)])
def test_where_there_is_no_step_to_another_noise_level_there_is_no_noise(sampler, levels):
    assert noise_kind(sampler, "cpu", levels) is NoiseKind.NONE


@pytest.mark.parametrize("kind", ["brownian", "independent"])
def test_noise_of_both_kinds_is_standard_normal_and_independent_from_step_to_step(stable_audio_model, kind, request):
    if kind == "independent":
        request.getfixturevalue("elsewhere")
    row = begun(stable_audio_model, 5, steps=60)
    drawn = torch.stack([row.noise(now, then).flatten() for now, then in pairwise(row.levels[:-1])])
    count = drawn.numel()
    assert abs(float(drawn.mean())) < 5 / math.sqrt(count)
    assert abs(float(drawn.var()) - 1) < 5 * math.sqrt(2 / count)
    assert abs(float((drawn**4).mean()) - 3) < 5 * math.sqrt(96 / count)
    together = torch.corrcoef(drawn).fill_diagonal_(0)
    assert float(together.abs().max()) < 6 / math.sqrt(drawn.shape[1])


@pytest.mark.usefixtures("elsewhere")
def test_a_seed_has_noise_of_its_own_that_is_drawn_again_alike(stable_audio_model):
    one, again, other = (begun(stable_audio_model, seed).noise for seed in (1, 1, 2))
    assert torch.equal(one(3.0, 2.0), again(3.0, 2.0))
    assert torch.equal(one(3.0, 2.0), one(3.0, 1.0))
    assert not torch.equal(one(3.0, 2.0), other(3.0, 2.0))
    assert not torch.equal(one(3.0, 2.0), one(2.9, 2.0))


def test_a_seed_gives_another_sound_of_the_same_loudness_without_the_motion(stable_audio_model, request):
    (moved,) = finished(stable_audio_model, begun(stable_audio_model, 3))
    request.getfixturevalue("elsewhere")
    alone, again = (finished(stable_audio_model, begun(stable_audio_model, 3))[0] for _ in range(2))
    company = finished(stable_audio_model, *(begun(stable_audio_model, seed) for seed in (1, 3)))
    assert torch.equal(alone, again)
    assert float((alone - company[1]).abs().max()) < 1e-4
    assert float((alone - moved).abs().max()) > 0.1
    assert float(alone.std() / moved.std()) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("guidances", [(2.0,), (1.0,), (3.0, 1.0, 4.0)])
def test_a_step_sends_its_numbers_at_once_and_the_noise_of_each_row_and_waits_at_its_end(stable_audio_model, guidances):
    class Network:
        def model(self, noisy, time, *, cross_attn_cond, global_cond, cfg_scale):
            assert cfg_scale == 1
            assert len(noisy) == len(time) == len(cross_attn_cond) == len(global_cond)
            return noisy * 0.5

    device = Device(DEVICE, "float32", DEVICE)
    model = StableAudioModel(
        Network(), import_libraries(), stable_audio_model.description, device, name="", revision="", files={}
    )
    told = Condition(torch.zeros(1, 3, 32, device=DEVICE), torch.zeros(1, 32, device=DEVICE))
    levels = noise_levels(model, 4)
    rows = [begin_row(model, Guided(told, None if scale == 1 else told, scale), levels, 0) for scale in guidances]
    stepper = RowStepper(model)
    for _ in range(3):
        with Watch() as watch:
            rows = stepper.step(rows)
        assert watch.told == [*["copy"] * (1 + len(rows)), "answer"]
    with Watch() as watch:
        stepper.step(rows)
    assert watch.told == ["copy", "answer"]


def test_no_prompt_moves_the_text_encoder(stable_audio_model, monkeypatch):
    reader = stable_audio_model.network.conditioner.conditioners["prompt"]
    monkeypatch.setattr(reader.encoder, "to", None)
    assert reader(["a bird"], "cpu")[0].shape[0] == 1
