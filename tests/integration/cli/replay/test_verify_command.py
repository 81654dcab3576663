"""Postcards made by the real engines, made again, and compared: the command from end to end."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from postcards.composer.v1 import composer_pb2

from postcards_client import BlockingPostcardsClient
from postcards_client.parts.making import Whose, make_part
from postcards_composer.store.s3 import S3Store
from postcards_image.engine import SafetyVerdict

EQUAL = {"image": "equal", "language": "equal", "audio": "equal"}


def verdicts(run) -> dict[str, str]:
    return {part: said["verdict"] for part, said in run.json["parts"].items()}


def edit(manifest: Path, change) -> None:
    """Changes a manifest in place; what it says of the files stays true."""
    value = json.loads(manifest.read_text(encoding="utf-8"))
    change(value)
    manifest.write_text(json.dumps(value), encoding="utf-8")


def refile(folder: Path, name: str, data: bytes) -> None:
    """Puts other bytes in the place of a file, and their SHA-256 into the manifest."""
    (folder / name).write_bytes(data)

    def change(value: dict) -> None:
        for file in value["files"]:
            if file["name"] == name:
                file["sha256"] = hashlib.sha256(data).hexdigest()

    edit(folder / "manifest.json", change)


async def test_what_the_embedded_engines_made_is_made_again_byte_for_byte(studio):
    folder = await studio.made(seed=7, theme="stormy night, risograph", strangeness=0.8)
    run = await studio.run("verify", str(folder / "manifest.json"), "--json")
    assert (verdicts(run), run.json["verdict"], run.exit_code) == (EQUAL, "equal", 0), run.err
    assert run.json["id"] == folder.name
    assert not any(said["differences"] for said in run.json["parts"].values())
    assert "picture: skin" in run.err
    plain = await studio.run("verify", str(folder), "--quiet")
    assert plain.exit_code == 0
    assert plain.out.splitlines()[1:3] == ["picture: equal", "  by creature 1.0.0"]
    assert plain.out.splitlines()[-1].startswith("equal:")
    assert plain.err == ""


async def test_what_a_model_made_is_made_again(open_studio, ddpm):
    studio = await open_studio(ddpm)
    image = {"steps": 6, "sampler": "ddpm", "init_strength": 0.7, "guidance_scale": 2.5}
    folder = await studio.made(seed=11, image=image)
    run = await studio.run("verify", str(folder), "--json")
    assert (verdicts(run), run.exit_code) == (EQUAL, 0), run.err
    assert {file["file"] for file in run.json["parts"]["image"]["distances"]} == {"raw.png", "image.png"}


async def test_a_sample_within_the_tolerance_of_a_model(open_studio, ddpm):
    studio = await open_studio(ddpm)
    folder = await studio.made(seed=11, image={"steps": 3})
    with Image.open(folder / "raw.png") as picture:
        pixels = np.asarray(picture).astype(int)
    for step, verdict, code in ((2, "equal within tolerance", 0), (5, "different", 1)):
        shifted = pixels.copy()
        shifted[0, 0, 0] += step if shifted[0, 0, 0] < 128 else -step
        Image.fromarray(shifted.astype(np.uint8)).save(studio.here / "raw.png")
        refile(folder, "raw.png", (studio.here / "raw.png").read_bytes())
        run = await studio.run("verify", str(folder), "--part", "image", "--json")
        said = run.json["parts"]["image"]
        assert (said["verdict"], run.exit_code) == (verdict, code)
        assert [item["max_levels"] for item in said["distances"] if item["file"] == "raw.png"] == [step]


async def test_a_picture_that_is_withheld_is_said_to_be_so(open_studio, ddpm):
    class Strict:
        """The engine with a model whose safety checker lets nothing pass."""

        name, stages = ddpm.name, ddpm.stages

        def generate(self, request, work):
            return replace(ddpm.generate(request, work), safety=SafetyVerdict.WITHHELD)

    studio = await open_studio(Strict())
    folder = await studio.made(seed=11, image={"steps": 3})
    run = await studio.run("verify", str(folder), "--part", "image")
    assert run.exit_code == 0, run.err
    assert "picture: equal" in run.out
    assert "  the safety checker of the model withheld the picture: this is about the drawing in its place" in run.out
    run = await studio.run("replay", str(folder), "--part", "image", "--json")
    assert run.json["parts"]["image"]["withheld"] is True
    plain = await studio.run("replay", str(folder), "--part", "image")
    assert "withheld the picture" in plain.out


async def test_one_byte_is_damage(studio):
    folder = await studio.made(seed=7)
    call = bytearray((folder / "call.flac").read_bytes())
    call[-1] ^= 1
    (folder / "call.flac").write_bytes(call)
    run = await studio.run("verify", str(folder), "--json")
    assert verdicts(run) == EQUAL | {"audio": "damaged"}
    assert (run.json["verdict"], run.exit_code, run.json["damaged"]) == ("damaged", 1, ["call.flac"])
    assert "call" not in run.err, "what is damaged is not made again"


async def test_a_damaged_card_and_a_missing_picture(studio):
    folder = await studio.made(seed=7)
    (folder / "card.html").write_bytes(b"other")
    run = await studio.run("verify", str(folder), "--part", "language", "--json")
    assert (verdicts(run), run.json["damaged"], run.exit_code) == ({"language": "equal"}, ["card.html"], 1)
    (folder / "image.png").unlink()
    plain = await studio.run("verify", str(folder))
    assert plain.exit_code == 1
    assert "picture: missing" in plain.out
    assert "card: damaged" in plain.out


async def test_another_seed_gives_another_postcard(studio):
    folder = await studio.made(seed=7)

    def reseed(value: dict) -> None:
        for part in value["parts"]:
            part["provenance"]["settings"]["seed"] = "8"

    edit(folder / "manifest.json", reseed)
    run = await studio.run("verify", str(folder), "--json")
    assert verdicts(run) == {"image": "different", "language": "different", "audio": "different"}
    assert run.exit_code == 1
    image, language, audio = (run.json["parts"][part]["distances"][0] for part in ("image", "language", "audio"))
    assert image["max_levels"] > 2
    assert 0 < language["other_words"] <= language["words"]
    assert audio["snr_db"] < 20
    plain = await studio.run("verify", str(folder), "--quiet")
    assert "grey levels" in plain.out
    assert "words are others" in plain.out
    assert "below the call" in plain.out


async def test_what_was_otherwise_is_listed(studio):
    folder = await studio.made(seed=7)

    def age(value: dict) -> None:
        provenance = value["parts"][0]["provenance"]
        provenance["engine_version"] = "0.9"
        provenance["libraries"]["numpy"] = "1.26"
        provenance["settings"]["palette"] = '"old"'

    edit(folder / "manifest.json", age)
    run = await studio.run("verify", str(folder), "--part", "image", "--json")
    assert run.exit_code == 0, "equal bytes are equal, whatever made them"
    what = {item["what"]: item for item in run.json["parts"]["image"]["differences"]}
    assert what.keys() == {"engine_version", "libraries.numpy", "settings.palette"}
    assert (what["libraries.numpy"]["then"], what["settings.palette"]["now"]) == ("1.26", "")
    plain = await studio.run("replay", str(folder), "--part", "image")
    assert "libraries.numpy: 1.26, now " in plain.out


async def test_another_engine_is_said_plainly(open_studio, ddpm):
    studio = await open_studio(ddpm)
    folder = await studio.made(seed=11, image={"steps": 3})
    other = await open_studio()
    run = await other.run("verify", str(folder), "--json")
    assert verdicts(run) == EQUAL | {"image": "not made again"}
    assert run.exit_code == 3
    assert "POSTCARDS_IMAGE_ENGINE=ddpm" in run.json["parts"]["image"]["reason"]
    run = await other.run("replay", str(folder), "--part", "image", "--json")
    assert (run.exit_code, run.json["state"]) == (2, "FAILED")
    assert run.json["parts"]["image"]["error"]["reason"] == "OTHER_ENGINE"


async def test_a_service_that_is_not_there(studio):
    folder = await studio.made(seed=7)
    run = await studio.run("verify", str(folder), "--part", "image", image="127.0.0.1:1")
    assert run.exit_code == 6
    assert "no image service answers at 127.0.0.1:1" in run.out


async def test_by_id_the_files_come_from_the_store(studio):
    folder = await studio.made(seed=7)
    run = await studio.run("verify", folder.name, "--part", "audio", "--json")
    assert (verdicts(run), run.exit_code) == ({"audio": "equal"}, 0)
    (folder / "call.mp3").resolve().unlink()
    (folder / "phrase.json").write_bytes(b"{}")
    run = await studio.run("verify", folder.name, "--json")
    assert verdicts(run) == EQUAL | {"language": "damaged"}
    assert run.json["missing"] == ["call.mp3"]


async def test_by_id_the_files_come_from_an_object_store(open_studio, s3_settings):
    store = S3Store(s3_settings)
    studio = await open_studio(store=store)
    postcard_id = (await studio.made(seed=7)).name
    run = await studio.run("verify", postcard_id, "--json")
    assert (verdicts(run), run.json["missing"], run.exit_code) == (EQUAL, [], 0), run.err
    kept = {key.rpartition("/")[2]: key for key in store.list(f"postcards/{postcard_id}/")}
    store.put(kept["call.flac"], b"other", "audio/flac")
    store.delete(kept["image.png"])
    run = await studio.run("verify", postcard_id, "--json")
    assert (verdicts(run), run.exit_code) == (EQUAL | {"audio": "damaged", "image": "missing"}, 1)


async def test_programs_send_the_planned_requests_themselves(studio):
    folder = await studio.made(seed=7)

    def ask() -> composer_pb2.PlanReplayResponse:
        with BlockingPostcardsClient(studio.composer) as client:
            return client.plan_replay(manifest=(folder / "manifest.json").read_bytes())

    plan = await asyncio.to_thread(ask)
    whose = Whose(plan.postcard.id, plan.postcard.species.name)
    made = await make_part(plan.language, whose, studio.addresses["language"], listen=[].append, timeout=60)
    assert made.files == {"phrase.json": (folder / "phrase.json").read_bytes()}


async def test_replay_writes_the_same_files(studio):
    folder = await studio.made(seed=7)
    run = await studio.run("replay", str(folder), "--out", "again")
    assert run.exit_code == 0, run.err
    again = studio.here / "again" / folder.name
    assert run.out.splitlines()[-1] == str(again)
    assert {file.name for file in again.iterdir()} == {"image.png", "call.flac", "call.mp3", "phrase.json"}
    for file in again.iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
    assert "picture: same bytes" in run.out
    assert soundfile.info(again / "call.flac").samplerate == 44100


async def test_replay_of_one_part_by_id(studio):
    folder = await studio.made(seed=7)
    run = await studio.run("replay", folder.name, "--part", "language", "--json")
    again = studio.here / "replay" / folder.name
    assert (run.json["state"], run.json["location"]) == ("DONE", str(again))
    assert [file.name for file in again.iterdir()] == ["phrase.json"]
    assert run.json["parts"]["language"]["files"]["phrase.json"]["same"] is True


async def test_replay_never_writes_over_the_postcard(studio):
    folder = await studio.made(seed=7)
    run = await studio.run("replay", str(folder), "--out", str(folder.parent))
    assert run.exit_code == 2
    assert "holds the postcard itself" in run.err


async def test_what_is_no_manifest_is_refused_in_one_line(studio):
    (studio.here / "empty").mkdir()
    (studio.here / "odd.json").write_text("{}")
    for argument, words, code in (
        ("nothing", "no manifest nothing", 5),
        ("empty", "no manifest.json in", 5),
        ("odd.json", "manifest cannot be read: the manifest has schema None", 2),
        ("a" * 26, "no postcard", 5),
    ):
        run = await studio.run("verify", argument)
        assert (words in run.err, run.exit_code, run.out) == (True, code, ""), run.err
        assert len(run.err.splitlines()) <= 2
    run = await studio.run("replay", "odd.json", "--part", "smell")
    assert run.exit_code == 2


async def test_a_part_that_was_never_made(studio):
    folder = await studio.made(seed=7)

    def lose(value: dict) -> None:
        value["parts"][0] = {"kind": "image", "state": "failed"}

    edit(folder / "manifest.json", lose)
    run = await studio.run("verify", str(folder), "--json")
    assert (verdicts(run), run.exit_code) == ({"language": "equal", "audio": "equal"}, 0)
    run = await studio.run("verify", str(folder), "--part", "image")
    assert run.exit_code == 2
    assert "the picture of this postcard was never made" in run.err
