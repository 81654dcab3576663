"""What every engine of every service promises, whatever it makes. A new engine joins `ENGINES` and must pass."""

import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from postcards_audio.engine import AudioRequest
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_image.engine import ImageRequest
from postcards_image.engines import stable_diffusion
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_language.engine import PhrasesRequest
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_serving.engine.work import Event, Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded
from postcards_species.species import derive_species


@dataclass(frozen=True)
class Contestant:
    """An engine and a small request for a seed."""

    load: Callable[[], Any]
    request: Callable[[int], Any]


def _picture(seed: int) -> ImageRequest:
    species = derive_species(seed)
    return ImageRequest(body_plan=species.body_plan, scene=species.scene, seed=seed, width=96, height=96)


def _sample(seed: int) -> ImageRequest:
    return replace(_picture(seed), parents=derive_species(seed).parents, steps=4)


def _ddpm_on_onnx() -> DdpmEngine:
    return DdpmEngine(load_network(str(MODELS / "tiny.onnx"), "onnx", 1))


def _ddpm_on_torch() -> DdpmEngine:
    for library in ("torch", "diffusers"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: make setup-train")
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",), "block_out_channels": (16,)}
    unet = UNet2DModel(sample_size=16, layers_per_block=1, norm_num_groups=4, num_class_embeds=4, **blocks)
    with tempfile.TemporaryDirectory() as folder:
        DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
        return DdpmEngine(load_network(folder, "torch", 1))


def _painting(seed: int) -> ImageRequest:
    return replace(_picture(seed), width=64, height=64, steps=3)


def _stable_diffusion() -> Any:
    for library in ("torch", "diffusers", "transformers", "peft"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: make setup-models")
    from checkpoints.stable_diffusion import build_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = build_checkpoint(Path(folder) / "tiny", checker="lenient")
        return stable_diffusion.load_engine(stable_diffusion.Choices(str(checkpoint), device="cpu", threads=1))


def _call(seed: int) -> AudioRequest:
    return AudioRequest(seed=seed, seconds=0.6)


def _stable_audio() -> Any:
    if importlib.util.find_spec("stable_audio_tools") is None:
        pytest.skip("stable-audio-tools is not installed: make setup-models")
    from checkpoints.stable_audio import build_checkpoint
    from postcards_audio.engines.stable_audio import StableAudioEngine, load_model

    with tempfile.TemporaryDirectory() as folder:
        return StableAudioEngine(load_model(str(build_checkpoint(Path(folder), frames=16)), device="cpu", threads=1))


def _phrases(seed: int) -> PhrasesRequest:
    species = derive_species(seed)
    return PhrasesRequest(phonology=species.phonology, species_name=species.name, seed=seed, count=3)


MODELS = Path(__file__).parents[2] / "models"
ENGINES = {
    "creature": Contestant(CreatureEngine, _picture),
    "ddpm": Contestant(_ddpm_on_onnx, _sample),
    "ddpm on torch": Contestant(_ddpm_on_torch, _sample),
    "stable-diffusion": Contestant(_stable_diffusion, _painting),
    "vocal-tract": Contestant(VocalTractEngine, _call),
    "stable-audio": Contestant(_stable_audio, lambda seed: replace(_call(seed), steps=8)),
    "phonotactic": Contestant(PhonotacticEngine, _phrases),
}


@pytest.fixture(scope="module", params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(name: str):
    loaded = ENGINES[name].load()
    yield loaded
    loaded.close()


@pytest.fixture
def ask(name: str) -> Callable[[int], Any]:
    return ENGINES[name].request


def test_bears_the_name_that_settings_and_manifests_use(engine: Any, name: str) -> None:
    assert engine.name == name.removesuffix(" on torch")
    assert engine.version


def test_the_same_request_gives_the_same_result(engine: Any, ask: Callable[[int], Any]) -> None:
    assert engine.generate(ask(5), Work()) == engine.generate(ask(5), Work())


def test_another_seed_gives_another_result(engine: Any, ask: Callable[[int], Any]) -> None:
    assert engine.generate(ask(5), Work()) != engine.generate(ask(6), Work())


def test_progress_grows_through_the_stages_that_metrics_know(engine: Any, ask: Callable[[int], Any]) -> None:
    events: list[Event] = []
    engine.generate(ask(5), Work(events.append))
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress
    assert {event.stage for event in progress} <= set(engine.stages)
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_says_what_made_the_result(engine: Any, ask: Callable[[int], Any]) -> None:
    provenance = engine.generate(ask(5), Work()).provenance
    assert (provenance.engine, provenance.engine_version) == (engine.name, engine.version)
    assert "seed" in provenance.settings


def test_a_caller_who_has_gone_stops_the_work(engine: Any, ask: Callable[[int], Any]) -> None:
    stages: list[str] = []

    def leave_at_the_first_report(event: Event) -> None:
        stages.append(getattr(event, "stage", ""))
        work.cancel()

    work = Work(leave_at_the_first_report)
    with pytest.raises(Cancelled):
        engine.generate(ask(5), work)
    assert len(set(stages)) == 1


def test_a_passed_deadline_stops_the_work(engine: Any, ask: Callable[[int], Any]) -> None:
    with pytest.raises(DeadlineExceeded):
        engine.generate(ask(5), Work(timeout=0))


def test_a_stopped_work_leaves_no_trace_in_the_next(engine: Any, ask: Callable[[int], Any]) -> None:
    whole = engine.generate(ask(5), Work())
    with pytest.raises(DeadlineExceeded):
        engine.generate(ask(6), Work(timeout=0))
    assert engine.generate(ask(5), Work()) == whole
