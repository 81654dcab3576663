"""One CreatePostcard, from the request to the card."""

import hashlib
import json
from pathlib import Path

from postcards.composer.v1 import composer_pb2

from postcards_composer.postcards.manifest_json import load
from postcards_serving.testing import eventually
from postcards_species.species import derive_species

FILES = ["call.flac", "call.mp3", "card.html", "card.png", "image.png", "phrase.json", "preview.webp"]


async def test_a_postcard_is_made_whole(replica, parts, folder: Path):
    accepted = await replica.create(seed=7, theme="stormy night", request_id="first")
    assert accepted.state == composer_pb2.POSTCARD_STATE_CREATING

    postcard = await replica.finished(accepted.id)

    assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE
    assert postcard.seed == 7
    assert postcard.species.name == derive_species(7, 0.5, "stormy night").name
    assert postcard.phrase.english_gloss == "The water is near."
    assert postcard.alt_text == "A grey animal."
    assert [part.state for part in postcard.parts] == [composer_pb2.PART_STATE_DONE] * 3
    assert [part.provenance.engine for part in postcard.parts] == ["fake-image", "fake-language", "fake-audio"]
    assert [part.attempts for part in postcard.parts] == [1, 1, 1]
    assert [file.name for file in postcard.files] == FILES
    assert postcard.location == str(folder / "postcards" / postcard.id)
    for file in postcard.files:
        data = (folder / "postcards" / postcard.id / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
        assert file.url.startswith("file:///")
    assert (folder / "postcards" / postcard.id / "image.png").read_bytes() == parts.png
    await eventually(lambda: not (folder / "pending").exists())


async def test_the_untouched_sample_of_a_model_is_kept_and_nothing_unknown(replica, parts, folder: Path):
    parts.extra_files = {"raw.png": parts.png, "manifest.json": b"{}", "../escape.png": parts.png}

    postcard = await replica.made(seed=7)

    assert [file.name for file in postcard.files] == sorted([*FILES, "raw.png"])
    assert (folder / "postcards" / postcard.id / "raw.png").read_bytes() == parts.png
    assert load((folder / "postcards" / postcard.id / "manifest.json").read_bytes()).seed == 7


async def test_the_manifest_says_how_to_make_it_again(replica, folder: Path):
    postcard = await replica.made(
        strangeness=0.25, image={"width": 512, "guidance_scale": 0.0}, language={"temperature": 1.5}
    )

    data = (folder / "postcards" / postcard.id / "manifest.json").read_bytes()
    manifest = load(data)

    assert manifest.seed == postcard.seed
    assert manifest.strangeness == 0.25
    assert manifest.image.width == 512
    assert manifest.image.guidance_scale == 0
    assert manifest.language.temperature == 1.5
    assert manifest.species == derive_species(postcard.seed, 0.25)
    assert manifest.says_phrase
    assert manifest.lease is None
    assert json.loads(data)["parts"][0]["provenance"]["libraries"] == {"numpy": "2"}


async def test_every_part_is_asked_for_the_same_species(replica, parts):
    postcard = await replica.made(seed=2**64 - 1, theme="dawn")

    image, language, audio = parts.image_requests[0], parts.language_requests[0], parts.audio_requests[0]
    assert image.seed == language.seed == audio.seed == 2**64 - 1
    assert image.body_plan == postcard.species.body_plan
    assert list(image.parents) == list(postcard.species.parents)
    assert image.scene == audio.scene == postcard.species.scene
    assert language.phonology == postcard.species.phonology
    assert language.species_name == postcard.species.name
    assert audio.vocal_tract == postcard.species.vocal_tract
    assert audio.phrase == postcard.phrase
    assert image.theme == audio.theme == language.theme == "dawn"
    assert list(image.temperament) == list(audio.temperament) == list(postcard.species.temperament)
    assert list(audio.parents) == list(postcard.species.parents)
    assert (image.prompt, audio.prompt) == ("", "")
    assert image.previews


async def test_settings_reach_the_part_services(replica, parts):
    await replica.made(
        image={
            "engine": "creature",
            "prompt": "a blue one",
            "negative_prompt": "text",
            "width": 640,
            "height": 480,
            "steps": 12,
            "guidance_scale": 3.5,
            "init_strength": 0.0,
            "sampler": "ddim",
            "finish": 2,
        },
        audio={
            "engine": "vocal-tract",
            "prompt": "a loud one",
            "negative_prompt": "speech",
            "seconds": 12.5,
            "steps": 20,
            "guidance_scale": 7.0,
            "init_strength": 1.0,
        },
        language={
            "engine": "phonotactic",
            "prompt": "say it",
            "intent": 4,
            "mood": 5,
            "temperature": 0.0,
            "top_p": 0.25,
        },
    )

    image, language, audio = parts.image_requests[0], parts.language_requests[0], parts.audio_requests[0]
    assert (image.engine, image.prompt, image.negative_prompt) == ("creature", "a blue one", "text")
    assert (image.width, image.height, image.steps, image.sampler) == (640, 480, 12, "ddim")
    assert (image.guidance_scale, image.HasField("init_strength"), image.init_strength) == (3.5, True, 0)
    assert image.scene.finish == 2
    assert image.caption[1].startswith(derive_species(image.seed).name)
    assert (audio.engine, audio.prompt, audio.negative_prompt) == ("vocal-tract", "a loud one", "speech")
    assert (audio.seconds, audio.steps, audio.guidance_scale, audio.init_strength) == (12.5, 20, 7, 1)
    assert (language.engine, language.prompt) == ("phonotactic", "say it")
    assert (language.intent, language.mood, language.top_p) == (4, 5, 0.25)
    assert language.HasField("temperature")


async def test_a_seed_is_chosen_and_recorded(replica):
    first, second = await replica.create(), await replica.create()

    assert first.seed != second.seed
    assert first.id != second.id


async def test_the_call_waits_for_the_phrase_and_the_picture_for_nobody(replica, parts):
    image, language = parts.hold("image"), parts.hold("language")

    postcard = await replica.create()
    await image.reached.wait()
    await language.reached.wait()

    assert not parts.audio_requests
    image.opened.set()
    language.opened.set()
    await replica.finished(postcard.id)
    assert parts.audio_requests[0].phrase.animal_text == "Grrok tak"


async def test_numbers_are_counted(replica):
    assert replica.count("postcards_created_total", state="active") == 0
    assert replica.count("postcards_part_seconds_count", part="image", result="done") == 0

    await replica.made()

    assert replica.count("postcards_accepted_total") == 1
    assert replica.count("postcards_created_total", state="active") == 1
    assert replica.count("postcards_part_seconds_count", part="image", result="done") == 1
    assert replica.count("postcards_store_operation_seconds_count", operation="put") > 8
