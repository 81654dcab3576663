"""`postcards fetch-models` as a process: what it fetches, says and refuses, and how it goes on after it was ended."""

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from fetched_weights import LOADED, SAO, SD, UNET, a_model
from postcards_serving.testing import eventually
from postcards_weights.cache import Cache
from postcards_weights.catalog import T5
from postcards_weights.state import state_in_cache


def command(*arguments: str, hub_url: str, home: Path, **environment: str):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "POSTCARDS_"))}
    return asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_cli",
        "fetch-models",
        *arguments,
        env=clean | {"HF_ENDPOINT": hub_url, "HF_HOME": str(home), "HOME": str(home)} | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_the_command_fetches_once_and_then_needs_no_hub(sd, tmp_path, commit):
    arguments = ("image", "--revision", "main")
    code, out, err = await ended(await command(*arguments, hub_url=sd.url, home=tmp_path))
    assert code == 0, err
    assert f"{SD}: " in err
    assert out.splitlines()[-1] == (
        "serve it without the network: HF_HUB_OFFLINE=1 POSTCARDS_IMAGE_ENGINE=stable-diffusion "
        "POSTCARDS_IMAGE_REVISION=main postcards up"
    )
    code, out, err = await ended(
        await command(*arguments, "--json", hub_url="http://127.0.0.1:9", home=tmp_path, HF_HUB_OFFLINE="1")
    )
    assert (code, err) == (0, "")
    (told,) = json.loads(out)["models"]
    assert (told["model"], told["revision"], told["fetched_bytes"]) == (SD, commit, 0)
    assert told["bytes"] == sum(len(sd.models[SD][path]) for path in LOADED)


async def test_a_model_of_the_command_line_is_named_in_what_serves_it(sd, tmp_path):
    sd.models["someone/ink"] = sd.models[SD]
    process = await command("image", "--model", "someone/ink", "--json", hub_url=sd.url, home=tmp_path)
    code, out, err = await ended(process)
    assert code == 0, err
    assert json.loads(out)["environment"] == {
        "HF_HUB_OFFLINE": "1",
        "POSTCARDS_IMAGE_ENGINE": "stable-diffusion",
        "POSTCARDS_IMAGE_MODEL": "someone/ink",
    }


@pytest.mark.parametrize("own", [False, True])
async def test_the_companions_of_a_model_come_with_it_unless_it_has_them(
    hub, tmp_path, stable_audio_files, t5_files, token, own
):
    hub.models |= {SAO: stable_audio_files, "t5-base": t5_files}
    hub.gated.add(SAO)
    hub.let_in.add(f"Bearer {token}")
    hub.commits.add(T5.revision)
    if own:
        stable_audio_files |= {"text_encoder/model.safetensors": t5_files["model.safetensors"]}
    secret = tmp_path / "token"
    secret.write_text(f"{token}\n")
    environment = {"HF_TOKEN_FILE": str(secret), "POSTCARDS_AUDIO_ENGINE": "stable-audio"}
    for offline in ({}, {"HF_HUB_OFFLINE": "1"}):
        process = await command(
            "--revision", "main", "--json", hub_url=hub.url, home=tmp_path, **environment, **offline
        )
        code, out, err = await ended(process)
        assert code == 0, err
        assert [told["model"] for told in json.loads(out)["models"]] == [SAO] + ["t5-base"] * (not own)
        assert token not in out + err


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        ((), {}, 2, "say what to fetch"),
        (("video",), {}, 2, "is not one of image, audio"),
        (("audio", "--engine", "stable-diffusion"), {}, 2, "makes the image, not the audio"),
        (("image", "audio", "--model", "x/y"), {}, 2, "need one part"),
        (("image", "--model", "../none"), {}, 2, "there is no folder ../none, and it is no id"),
        (("image",), {"HF_HUB_OFFLINE": "1"}, 1, "HF_HUB_OFFLINE is set"),
        (("image",), {"HF_ENDPOINT": "hub"}, 1, "HF_ENDPOINT is no address of a hub"),
        (("image",), {"HF_TOKEN_FILE": "/no/such/file"}, 1, "cannot read /no/such/file"),
    ],
)
async def test_what_the_command_refuses(tmp_path, arguments, environment, code, words):
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9"} | environment
    process = await command(*arguments, hub_url=environment.pop("HF_ENDPOINT"), home=tmp_path, **environment)
    exit_code, out, err = await ended(process)
    assert exit_code == code
    assert out == ""
    assert words in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_run_that_was_ended_is_taken_up_by_the_next(sd, tmp_path, number):
    sd.faults.held[UNET] = threading.Event()
    half = len(sd.models[SD][UNET]) // 2
    arguments = ("image", "--revision", "main", "--home", str(tmp_path / "volume"))
    process = await command(*arguments, hub_url=sd.url, home=tmp_path)
    cache = Cache(tmp_path / "volume" / "hub")
    try:
        await eventually(lambda: cache.unfinished_bytes(SD) == half)
    finally:
        process.send_signal(number)
        code, _, err = await ended(process)
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in err
    sd.faults.held.pop(UNET).set()
    code, out, err = await ended(await command(*arguments, hub_url=sd.url, home=tmp_path))
    assert code == 0, err
    assert f"{UNET}@{half}" in sd.ranges
    assert f"HF_HOME={tmp_path / 'volume'} " in out
    assert state_in_cache(cache, a_model()).complete
