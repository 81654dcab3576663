"""From a manifest to the requests that make its parts again."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from postcards.audio.v1 import audio_pb2
from postcards.image.v1 import image_pb2
from postcards.language.v1 import language_pb2
from postcards.species.v1 import phrase_pb2

from postcards_composer.parts.replay_plan import plan_replay
from postcards_composer.parts.requests import audio_request, image_request
from postcards_composer.postcards.acceptance import accepted, content_fingerprint
from postcards_composer.postcards.create_request import AudioSettings, CreateRequest, ImageSettings, LanguageSettings
from postcards_composer.postcards.manifest import LeaseRecord, Manifest, Part, PartKind, PartState
from postcards_composer.postcards.manifest_json import dump, load
from postcards_serving.engine.work import Provenance, json_settings
from postcards_serving.errors import FailedPrecondition, InvalidField
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word

FROZEN = sorted(Path(__file__).parents[1].joinpath("manifests").glob("*.json"))
"""Manifests as the first composers wrote them."""
PHRASE = Phrase("Ka.", "Come.", Intent.COMMAND, Mood.CALM, (Word("ka", "come", (Syllable(("k", "a"), "ka"),)),))
IMAGE, LANGUAGE, AUDIO = PartKind

singles = st.floats(0, 50, width=32)
everything_of_an_image = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**64 - 1),
        "strangeness": st.floats(0, 1),
        "prompt": st.text(st.characters(codec="utf-8"), max_size=50),
        "negative_prompt": st.text(st.characters(codec="utf-8"), max_size=50),
        "width": st.integers(64, 2048),
        "height": st.integers(64, 2048),
        "steps": st.integers(1, 1000),
        "guidance_scale": singles,
        "init_strength": singles,
        "sampler": st.text("abc-", max_size=9),
        "style": st.text("abc-", max_size=9),
        "exact": st.booleans(),
    }
)


@cache
def begun(request: CreateRequest) -> Manifest:
    return accepted(request, LeaseRecord("holder", datetime(2026, 11, 22, tzinfo=UTC)))


def made(request: CreateRequest | None = None, **settings: dict[str, object]) -> Manifest:
    """A finished postcard; each keyword names a part and holds the settings that took part."""
    parts = tuple(
        Part(
            kind,
            PartState.DONE,
            provenance=Provenance(f"{kind.value}-engine", "1", settings=json_settings(**settings.get(kind.value, {}))),
        )
        for kind in PartKind
    )
    manifest = begun(request or CreateRequest(request_id="r", seed=7, theme="fog"))
    return replace(manifest, parts=parts, phrase=PHRASE, says_phrase=True)


def without(manifest: Manifest, *kinds: PartKind) -> Manifest:
    return replace(manifest, parts=tuple(Part(p.kind) if p.kind in kinds else p for p in manifest.parts))


@pytest.mark.parametrize("file", FROZEN, ids=lambda file: file.stem)
def test_a_manifest_of_the_first_composers_is_read_and_replayed(file: Path):
    manifest = load(file.read_bytes())
    assert load(dump(manifest)) == manifest
    plan = plan_replay(manifest)
    engines = [manifest.part(kind).provenance.engine for kind in PartKind]
    assert [plan.image.engine, plan.language.engine, plan.audio.engine] == engines
    assert {plan.image.seed, plan.language.seed, plan.audio.seed} == {manifest.seed}


@pytest.mark.parametrize("file", FROZEN, ids=lambda file: file.stem)
def test_a_request_of_then_is_still_the_same_request(file: Path):
    then = load(file.read_bytes())
    again = CreateRequest(
        seed=then.seed,
        theme=then.theme,
        strangeness=then.strangeness,
        image=then.image,
        audio=then.audio,
        language=then.language,
    )
    assert content_fingerprint(again) == then.fingerprint
    assert content_fingerprint(replace(again, image=replace(then.image, exact=True))) != then.fingerprint
    assert content_fingerprint(replace(again, audio=replace(then.audio, exact=True))) != then.fingerprint
    assert content_fingerprint(replace(again, image=replace(then.image, style="distorted"))) != then.fingerprint


@given(everything_of_an_image)
def test_every_setting_that_took_part_is_put_back(settings: dict[str, object]):
    request = plan_replay(made(image=settings)).image
    assert {name: getattr(request, name) for name in settings} == settings


def test_the_settings_of_then_win_over_what_would_be_asked_now():
    asked = CreateRequest(seed=7, image=ImageSettings(steps=9, sampler="euler"), audio=AudioSettings(seconds=4))
    plan = plan_replay(made(asked, image={"steps": 20, "prompt": "as it was"}, audio={"seconds": 3.5}))
    assert (plan.image.steps, plan.image.sampler, plan.image.prompt) == (20, "euler", "as it was")
    assert plan.audio.seconds == 3.5


def test_the_prompt_of_then_is_put_back():
    """Only an engine can write one; who asked for none gets again what the engine wrote then."""
    asked = begun(CreateRequest(seed=7, theme="fog"))
    assert (image_request(asked).prompt, audio_request(asked).prompt) == ("", "")
    told = {"prompt": "as the engine wrote it"}
    plan = plan_replay(replace(asked, parts=made(image=told, audio=told).parts))
    assert (plan.image.prompt, plan.audio.prompt) == ("as the engine wrote it",) * 2


@pytest.mark.parametrize("write", [image_request, audio_request])
def test_engines_are_told_what_a_prompt_is_written_from(write: Callable[[Manifest], Message]):
    manifest = begun(CreateRequest(seed=7, theme="fog"))
    request = write(manifest)
    assert request.theme == "fog"
    assert tuple(request.temperament) == manifest.species.temperament
    assert tuple(parent.animal for parent in request.parents) == tuple(p.animal for p in manifest.species.parents)


def test_what_is_no_setting_of_the_request_changes_nothing():
    plain = plan_replay(made())
    odd = {"classes": {"bass": 0.4}, "resolution": 64, "body_plan": {}, "scene": 3, "parents": [1], "caption": ["x"]}
    heads = {"engine": "other", "request_id": "mine", "previews": False}
    assert plan_replay(made(image=odd | heads)) == plain
    assert plan_replay(made(audio={"vocal_tract": {"folds": 2}, "phrase": None})) == plain


def test_null_leaves_a_field_to_the_engine():
    asked = CreateRequest(seed=7, language=LanguageSettings(temperature=1.5, intent=Intent.PLAY))
    request = plan_replay(made(asked, language={"temperature": None, "intent": None})).language
    assert not request.HasField("temperature")
    assert request.intent == phrase_pb2.INTENT_UNSPECIFIED


@pytest.mark.parametrize("intent", list(Intent))
def test_enums_are_put_back_by_their_names(intent: Intent):
    request = plan_replay(made(language={"intent": intent.value, "mood": "calm"})).language
    assert request.intent == phrase_pb2.Intent.Value(f"INTENT_{intent.name}")
    assert request.mood == phrase_pb2.MOOD_CALM


def test_the_requests_name_engine_and_postcard():
    manifest = made()
    plan = plan_replay(manifest)
    for kind, request in zip(PartKind, (plan.image, plan.language, plan.audio), strict=True):
        assert request.engine == f"{kind.value}-engine"
        assert request.request_id == f"{manifest.id}.replay.{kind.value}"


def test_the_animal_is_the_one_of_the_manifest():
    manifest = made()
    now, then = plan_replay(manifest).image, image_request(manifest)
    for name in ("body_plan", "scene", "parents", "caption", "strangeness"):
        assert getattr(now, name) == getattr(then, name)


def test_a_call_is_made_again_in_the_words_that_it_said():
    manifest = made()
    assert plan_replay(manifest).audio.phrase.animal_text == "Ka."
    wordless = plan_replay(replace(manifest, says_phrase=False))
    assert not wordless.audio.HasField("phrase")


def test_what_was_never_made_is_not_made_again():
    plan = plan_replay(without(made(), IMAGE, AUDIO))
    assert (plan.image, plan.audio) == (None, None)
    assert plan.language is not None
    with pytest.raises(FailedPrecondition, match="no part"):
        plan_replay(without(made(), *PartKind))


@pytest.mark.parametrize(
    ("part", "name", "text"),
    [
        ("image", "steps", "many"),
        ("image", "steps", '"20"'),
        ("image", "steps", "true"),
        ("image", "steps", "20.5"),
        ("image", "steps", "-1"),
        ("image", "width", str(2**40)),
        ("image", "seed", str(2**64)),
        ("image", "exact", "1"),
        ("image", "prompt", "7"),
        ("image", "prompt", '"\\ud800"'),
        ("image", "guidance_scale", "false"),
        ("image", "strangeness", "1" + "0" * 400),
        ("language", "intent", '"dancing"'),
        ("language", "intent", "[]"),
        ("audio", "seconds", "[" * 100_000),
    ],
)
def test_a_damaged_setting_is_refused_by_name(part: str, name: str, text: str):
    manifest = made()
    harmed = tuple(
        replace(p, provenance=replace(p.provenance, settings={name: text})) if p.kind.value == part else p
        for p in manifest.parts
    )
    with pytest.raises(InvalidField) as caught:
        plan_replay(replace(manifest, parts=harmed))
    assert caught.value.field == "manifest"
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ImageSettings, image_pb2.GenerateImageRequest),
        (AudioSettings, audio_pb2.GenerateAudioRequest),
        (LanguageSettings, language_pb2.GeneratePhrasesRequest),
    ],
)
def test_what_may_be_said_of_a_part_has_the_name_of_its_requests_field(settings: type, message: type):
    """So that a setting in a provenance, named as the request's field, finds its way back."""
    names = {field.name for field in fields(settings)} - {"finish"}
    assert names <= set(message.DESCRIPTOR.fields_by_name)


def test_the_frozen_manifests_lack_what_came_later():
    assert len(FROZEN) == 2
    for file in FROZEN:
        value = json.loads(file.read_text(encoding="utf-8"))
        assert not {"exact", "style"} & value["image"].keys()
        assert all("model_files" not in part["provenance"] for part in value["parts"])
