"""The `postcards` command against a scripted composer: what it prints, and how it exits."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from google.rpc import code_pb2, error_details_pb2
from postcards.composer.v1 import composer_pb2 as pb

CONTRACT = {"id", "state", "name", "seed", "parts", "location"}


async def test_create_prints_the_card_last(postcards):
    run = await postcards("create", "--seed", "7", "--theme", "fog")
    assert run.exit_code == 0
    assert "Grraukh-tok" in run.out
    assert "Give me the river." in run.out
    last = run.out.splitlines()[-1]
    assert last.endswith("card.html")
    assert "card" in Path(last).read_text()


async def test_progress_goes_to_standard_error(postcards):
    run = await postcards("create", "--seed", "7")
    assert "picture: queued, 2 before it, about 5 s" in run.err
    assert "picture: skin" in run.err
    assert "call: done" in run.err
    assert "skin" not in run.out


async def test_quiet_means_quiet(postcards):
    assert (await postcards("create", "--quiet")).err == ""


async def test_create_as_json(postcards):
    run = await postcards("create", "--json", "--seed", str(2**64 - 1))
    assert run.exit_code == 0
    assert run.json.keys() >= CONTRACT
    assert run.json["seed"] == 2**64 - 1
    assert run.json["state"] == "ACTIVE"
    assert run.json["parts"].keys() == {"image", "language", "audio"}
    assert run.json["parts"]["audio"]["state"] == "DONE"


async def test_empty_variables_are_fine(postcards, composer):
    run = await postcards("create", "--seed", "", "--theme", "", "--out", "", "--finish", "")
    assert run.exit_code == 0
    assert not composer.requests[0].HasField("seed")


async def test_every_option_reaches_the_composer(postcards, composer):
    options = {
        "--strangeness": "0.25", "--timeout": "30", "--request-id": "r-1", "--finish": "risograph", "--width": "640",
        "--height": "480", "--image-prompt": "p", "--image-negative-prompt": "n", "--image-engine": "creature",
        "--image-steps": "9", "--image-guidance": "7.5", "--image-init-strength": "0.5", "--sampler": "ddim",
        "--seconds": "3.5", "--audio-prompt": "ap", "--audio-negative-prompt": "an", "--audio-engine": "vocal-tract",
        "--audio-steps": "8", "--audio-guidance": "0", "--audio-init-strength": "1", "--intent": "lullaby",
        "--mood": "longing", "--language-prompt": "lp", "--language-engine": "phonotactic", "--temperature": "1.5",
        "--top-p": "0.25", "--image-style": "distorted",
    }  # fmt: skip
    run = await postcards("create", "--exact", *(text for pair in options.items() for text in pair))
    assert run.exit_code == 0
    request = composer.requests[0]
    assert (request.strangeness, request.timeout.seconds, request.request_id) == (0.25, 30, "r-1")
    for settings in (request.image, request.audio, request.language):
        assert all(
            settings.HasField(f.name) if f.has_presence else getattr(settings, f.name)
            for f in settings.DESCRIPTOR.fields
        )


async def test_a_partial_postcard_is_no_success(postcards, composer):
    composer.failing.add("r1")
    run = await postcards("create", "--request-id", "r1")
    assert run.exit_code == 3
    assert "the larynx tore" in run.out
    made = (await postcards("create", "--request-id", "r1", "--json")).json
    assert made["state"] == "PARTIAL"
    assert made["parts"]["audio"]["error"]["reason"] == "ENGINE_FAILED"
    run = await postcards("repair", made["id"], "--json")
    assert run.exit_code == 0
    assert run.json["state"] == "ACTIVE"


async def test_refused_fields_are_named_by_their_options(postcards, refused):
    bad = error_details_pb2.BadRequest(field_violations=[{"field": "audio.seconds", "description": "at most 60"}])
    refused(code_pb2.INVALID_ARGUMENT, "audio.seconds: at most 60", bad)
    run = await postcards("create", "--seconds", "99")
    assert run.exit_code == 2
    assert run.out == ""
    assert "--seconds: at most 60" in run.err
    refused(code_pb2.INVALID_ARGUMENT, "audio.seconds: at most 60", bad)
    run = await postcards("create", "--seconds", "99", "--json")
    assert run.json["error"]["violations"] == [
        {"field": "audio.seconds", "option": "--seconds", "description": "at most 60"}
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--seed", "elephant"),
        ("create", "--seed", "-1"),
        ("create", "--seed", str(2**64)),
        ("create", "--finish", "oil"),
        ("create", "--intent", "none"),
        ("create", "--mood", "bored"),
        ("create", "--width", "-8"),
        ("create", "--strangeness", "much"),
        ("create", "--port-base", "70000"),
        ("jungle", "--count", "0"),
        ("get",),
        ("sing",),
    ],
)
async def test_wrong_options(postcards, composer, arguments):
    run = await postcards(*arguments)
    assert run.exit_code == 2
    assert run.out == ""
    assert "Traceback" not in run.err
    assert not composer.requests


@pytest.mark.parametrize("command", ["get", "watch", "cancel", "repair", "delete"])
async def test_no_such_postcard(postcards, command):
    run = await postcards(command, "nothing", "--json")
    assert run.exit_code == 5
    assert run.json["error"]["code"] == "NOT_FOUND"
    assert run.json["error"]["reason"] == "POSTCARD_NOT_FOUND"
    assert "there is no postcard nothing" in run.err


async def test_nobody_answers(postcards):
    run = await postcards("get", "x", address="127.0.0.1:1")
    assert run.exit_code == 6
    assert run.err.count("\n") == 1
    assert "no composer answers at 127.0.0.1:1" in run.err
    assert "postcards up" in run.err


async def test_the_life_of_a_postcard(postcards):
    made = (await postcards("create", "--json")).json
    seen = (await postcards("get", made["id"], "--json")).json
    assert seen == made
    watched = await postcards("watch", made["id"], "--json")
    assert watched.exit_code == 0
    assert watched.json == made
    listed = (await postcards("list", "--json")).json
    assert listed == {"postcards": [made], "next_page_token": ""}
    assert made["id"] in (await postcards("list")).out
    deleted = await postcards("delete", made["id"], "--json")
    assert deleted.exit_code == 0
    assert deleted.json.keys() >= CONTRACT
    assert deleted.json["state"] == "DELETED"
    assert (await postcards("list", "--json")).json["postcards"] == []


async def test_cancel(postcards, composer):
    composer.postcards["r"] = pb.Postcard(id="c" * 26, state=pb.POSTCARD_STATE_CREATING)
    run = await postcards("cancel", "c" * 26, "--json")
    assert run.exit_code == 0
    assert run.json["state"] == "CANCELLED"
    run = await postcards("cancel", "c" * 26)
    assert run.exit_code == 1
    assert "not being made" in run.err


async def test_a_cancelled_postcard_ends_the_watch_with_its_code(postcards, composer):
    composer.postcards["r"] = pb.Postcard(id="c" * 26, state=pb.POSTCARD_STATE_CANCELLED)
    assert (await postcards("watch", "c" * 26)).exit_code == 4


async def test_out_downloads_the_files(postcards, tmp_path):
    run = await postcards("create", "--out", "cards", "--json")
    card = tmp_path / "cards" / run.json["id"] / "card.html"
    assert run.json["downloads"]["card.html"] == str(card)
    assert b"card" in card.read_bytes()
    run = await postcards("get", run.json["id"], "--out", "cards")
    assert run.out.splitlines()[-1] == str(card)


async def test_out_that_cannot_be_written(postcards, tmp_path):
    (tmp_path / "file").write_text("")
    run = await postcards("create", "--out", "file/cards")
    assert run.exit_code == 1
    assert "cannot read or write" in run.err
    assert "Traceback" not in run.err


async def test_damaged_files_are_refused(postcards, tmp_path):
    made = (await postcards("create", "--json")).json
    (tmp_path / "store" / "postcards" / made["id"] / "card.html").write_bytes(b"other")
    run = await postcards("get", made["id"], "--out", "cards")
    assert run.exit_code == 1
    assert "damaged" in run.err
    assert not list((tmp_path / "cards" / made["id"]).glob("*card.html*"))


async def test_ctrl_c_leaves_in_order(composer, tmp_path):
    composer.held = asyncio.Event()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "postcards_cli", "create", "--json",
        env={**os.environ, "POSTCARDS_ADDRESS": composer.address},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    while b"skin" not in await asyncio.wait_for(process.stderr.readline(), 30):
        pass
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert json.loads(out)["error"]["reason"] == "INTERRUPTED"
    assert b"postcards watch " in err
    assert b"Traceback" not in err


async def test_a_reader_that_leaves_is_no_crash(composer, tmp_path):
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m postcards_cli list --json | true",
        env={**os.environ, "POSTCARDS_ADDRESS": composer.address},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert b"Traceback" not in err
    assert b"Exception" not in err


COMMANDS = ("create", "get", "list", "watch", "cancel", "repair", "delete", "jungle", "up", "doctor", "fetch-models")


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_explains_itself(postcards, command):
    run = await postcards(command, "--help")
    assert run.exit_code == 0
    assert "--json" in run.out


async def test_the_version(postcards):
    run = await postcards("--version")
    assert run.exit_code == 0
    assert run.out.startswith("postcards 0.")


async def test_doctor_is_content_with_a_good_machine(postcards, tmp_path):
    run = await postcards("doctor", "--json", "--out", str(tmp_path / "new"))
    checks = {check["check"]: check for check in run.json["checks"]}
    assert checks["python"]["ok"]
    assert (checks["python"]["topic"], checks["python"]["level"]) == ("machine", "ok")
    assert checks["folder"]["ok"]
    assert not checks["composer"]["ok"], "the fake composer has no health service"
    assert checks["composer"]["advice"]
    assert run.exit_code == 1
    assert not (tmp_path / "new").exists()
