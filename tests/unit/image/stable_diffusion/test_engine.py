"""The Stable Diffusion engine around a tiny checkpoint: what is asked for shows, is told and recorded, or refused."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from postcards_image.engines.stable_diffusion import engine as engines  # noqa: E402
from postcards_serving.engine.work import Event, Preview, Progress, Work  # noqa: E402
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, InvalidField  # noqa: E402
from postcards_serving.testing import WorkCancelledAt  # noqa: E402
from sd_pictures import SPECIES, WORDS, picture, pixels, request  # noqa: E402


def test_everything_asked_for_shows(sd_engine):
    plain = picture(sd_engine)
    for change in (
        {"seed": 4},
        {"prompt": "a pale worm"},
        {"negative_prompt": "stripes"},
        {"steps": 6},
        {"guidance_scale": 2.0},
        {"sampler": "euler"},
        {"init_strength": 0.8},
        {"prompt": WORDS["prompt"] + ", and a very long list of things that no encoder reads at once" * 3},
    ):
        assert np.abs(picture(sd_engine, **change) - plain).max() > 0, change


def test_strength_goes_from_the_drawing_to_words_alone(sd_engine):
    drawing = engines.draw_unfinished(SPECIES.body_plan, SPECIES.scene, 3, 64, 64, Work())
    result = sd_engine.generate(request(init_strength=0.0), Work())
    assert np.array_equal(pixels(result.blobs[0].data), drawing)
    assert "the drawing itself" in result.provenance.notes[0]
    far = [np.abs(picture(sd_engine, init_strength=s, steps=10) - drawing).mean() for s in (0.2, 0.6, 1.0)]
    assert far[0] < far[-1]


def test_stages_steps_and_looks_are_reported(sd_engine):
    events: list[Event] = []
    sd_engine.generate(request(steps=12, init_strength=0.8, previews=True), Work(events.append))
    progress = [event for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(event.stage for event in progress)) == list(sd_engine.stages)
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], progress[-1].step, progress[-1].steps - 1) == (0, progress[-1].steps - 1, progress[-1].step)
    shown = [event for event in events if isinstance(event, Preview)]
    assert {event.stage for event in shown} == {"bones", "denoise", "decode"}
    assert all(event.data[8:12] == b"WEBP" for event in shown)


def test_no_looks_unless_asked_for(sd_engine):
    events: list[Event] = []
    sd_engine.generate(request(), Work(events.append))
    assert not any(isinstance(event, Preview) for event in events)


@pytest.mark.parametrize("stage", ["bones", "text", "denoise", "decode"])
def test_a_cancelled_picture_stops_where_it_is(sd_engine, stage):
    work = WorkCancelledAt(stage)
    with pytest.raises(Cancelled):
        sd_engine.generate(request(steps=3 if stage == "decode" else 900), work)
    assert work.stages[-1] == stage


def test_a_deadline_stops_the_picture(sd_engine):
    with pytest.raises(DeadlineExceeded):
        sd_engine.generate(request(), Work(timeout=0))


def test_a_number_of_steps_that_the_sampler_cannot_take_is_refused(sd_engine):
    with pytest.raises(InvalidField, match="steps") as fault:
        sd_engine.generate(request(steps=1000, sampler="pndm"), Work())
    assert fault.value.field == "steps"


def test_a_sampler_that_the_model_cannot_do_is_refused_by_its_name(sd_engine, monkeypatch):
    scheduler = {**sd_engine._checkpoint.scheduler, "predict_x0": False}
    monkeypatch.setattr(sd_engine, "_checkpoint", replace(sd_engine._checkpoint, scheduler=scheduler))
    with pytest.raises(InvalidField, match="predict_x0") as fault:
        sd_engine.generate(request(sampler="unipc"), Work())
    assert fault.value.field == "sampler"


def test_provenance_says_how_to_make_it_again(sd_engine, sd_checkpoint):
    asked = request(seed=2**64 - 1, steps=2, guidance_scale=2.5, sampler="ddim", exact=True, strangeness=0.25)
    result = sd_engine.generate(asked, Work())
    provenance = result.provenance
    settings = {name: json.loads(value) for name, value in provenance.settings.items()}
    fields = ("seed", "prompt", "negative_prompt", "steps", "guidance_scale", "init_strength", "sampler", "exact")
    assert {name: settings[name] for name in (*fields, "style", "strangeness")} == {
        name: getattr(asked, name) for name in (*fields, "style", "strangeness")
    }
    assert (settings["width"], settings["height"], settings["dtype"]) == (64, 64, "float32")
    assert (provenance.model, provenance.device) == (sd_checkpoint.name, "cpu")
    assert provenance.model_revision.startswith("sha256:")
    assert {"unet/diffusion_pytorch_model.safetensors", "vae/config.json"} <= provenance.model_files.keys()
    assert not any(".fp16." in name for name in provenance.model_files)
    assert provenance.libraries.keys() >= {"torch", "diffusers", "transformers", "safetensors"}
    again = {name: settings[name] for name in (*fields, "style", "strangeness", "width", "height")}
    assert sd_engine.generate(request(**again), Work()).blobs == result.blobs


def test_numbers_that_are_no_picture_are_an_error(sd_engine, monkeypatch):
    unet = sd_engine._checkpoint.network.unet
    monkeypatch.setattr(unet.conv_out, "forward", lambda sample: torch.full_like(sample[:, :4], float("nan")))
    with pytest.raises(EngineFailed, match="no picture"):
        sd_engine.generate(request(), Work())


def test_numbers_that_are_no_picture_are_seen_in_the_step_that_makes_them(sd_engine, monkeypatch):
    network, calls = sd_engine._checkpoint.network, itertools.count()
    answer = network.unet.conv_out.forward

    def diverging(sample):
        return torch.full_like(sample[:, :4], float("nan")) if next(calls) == 1 else answer(sample)

    monkeypatch.setattr(network.unet.conv_out, "forward", diverging)
    with pytest.raises(EngineFailed, match="no picture"):
        sd_engine.generate(request(steps=12), Work())
    assert next(calls) == 2
