"""Ids, fingerprints, and the places of things in the store."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from postcards_composer.postcards.acceptance import content_fingerprint
from postcards_composer.postcards.create_request import AudioSettings, CreateRequest, ImageSettings
from postcards_composer.postcards.ids import is_postcard_id, new_seed, new_token, postcard_id
from postcards_composer.store import keys
from postcards_composer.store.keys import IndexEntry, PendingEntry
from postcards_composer.store.objects import check_key
from postcards_species.place.scene import Finish

IDS = st.text().map(postcard_id)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2286, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)


@given(st.text())
def test_an_id_is_26_characters_and_the_same_each_time(request_id: str):
    found = postcard_id(request_id)

    assert re.fullmatch("[a-z2-7]{26}", found)
    assert found == postcard_id(request_id)
    assert is_postcard_id(found)


def test_an_id_never_changes_its_meaning():
    """The id of a request that a user made years ago must still be found."""
    assert postcard_id("first") == "p2adk4cjio4ofgdauk5f2x5ydy"


def test_ids_do_not_collide():
    assert len({postcard_id(f"request-{number}") for number in range(20_000)}) == 20_000


@given(st.text().filter(lambda text: not re.fullmatch("[a-z2-7]{26}", text)))
def test_anything_else_is_no_id(text: str):
    assert not is_postcard_id(text)


def test_tokens_and_seeds_differ():
    assert len({new_token() for _ in range(100)}) == 100
    seeds = {new_seed() for _ in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**64 for seed in seeds)


@given(MOMENTS, IDS)
def test_a_place_in_the_index_is_read_back(moment: datetime, found: str):
    entry = IndexEntry(moment, found)

    key = keys.index(entry)

    check_key(key)
    assert keys.parse_index(key) == entry


@given(MOMENTS, MOMENTS, IDS)
def test_the_later_sorts_earlier(one: datetime, other: datetime, found: str):
    first, second = sorted((one, other))

    assert (keys.index(IndexEntry(second, found)) < keys.index(IndexEntry(first, found))) == (first < second)


@given(IDS, st.integers(0, 999_999_999))
def test_a_note_of_work_is_read_back(found: str, number: int):
    entry = PendingEntry(found, number)

    check_key(keys.pending(entry))
    assert keys.parse_pending(keys.pending(entry)) == entry


@given(st.text())
def test_other_keys_are_no_entries(text: str):
    assert keys.parse_pending(text) is None
    assert keys.parse_index(f"index/{text}") is None or re.fullmatch(r"\d{13}-[a-z2-7]{26}", text)


def test_neither_name_nor_patience_is_content():
    request = CreateRequest(seed=5, theme="fog")

    assert content_fingerprint(replace(request, request_id="r")) == content_fingerprint(request)
    assert content_fingerprint(replace(request, timeout=30.0)) == content_fingerprint(request)
    assert content_fingerprint(replace(request, strangeness=0.5)) == content_fingerprint(request)


def test_everything_else_is_content():
    request = CreateRequest()
    others = [
        CreateRequest(seed=0),
        CreateRequest(theme="fog"),
        CreateRequest(strangeness=0.4),
        CreateRequest(image=ImageSettings(width=512)),
        CreateRequest(image=ImageSettings(finish=Finish.RISOGRAPH)),
        CreateRequest(image=ImageSettings(guidance_scale=0.0)),
        CreateRequest(audio=AudioSettings(seconds=4.0)),
    ]

    assert len({content_fingerprint(item) for item in [request, *others]}) == 8


def test_times_are_kept_to_the_millisecond():
    moment = datetime(2026, 11, 22, 12, 0, 0, 123_000, UTC)

    entry = keys.parse_index(keys.index(IndexEntry(moment + timedelta(microseconds=400), "a" * 26)))

    assert entry is not None
    assert entry.created_at == moment
