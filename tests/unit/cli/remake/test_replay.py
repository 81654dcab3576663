"""Which manifest is meant, who made its parts, and what is told while they are made again."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2 as pb
from postcards.media.v1 import media_pb2

from postcards_cli.commands.part_services import exit_of, present_parts, wanted_parts
from postcards_cli.remake.replay import Follower, Maker, NoManifest, find_source, makers_of, settings_of
from postcards_cli.shell.exits import CommandFailed, Exit
from postcards_client.errors import InvalidRequest, Unavailable
from postcards_client.events import Advanced, Changed, Previewed
from postcards_composer.api.messages import postcard_message
from postcards_composer.postcards.manifest_json import load

FROZEN = Path(__file__).parents[2] / "composer" / "manifests" / "ddpm.json"
ID = "ky3ytresoahe6ahdjrzk67an6h"


def test_a_file_a_folder_and_an_id_name_a_manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(b"{}")
    for text in (str(folder), "card", "card/manifest.json"):
        source = find_source(text)
        assert (source.path.resolve(), source.data, source.postcard_id) == (folder / "manifest.json", b"{}", "")
    assert find_source(ID).postcard_id == ID
    (tmp_path / ID).mkdir()
    with pytest.raises(NoManifest, match=r"no manifest\.json in"):
        find_source(ID)
    for text in ("gone.json", "a" * 25, ID.upper()):
        with pytest.raises(NoManifest, match="no manifest"):
            find_source(text)


def test_a_file_that_is_too_long_is_not_even_sent(tmp_path):
    (tmp_path / "image.png").write_bytes(bytes(2**20 + 1))
    with pytest.raises(NoManifest, match="too long"):
        find_source(str(tmp_path / "image.png"))


def made_by(**provenance) -> pb.Postcard:
    """A postcard whose picture was made so."""
    return pb.Postcard(parts=[pb.Part(kind=pb.PART_KIND_IMAGE, provenance=media_pb2.Provenance(**provenance))])


def test_who_made_the_parts():
    postcard = postcard_message(load(FROZEN.read_bytes()), None)
    makers = makers_of(postcard, ("image", "audio"))
    assert (makers["image"].engine, makers["image"].model) == ("ddpm", "b2")
    assert makers["image"].revision.startswith("sha256:a7a1ed4e")
    assert makers["image"].settings("image") == {"POSTCARDS_IMAGE_ENGINE": "ddpm"}
    assert makers["audio"] == Maker("vocal-tract", "")
    assert makers.keys() == {"image", "audio"}


COMMIT = "0123456789abcdef" * 2 + "01234567"


def test_a_model_on_the_hub_is_named_with_its_commit_and_its_lora():
    lora = json.dumps({"name": "someone/ink/ink.safetensors", "revision": COMMIT[::-1], "weight": 0.7})
    postcard = made_by(engine="stable-diffusion", model="owner/name", model_revision=COMMIT, settings={"lora": lora})
    assert settings_of(makers_of(postcard, ("image",)), {}) == {
        "POSTCARDS_IMAGE_ENGINE": "stable-diffusion",
        "POSTCARDS_IMAGE_MODEL": "owner/name",
        "POSTCARDS_IMAGE_REVISION": COMMIT,
        "POSTCARDS_IMAGE_LORA": f"someone/ink@{COMMIT[::-1]}:0.700000",
    }


@pytest.mark.parametrize(
    ("maker", "expected"),
    [
        (Maker("stable-audio", "tiny", "sha256:00"), {}),
        (Maker("stable-audio", "../tiny", COMMIT), {}),
        (Maker("openai", "gpt-5.1", "gpt-5.1-2026-01-01"), {"MODEL": "gpt-5.1"}),
        (Maker("openai", "qwen2.5:0.5b"), {"MODEL": "qwen2.5:0.5b"}),
        (Maker("openai", "a\nb"), {}),
        (Maker("vocal-tract", ""), {}),
    ],
)
def test_what_is_no_model_of_a_hub_is_not_named_as_one(maker, expected):
    more = {f"POSTCARDS_AUDIO_{name}": value for name, value in expected.items()}
    assert settings_of({"audio": maker}, {}) == {"POSTCARDS_AUDIO_ENGINE": maker.engine, **more}


@pytest.mark.parametrize(
    "surroundings",
    [
        {"POSTCARDS_IMAGE_MODEL": "/models/mine"},
        {"POSTCARDS_IMAGE_MODEL_FILE": "/run/model"},
        {"POSTCARDS_IMAGE_ENGINE": "ddpm"},
    ],
)
def test_who_names_another_model_or_engine_means_that_one(surroundings):
    maker = Maker("stable-diffusion", "owner/name", COMMIT)
    assert settings_of({"image": maker}, surroundings) == {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion"}
    whole = settings_of({"image": maker}, {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion", "POSTCARDS_IMAGE_MODEL": ""})
    assert whole["POSTCARDS_IMAGE_MODEL"] == "owner/name"


@given(
    st.text(max_size=40) | st.sampled_from(["[]", "{}", '{"name": 3}', '{"name": "a/b", "revision": []}', "[" * 9999])
)
def test_lora_weights_that_cannot_be_read_are_not_named(lora):
    postcard = made_by(engine="stable-diffusion", settings={"lora": lora})
    assert settings_of(makers_of(postcard, ("image",)), {}) == {"POSTCARDS_IMAGE_ENGINE": "stable-diffusion"}


def said_by(**settings: str) -> dict[str, str]:
    """The settings of the language service for a phrase that an API made so."""
    provenance = media_pb2.Provenance(engine="openai", model="gpt-5.1", settings=settings)
    part = pb.Part(kind=pb.PART_KIND_LANGUAGE, provenance=provenance)
    return settings_of(makers_of(pb.Postcard(parts=[part]), ("language",)), {})


def test_a_model_of_an_api_reasons_as_much_as_it_did():
    assert said_by(reasoning_effort='"low"', base_url='"https://somebody.example/v1"') == {
        "POSTCARDS_LANGUAGE_ENGINE": "openai",
        "POSTCARDS_LANGUAGE_MODEL": "gpt-5.1",
        "POSTCARDS_LANGUAGE_REASONING_EFFORT": "low",
    }


@pytest.mark.parametrize("effort", ["null", '""', '"utmost"', "low", "3", "[]", "[" * 9999])
def test_an_effort_that_the_setting_does_not_know_is_not_named(effort):
    assert "POSTCARDS_LANGUAGE_REASONING_EFFORT" not in said_by(reasoning_effort=effort)


@pytest.mark.parametrize("engine", ["", "../x", "a\0b", "x" * 65, "A=B", "a b"])
def test_only_the_name_of_an_engine_becomes_a_setting(engine):
    assert makers_of(made_by(engine=engine), ("image",)) == {}


def test_parts_are_named_once_and_in_order():
    assert wanted_parts(None) == ("image", "language", "audio")
    assert wanted_parts(["audio", "image", "audio"]) == ("image", "audio")


def test_a_part_that_was_never_made_is_left_out_unless_it_was_asked_for():
    plan = pb.PlanReplayResponse()
    plan.audio.seed = 1
    assert present_parts(plan, None) == ("audio",)
    with pytest.raises(CommandFailed, match="the picture of this postcard was never made"):
        present_parts(plan, ["image", "audio"])


def test_what_is_made_again_is_told_as_a_making_is():
    told = []
    whole = pb.Postcard(id=ID, state=pb.POSTCARD_STATE_ACTIVE, parts=[pb.Part(kind=pb.PART_KIND_LANGUAGE)])
    follower = Follower(whole, ("image", "audio"), told.append)
    assert [part.kind for part in follower.postcard.parts] == [pb.PART_KIND_IMAGE, pb.PART_KIND_AUDIO]
    follower.heard("image", media_pb2.Progress(stage="skin"))
    follower.heard("image", media_pb2.Preview(stage="skin"))
    follower.ended("image", None)
    follower.ended("audio", Unavailable("away"))
    assert [type(event) for event in told] == [Advanced, Previewed, Changed, Changed]
    states = [(part.state, part.error.message) for part in follower.postcard.parts]
    assert states == [(pb.PART_STATE_DONE, ""), (pb.PART_STATE_FAILED, "away")]
    assert len(whole.parts) == 1, "the postcard itself is left as it is"


def test_the_exit_code_says_whether_some_or_none_could_be_made():
    away, refused = Unavailable("", code="UNAVAILABLE"), InvalidRequest("", code="INVALID_ARGUMENT")
    assert exit_of([], 3) is Exit.DONE
    assert exit_of([away], 3) is Exit.PARTIAL
    assert exit_of([away, away], 2) is Exit.UNREACHABLE
    assert exit_of([refused], 1) is Exit.USAGE
    assert exit_of([refused, away], 2) is Exit.FAILED
