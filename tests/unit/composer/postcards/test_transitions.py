"""How a postcard changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from postcards_composer.postcards import transitions
from postcards_composer.postcards.acceptance import accepted
from postcards_composer.postcards.create_request import CreateRequest, ImageSettings
from postcards_composer.postcards.manifest import (
    File,
    LeaseRecord,
    Manifest,
    Part,
    PartError,
    PartKind,
    PartState,
    PostcardState,
)
from postcards_serving.engine.work import Provenance
from postcards_species.place.scene import Finish
from postcards_species.species import derive_species

MOMENT = datetime(2026, 11, 22, tzinfo=UTC)
LATER = MOMENT + timedelta(seconds=9)
LEASE = LeaseRecord("one", MOMENT)
ERROR = PartError("INTERNAL", "NO", "no")
DONE, FAILED, RUNNING, PENDING, CANCELLED = (
    PartState.DONE,
    PartState.FAILED,
    PartState.RUNNING,
    PartState.PENDING,
    PartState.CANCELLED,
)


def manifest(*states: PartState, **changes: object) -> Manifest:
    parts = tuple(Part(kind, state, attempts=1) for kind, state in zip(PartKind, states, strict=False))
    return replace(accepted(CreateRequest(seed=1), LEASE), parts=parts or tuple(map(Part, PartKind)), **changes)


def states(value: Manifest) -> list[PartState]:
    return [part.state for part in value.parts]


def test_a_new_postcard_is_the_species_of_its_seed():
    value = accepted(CreateRequest(seed=9, theme="fog", strangeness=0.25), LEASE)

    assert value.species == derive_species(9, 0.25, "fog")
    assert (value.state, value.revision, value.round, value.lease) == (PostcardState.CREATING, 1, 0, LEASE)
    assert states(value) == [PENDING] * 3


def test_an_asked_finish_goes_into_the_scene():
    for finish in Finish:
        value = accepted(CreateRequest(seed=9, image=ImageSettings(finish=finish)), LEASE)
        assert value.species.scene.finish is finish


def test_a_part_begins_and_is_completed():
    begun = transitions.begin_part(manifest(), LATER, PartKind.AUDIO)
    done = transitions.complete_part(
        begun,
        LATER,
        PartKind.AUDIO,
        files=[File("call.mp3", "audio/mpeg", 3, "00")],
        provenance=Provenance("e", "1"),
        duration=2.5,
        retries=2,
    )

    assert states(begun) == [PENDING, PENDING, RUNNING]
    assert done.part(PartKind.AUDIO) == Part(PartKind.AUDIO, DONE, None, Provenance("e", "1"), 2.5, 3)
    assert done.file("call.mp3") is not None
    assert (begun.revision, done.revision, done.updated_at) == (2, 3, LATER)


def test_a_part_fails():
    failed = transitions.fail_part(
        manifest(RUNNING, PENDING, PENDING), LATER, PartKind.IMAGE, error=ERROR, duration=1, retries=1
    )

    assert failed.part(PartKind.IMAGE) == Part(PartKind.IMAGE, FAILED, ERROR, None, 1, 2)


@pytest.mark.parametrize("ends", list(product([DONE, FAILED], repeat=3)))
@pytest.mark.parametrize("card_error", [None, ERROR])
def test_the_parts_and_the_card_decide_the_state(ends: tuple[PartState, ...], card_error: PartError | None):
    finished = transitions.finish(manifest(*ends), LATER, files=[], card_error=card_error)

    whole = set(ends) == {DONE} and card_error is None
    expected = PostcardState.ACTIVE if whole else PostcardState.PARTIAL if DONE in ends else PostcardState.FAILED
    assert finished.state is expected
    assert finished.lease is None
    assert finished.finished


def test_a_cancel_keeps_what_is_done():
    value = transitions.cancel(manifest(DONE, RUNNING, PENDING), LATER)

    assert states(value) == [DONE, CANCELLED, CANCELLED]
    assert (value.state, value.lease) == (PostcardState.CANCELLED, None)


def test_a_takeover_begins_again_what_was_running():
    lease = LeaseRecord("two", LATER)

    value = transitions.take_over(manifest(DONE, RUNNING, FAILED), LATER, lease)

    assert states(value) == [DONE, PENDING, FAILED]
    assert (value.lease, value.takeovers) == (lease, 1)


def test_a_lease_that_was_given_back_is_no_takeover():
    given_back = transitions.hold(manifest(RUNNING, DONE, DONE), None, 1.0)

    assert transitions.take_over(given_back, LATER, LeaseRecord("two", LATER)).takeovers == 0


@pytest.mark.parametrize(
    ("before", "says", "after"),
    [
        ((DONE, DONE, FAILED), False, [DONE, DONE, PENDING]),
        ((CANCELLED, DONE, DONE), True, [PENDING, DONE, DONE]),
        ((DONE, FAILED, DONE), False, [DONE, PENDING, PENDING]),
        ((FAILED, FAILED, FAILED), False, [PENDING, PENDING, PENDING]),
        ((DONE, DONE, DONE), True, [DONE, DONE, DONE]),
    ],
)
def test_a_repair_makes_what_is_missing(before: tuple[PartState, ...], says: bool, after: list[PartState]):
    broken = manifest(*before, state=PostcardState.PARTIAL, lease=None, spent=50.0, says_phrase=says, card_error=ERROR)

    value = transitions.repair(broken, LATER, LEASE)

    assert states(value) == after
    assert (value.state, value.lease, value.round, value.spent) == (PostcardState.CREATING, LEASE, 1, 0)
    assert value.card_error is None


def test_a_renewed_lease_is_no_change_that_anybody_sees():
    before = manifest()

    value = transitions.hold(before, LeaseRecord("one", LATER), 3.0)

    assert (value.revision, value.updated_at) == (before.revision, before.updated_at)


def test_files_are_replaced_by_name_and_in_order():
    value = transitions.with_files(manifest(), [File("b", "t", 1, "x"), File("a", "t", 1, "x")])
    value = transitions.with_files(value, [File("b", "t", 2, "y")])

    assert [(file.name, file.size_bytes) for file in value.files] == [("a", 1), ("b", 2)]
