"""Manifests: written, read back, refused when damaged."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postcards_composer.postcards.acceptance import accepted
from postcards_composer.postcards.create_request import AudioSettings, CreateRequest, ImageSettings, LanguageSettings
from postcards_composer.postcards.json_values import JsonError, from_json, to_json
from postcards_composer.postcards.manifest import (
    File,
    LeaseRecord,
    Manifest,
    Part,
    PartError,
    PartKind,
    PartState,
    PostcardState,
    WordTiming,
)
from postcards_composer.postcards.manifest_json import ManifestError, dump, load
from postcards_serving.engine.work import Provenance
from postcards_species.place.scene import Finish
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word

MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000))
TEXTS = st.text(max_size=40)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SPECIES = [derive_species(seed, 0.5, "fog") for seed in range(3)]

phrases = st.builds(
    Phrase,
    animal_text=TEXTS,
    english_gloss=TEXTS,
    intent=st.sampled_from(Intent),
    mood=st.sampled_from(Mood),
    words=st.lists(
        st.builds(
            Word,
            text=TEXTS,
            gloss=TEXTS,
            syllables=st.lists(
                st.builds(Syllable, phonemes=st.lists(TEXTS, max_size=2).map(tuple), text=TEXTS, tone=NUMBERS),
                max_size=2,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)
provenances = st.builds(
    Provenance,
    engine=TEXTS,
    engine_version=TEXTS,
    settings=st.dictionaries(TEXTS, TEXTS, max_size=3),
    libraries=st.dictionaries(TEXTS, TEXTS, max_size=3),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
)
errors = st.builds(PartError, code=TEXTS, reason=TEXTS, message=TEXTS)


def part(kind: PartKind) -> st.SearchStrategy[Part]:
    return st.builds(
        Part,
        kind=st.just(kind),
        state=st.sampled_from(PartState),
        error=st.none() | errors,
        provenance=st.none() | provenances,
        duration=st.none() | NUMBERS,
        attempts=st.integers(0, 2**32),
    )


manifests = st.builds(
    Manifest,
    id=TEXTS,
    generation=TEXTS,
    fingerprint=TEXTS,
    request_id=TEXTS,
    seed=st.integers(0, 2**64 - 1),
    theme=TEXTS,
    strangeness=st.floats(0, 1),
    image=st.builds(
        ImageSettings,
        prompt=TEXTS,
        width=st.none() | st.integers(64, 2048),
        guidance_scale=st.none() | NUMBERS,
        finish=st.none() | st.sampled_from(Finish),
    ),
    audio=st.builds(AudioSettings, prompt=TEXTS, seconds=st.none() | NUMBERS),
    language=st.builds(LanguageSettings, intent=st.none() | st.sampled_from(Intent), top_p=st.none() | NUMBERS),
    timeout=NUMBERS,
    species=st.sampled_from(SPECIES),
    created_at=MOMENTS,
    updated_at=MOMENTS,
    state=st.sampled_from(PostcardState),
    revision=st.integers(1, 2**64),
    round=st.integers(0, 100),
    spent=NUMBERS,
    lease=st.none() | st.builds(LeaseRecord, holder=TEXTS, expires_at=MOMENTS),
    takeovers=st.integers(0, 100),
    phrase=st.none() | phrases,
    parts=st.tuples(*(part(kind) for kind in PartKind)),
    files=st.lists(
        st.builds(File, name=TEXTS, content_type=TEXTS, size_bytes=st.integers(0, 2**63), sha256=TEXTS), max_size=3
    ).map(tuple),
    alt_text=TEXTS,
    call_seconds=NUMBERS,
    timings=st.lists(st.builds(WordTiming, st.integers(0, 9), NUMBERS, NUMBERS), max_size=2).map(tuple),
    says_phrase=st.booleans(),
    card_error=st.none() | errors,
)


def example() -> Manifest:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    return replace(
        accepted(CreateRequest(request_id="r", seed=2**64 - 1), LeaseRecord("holder", moment)), created_at=moment
    )


@given(manifests)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_written_is_read_back(manifest: Manifest):
    assert load(dump(manifest)) == manifest


def test_a_manifest_is_plain_json_that_any_language_reads_exactly():
    value = json.loads(dump(example()))

    assert value["schema"] == 1
    assert value["seed"] == str(2**64 - 1)
    assert value["created_at"] == "2026-11-22T00:00:00.000+00:00"
    assert value["state"] == "creating"


def harmed(**changes: object) -> bytes:
    value = json.loads(dump(example()))
    value.update(changes)
    return json.dumps({key: item for key, item in value.items() if item is not ...}, default=str).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "schema None"),
        (harmed(schema=2), "schema 2; this composer reads schema 1"),
        (harmed(mood="odd"), "unknown fields: mood"),
        (harmed(a=1, b=2), "unknown fields: a, b"),
        (harmed(state="asleep"), "manifest.state is not one of creating, active"),
        (harmed(revision=True), "manifest.revision is not a whole number"),
        (harmed(revision="9" * 21), "manifest.revision is not a whole number"),
        (harmed(spent="long"), "manifest.spent is not a number"),
        (harmed(theme=5), "manifest.theme is not of type str"),
        (harmed(says_phrase=0), "manifest.says_phrase is not of type bool"),
        (harmed(created_at="yesterday"), "manifest.created_at is not a time"),
        (harmed(created_at="2026-11-22T00:00:00"), "manifest.created_at has no time zone"),
        (harmed(files={}), "manifest.files is not a list"),
        (harmed(files=[{"name": "x"}]), "manifest.files[0] lacks fields: content_type, sha256, size_bytes"),
        (harmed(image=[]), "manifest.image is not an object"),
        (harmed(lease=3), "manifest.lease is not an object"),
        (harmed(parts=[]), "manifest.parts are not one of each kind"),
    ],
)
def test_a_damaged_manifest_is_refused_with_the_place(data: bytes, words: str):
    with pytest.raises(ManifestError) as caught:
        load(data)
    assert words in str(caught.value)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_being_refused(data: bytes):
    with pytest.raises(ManifestError):
        load(data)


def test_a_missing_field_is_named():
    value = json.loads(dump(example()))
    del value["species"]["parents"][0]["animal"]

    with pytest.raises(ManifestError, match=r"manifest\.species\.parents\[0\] lacks fields: animal"):
        load(json.dumps(value).encode())


def test_a_number_that_is_none_is_never_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump(replace(example(), spent=math.nan))


def test_a_type_that_has_no_json_is_refused():
    with pytest.raises(TypeError, match="no JSON for set"):
        to_json({1})


@given(st.integers(-(2**64), 2**64))
def test_whole_numbers_survive(number: int):
    assert from_json(int, json.loads(json.dumps(to_json(number)))) == number


def test_a_fraction_is_not_a_whole_number():
    with pytest.raises(JsonError, match="int is not a whole number"):
        from_json(int, 1.5)
