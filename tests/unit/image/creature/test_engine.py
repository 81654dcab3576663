import cv2
import numpy as np
import pytest

from postcards_image.engine import ImageRequest
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.creature.engine import STAGES
from postcards_serving.engine.work import Event, Preview, Progress, Work
from postcards_serving.errors import Cancelled, DeadlineExceeded
from postcards_serving.testing import WorkCancelledAt
from postcards_species.place.scene import describe_scene
from postcards_species.species import derive_species


def request(seed: int = 3, width: int = 96, height: int = 96, **changes: object) -> ImageRequest:
    species = derive_species(seed)
    return ImageRequest(species.body_plan, species.scene, seed=seed, width=width, height=height, **changes)


def pixels(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


@pytest.fixture(scope="module")
def engine() -> CreatureEngine:
    return CreatureEngine()


def test_the_same_request_gives_the_same_bytes(engine: CreatureEngine) -> None:
    first, second = (engine.generate(request(), Work()) for _ in range(2))
    assert first.blobs[0].data == second.blobs[0].data


def test_another_seed_gives_another_picture(engine: CreatureEngine) -> None:
    first, second = (pixels(engine.generate(request(seed), Work()).blobs[0].data) for seed in (3, 4))
    assert np.abs(first.astype(int) - second.astype(int)).mean() > 8


@pytest.mark.parametrize(("width", "height"), [(64, 64), (64, 200), (264, 72), (136, 136)])
def test_every_size_is_drawn(engine: CreatureEngine, width: int, height: int) -> None:
    result = engine.generate(request(5, width, height), Work())
    assert (result.width, result.height) == (width, height)
    assert pixels(result.blobs[0].data).shape == (height, width, 3)


def test_stages_and_previews_come_in_order(engine: CreatureEngine) -> None:
    events: list[Event] = []
    engine.generate(request(previews=True), Work(events.append))
    assert [(type(event), event.stage) for event in events] == [
        (kind, stage) for stage in STAGES for kind in (Progress, Preview)
    ]
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] < 1


def test_previews_are_small_webp_pictures_that_differ(engine: CreatureEngine) -> None:
    events: list[Event] = []
    engine.generate(request(width=512, height=256, previews=True), Work(events.append))
    shown = [event for event in events if isinstance(event, Preview)]
    assert all(event.content_type == "image/webp" and event.data[8:12] == b"WEBP" for event in shown)
    assert {pixels(event.data).shape for event in shown} == {(192, 384, 3)}
    assert len({event.data for event in shown}) == len(STAGES)


def test_no_previews_unless_asked_for(engine: CreatureEngine) -> None:
    events: list[Event] = []
    engine.generate(request(), Work(events.append))
    assert not any(isinstance(event, Preview) for event in events)


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_a_cancelled_picture_stops_before_the_next_stage(engine: CreatureEngine, stage: str) -> None:
    work = WorkCancelledAt(stage)
    with pytest.raises(Cancelled):
        engine.generate(request(), work)
    assert work.stages[-1] == stage


def test_a_deadline_stops_the_picture(engine: CreatureEngine) -> None:
    with pytest.raises(DeadlineExceeded):
        engine.generate(request(), Work(timeout=0))


def test_the_result_says_what_it_shows_and_how_it_was_made(engine: CreatureEngine) -> None:
    result = engine.generate(request(7), Work())
    assert result.blobs[0].name == "image.png"
    assert result.alt_text[0].isupper()
    assert result.alt_text.endswith(".")
    assert describe_scene(derive_species(7).scene) in result.alt_text
    assert result.provenance.engine == "creature"
    assert result.provenance.settings["width"] == "96"


def test_the_picture_does_not_grow_beyond_what_a_postcard_stores(engine: CreatureEngine) -> None:
    result = engine.generate(request(2, 1024, 1024), Work())
    assert len(result.blobs[0].data) < 3_000_000
