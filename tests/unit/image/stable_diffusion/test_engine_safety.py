"""What the safety checker of a checkpoint says: told with the picture, and obeyed in every look at it."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from checkpoints.stable_diffusion import build_checkpoint
from postcards_image.engine import SafetyVerdict
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.stable_diffusion import Choices, load_engine
from postcards_image.engines.stable_diffusion import engine as engines
from postcards_image.engines.stable_diffusion.latent_previews import to_webp
from postcards_serving.engine.work import Event, Preview, Work
from postcards_species.surroundings import Finish
from sd_pictures import SPECIES, pixels, request


@pytest.fixture(scope="module")
def strict(tmp_path_factory, drawings):
    """An engine whose checker takes offence at everything."""
    del drawings
    folder = build_checkpoint(tmp_path_factory.mktemp("strict") / "tiny", checker="strict")
    engine = load_engine(Choices(str(folder), device="cpu", threads=1))
    yield engine
    engine.close()


def test_a_picture_that_passes_is_shown_with_the_verdict(sd_engine):
    result = sd_engine.generate(request(steps=2), Work())
    assert result.safety is SafetyVerdict.PASSED
    assert not any("withheld" in note for note in result.provenance.notes)


@pytest.mark.parametrize("finish", Finish)
@pytest.mark.parametrize("init_strength", [0.75, 1.0])
def test_in_place_of_a_withheld_picture_is_the_one_that_creature_makes(strict, finish, init_strength):
    asked = request(
        steps=2,
        init_strength=init_strength,
        scene=replace(SPECIES.scene, finish=finish),
        caption=("Karro", "Karrus tima"),
        width=128,
        height=64,
    )
    result = strict.generate(asked, Work())
    print_of_it = CreatureEngine().generate(asked, Work())
    assert result.safety is SafetyVerdict.WITHHELD
    assert np.array_equal(pixels(result.blobs[0].data), pixels(print_of_it.blobs[0].data))
    assert result.alt_text == print_of_it.alt_text
    assert (result.width, result.height) == (128, 64)
    assert any("withheld" in note for note in result.provenance.notes)
    assert result.provenance.engine == "stable-diffusion"


def test_where_no_step_is_taken_there_is_nothing_to_judge(strict):
    result = strict.generate(request(init_strength=0.01), Work())
    assert result.safety is None
    assert not any("withheld" in note for note in result.provenance.notes)
    assert result.alt_text.endswith("a drawing without finish.")


def test_no_look_at_what_the_checker_withholds_is_shown(strict):
    events: list[Event] = []
    strict.generate(request(steps=5, init_strength=0.9, previews=True), Work(events.append))
    assert [event.stage for event in events if isinstance(event, Preview)] == ["bones", "decode"]


def test_every_look_at_the_models_picture_is_judged_before_it_is_shown(sd_engine, monkeypatch):
    judged: list[np.ndarray] = []
    checker = sd_engine._checkpoint.checker
    judge = checker.judge

    def every_other(picture: np.ndarray) -> SafetyVerdict:
        judged.append(picture)
        return judge(picture) if len(judged) % 2 else SafetyVerdict.WITHHELD

    monkeypatch.setattr(checker, "judge", every_other)
    monkeypatch.setattr(engines, "PACE", 0)
    shown: list[bytes] = []

    def listen(event: Event) -> None:
        if isinstance(event, Preview) and event.stage == "denoise":
            shown.append(event.data)

    sd_engine.generate(request(steps=20, previews=True), Work(listen))
    *seen, final = judged
    assert shown == [to_webp(look) for look in seen[::2]]
    assert len(seen) > len(shown) > 0
    assert final.shape == (64, 64, 3)
