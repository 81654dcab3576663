"""The engine around a tiny model: what it reports, sends and refuses."""

import json
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from postcards_image.engine import ImageRequest
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_image.engines.ddpm.sampling import Sampler
from postcards_serving.engine.work import Event, Preview, Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, InvalidField
from postcards_serving.testing import WorkCancelledAt
from postcards_species.ancestry.parents import Parent
from postcards_species.species import derive_species
from postcards_species.surroundings import Finish

TINY = Path(__file__).parents[3] / "models" / "tiny.onnx"


@pytest.fixture(scope="module")
def engine():
    engine = DdpmEngine(load_network(str(TINY), threads=1))
    yield engine
    engine.close()


def request(seed: int = 3, **changes: object) -> ImageRequest:
    species = derive_species(seed)
    asked = {
        "seed": seed,
        "width": 96,
        "height": 96,
        "steps": 4,
        "parents": (Parent("okapi", 0.7), Parent("panda", 0.3)),
    }
    return ImageRequest(species.body_plan, species.scene, **asked | changes)


def pixels(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


def raw(engine: DdpmEngine, **changes: object) -> np.ndarray:
    return pixels(engine.generate(request(**changes), Work()).blobs[1].data).astype(int)


def test_a_print_and_the_untouched_sample(engine):
    result = engine.generate(request(width=200, height=120), Work())
    assert [(blob.name, blob.content_type) for blob in result.blobs] == [
        ("image.png", "image/png"),
        ("raw.png", "image/png"),
    ]
    assert pixels(result.blobs[0].data).shape == (120, 200, 3)
    assert pixels(result.blobs[1].data).shape == (16, 16, 3)
    assert (result.width, result.height) == (200, 120)


@pytest.mark.parametrize("finish", list(Finish))
@pytest.mark.parametrize(("width", "height"), [(64, 64), (64, 264), (264, 72)])
def test_every_size_is_printed_in_every_finish(engine, finish, width, height):
    scene = replace(derive_species(3).scene, finish=finish)
    asked = replace(request(width=width, height=height), scene=scene)
    assert pixels(engine.generate(asked, Work()).blobs[0].data).shape == (height, width, 3)


def test_everything_asked_for_shows_in_the_sample(engine):
    base = {"steps": 8, "init_strength": 0.8}
    plain = raw(engine, **base)
    for change in (
        {"seed": 4},
        {"steps": 9},
        {"guidance_scale": 6.0},
        {"init_strength": 1.0},
        {"sampler": "euler"},
        {"parents": (Parent("panda", 1.0),)},
        {"strangeness": 1.0},
    ):
        assert np.abs(raw(engine, **base | change) - plain).max() > 0, change


@pytest.mark.parametrize(("animal", "colour"), [("okapi", 2), ("sea horse", 1), ("panda", 0)])
def test_the_parents_decide_what_is_drawn(engine, animal, colour):
    """The tiny model draws discs: red okapis, green sea horses, blue pandas."""
    pictures = [raw(engine, seed=s, parents=(Parent(animal, 1.0),), init_strength=1.0, steps=20) for s in range(5)]
    brightest = [int(np.quantile(picture[..., channel], 0.95)) for channel in range(3) for picture in pictures]
    means = np.reshape(brightest, (3, 5)).mean(axis=1)
    assert np.argmax(means) == colour


def test_strength_goes_from_the_drawing_to_noise(engine):
    drawing = raw(engine, init_strength=0.0)
    assert np.array_equal(drawing, raw(engine, init_strength=0.0, sampler="ddim", guidance_scale=1.0))
    far = [np.abs(raw(engine, init_strength=s, steps=20) - drawing).mean() for s in (0.1, 0.4, 1.0)]
    assert far == sorted(far)
    assert far[0] > 0


def test_pictures_made_together_are_those_made_apart(engine):
    asked = [
        request(3, steps=12),
        request(4, steps=5, guidance_scale=1.0),
        request(5, steps=8, sampler="ddpm", init_strength=1.0),
        request(6, steps=3, init_strength=0.3, guidance_scale=5.0),
    ]
    apart = [pixels(engine.generate(one, Work()).blobs[1].data).astype(int) for one in asked]
    together: dict[int, np.ndarray] = {}

    def make(index: int) -> None:
        together[index] = pixels(engine.generate(asked[index], Work()).blobs[1].data).astype(int)

    threads = [threading.Thread(target=make, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.abs(together[index] - apart[index]).max() <= 1 for index in range(4))


def test_an_exact_picture_is_equal_bit_by_bit_in_any_company(engine):
    asked = request(4, steps=9, exact=True)
    alone = engine.generate(asked, Work())
    together: dict[int, bytes] = {}

    def make(index: int) -> None:
        one = asked if index == 0 else request(index, steps=12)
        together[index] = engine.generate(one, Work()).blobs[1].data

    threads = [threading.Thread(target=make, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together[0] == alone.blobs[1].data
    assert alone.provenance.settings["exact"] == "true"


def test_stages_steps_and_previews_are_reported(engine):
    events: list[Event] = []
    # Many steps: who listens is woken in between, however busy the machine is.
    engine.generate(request(steps=60, init_strength=1.0, previews=True), Work(events.append))
    progress = [event for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(event.stage for event in progress)) == ["bones", "denoise", "print"]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], progress[-1].step, progress[-1].steps) == (0, 61, 62)
    shown = [event for event in events if isinstance(event, Preview)]
    assert {event.stage for event in shown} >= {"denoise", "print"}
    assert all(event.data[8:12] == b"WEBP" for event in shown)


def test_looks_at_a_picture_are_some_steps_apart(engine):
    steps: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Progress) and event.stage == "denoise":
            steps.append(event.step)
        elif isinstance(event, Preview) and event.stage == "denoise":
            seen.append(steps[-1])

    seen: list[int] = []
    engine.generate(request(steps=300, init_strength=1.0, previews=True), Work(listen))
    assert seen
    assert all(later - earlier >= 3 for earlier, later in pairwise(seen))


def test_the_bones_are_shown_where_there_are_any(engine):
    events: list[Event] = []
    engine.generate(request(init_strength=0.5, previews=True), Work(events.append))
    assert next(event.stage for event in events if isinstance(event, Preview)) == "bones"


def test_no_previews_unless_asked_for(engine):
    events: list[Event] = []
    engine.generate(request(), Work(events.append))
    assert not any(isinstance(event, Preview) for event in events)


@pytest.mark.parametrize("stage", ["bones", "denoise"])
def test_a_cancelled_picture_stops_where_it_is(engine, stage):
    work = WorkCancelledAt(stage)
    with pytest.raises(Cancelled):
        engine.generate(request(steps=1000, init_strength=1.0), work)
    assert work.stages[-1] == stage


def test_a_deadline_stops_the_picture(engine):
    with pytest.raises(DeadlineExceeded):
        engine.generate(request(), Work(timeout=0))


def test_a_style_is_refused(engine):
    with pytest.raises(InvalidField, match="knows no styles") as fault:
        engine.generate(request(style="distorted"), Work())
    assert fault.value.field == "style"


def test_an_unknown_sampler_is_refused_with_the_known(engine):
    with pytest.raises(InvalidField, match="dpmpp-2m, euler, ddim, ddpm, not 'magic'") as fault:
        engine.generate(request(sampler="magic"), Work())
    assert fault.value.field == "sampler"


def test_provenance_says_how_to_make_it_again(engine):
    asked = request(init_strength=0.5, guidance_scale=3.0, parents=(Parent("okapi", 0.5), Parent("dragon", 0.5)))
    provenance = engine.generate(asked, Work()).provenance
    settings = {name: json.loads(value) for name, value in provenance.settings.items()}
    assert provenance.model == "tiny"
    assert provenance.model_revision.startswith("sha256:")
    assert provenance.model_files == {"tiny.onnx": provenance.model_revision.removeprefix("sha256:")}
    assert settings["classes"] == {"okapi": 1.0}
    assert (settings["model_name"], settings["dtype"]) == (None, "float32")
    assert {name: settings[name] for name in ("seed", "steps", "guidance_scale", "init_strength", "sampler")} == {
        "seed": 3,
        "steps": 4,
        "guidance_scale": 3.0,
        "init_strength": 0.5,
        "sampler": "dpmpp-2m",
    }
    assert set(provenance.libraries) >= {"numpy", "onnxruntime"}
    assert provenance.notes == ("the model does not know dragon",)


def test_a_model_is_named_as_it_is_loaded_and_what_it_calls_itself_is_told_beside(tmp_path):
    folder = tmp_path / "jungle"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(TINY.read_bytes())
    engine = DdpmEngine(load_network(str(folder), threads=1))
    provenance = engine.generate(request(), Work()).provenance
    engine.close()
    assert (provenance.model, json.loads(provenance.settings["model_name"])) == ("jungle", "tiny")


def test_the_sentence_names_the_classes(engine):
    text = engine.generate(request(), Work()).alt_text
    assert "the okapi and the panda" in text
    assert text.endswith(".")


class Broken:
    """A network that answers with what is no number."""

    def __init__(self, network) -> None:
        self._network = network

    def __getattr__(self, name: str):
        return getattr(self._network, name)

    def predict(self, sample, timestep, class_weights):
        del timestep, class_weights
        return np.full_like(sample, np.nan)


def test_numbers_that_are_no_picture_are_an_error():
    engine = DdpmEngine(Broken(load_network(str(TINY), threads=1)))
    with pytest.raises(EngineFailed, match="no picture"):
        engine.generate(request(), Work())
    engine.close()


@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_sampler_can_be_asked_for(engine, sampler):
    assert raw(engine, sampler=sampler.value).shape == (16, 16, 3)
