"""What a part service is made of: as many places as its main engine works on requests at once."""

import pytest

from postcards_serving.engine.served import alone
from postcards_serving.errors import ModelUnusable
from postcards_serving.fallback.engine import FallbackEngine
from postcards_serving.fallback.load import load_with_fallback
from postcards_serving.server.part_service import part_service
from postcards_serving.settings import ServiceSettings
from songbirds import Bird


def missing() -> Bird:
    raise ModelUnusable("nobody has fetched it yet")


def places(engines, **settings: int) -> int:
    service = part_service(engines, ServiceSettings(**settings), lambda *_: None)
    return service.executor._admission.places


@pytest.mark.parametrize(
    ("engines", "expected"),
    [
        (alone(Bird()), 1),
        (alone(Bird(requests_at_once=11)), 11),
        (FallbackEngine(Bird(requests_at_once=11), lambda: Bird("tract"), fallback="tract").served, 11),
        (FallbackEngine(Bird(), lambda: Bird("tract", requests_at_once=11), fallback="tract").served, 1),
    ],
)
def test_as_many_requests_at_once_as_suit_the_main_engine_unless_somebody_says(engines, expected):
    assert places(engines) == expected
    assert places(engines, max_in_flight=3) == 3


def test_while_the_main_engine_is_missing_as_many_as_it_is_expected_to_do():
    engines = load_with_fallback(
        missing, lambda: Bird("tract"), name="model", fallback="tract", retry_seconds=300, expected_at_once=4
    )
    assert places(engines) == 4
    engines.default.close()
