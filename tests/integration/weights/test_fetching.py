"""Weights from a server that speaks the hub's interface into the hub's cache."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from postcards_client.weights import fetching
from postcards_client.weights.cache import Cache, state_in_cache
from postcards_client.weights.catalog import LORA, STABLE_AUDIO, STABLE_DIFFUSION, T5, Model, Precision, model
from postcards_client.weights.hub import FetchFailed, open_hub
from postcards_serving.models import find_model
from postcards_serving.testing import eventually

SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
SAO = "stabilityai/stable-audio-open-1.0"
UNET = "unet/diffusion_pytorch_model.safetensors"
LOADED = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "unet/config.json",
    UNET,
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
    "feature_extractor/preprocessor_config.json",
}


class Log:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files: list[str] = []

    def came(self, file, count):
        del file
        self.bytes += count

    def done(self, file):
        self.files.append(file.path)


def a_model(model_id: str = SD, revision: str = "main", needs=STABLE_DIFFUSION.needs) -> Model:
    return Model(model_id, revision, (needs,))


@pytest.fixture
def sd(hub, stable_diffusion_files):
    hub.models[SD] = stable_diffusion_files
    return hub


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "home" / "hub")


async def fetched(hub, cache, model, *, token: str = "", log: Log | None = None) -> Path:
    async with open_hub(hub.url, token, pauses=(0.0, 0.0)) as asked:
        order = await fetching.prepare(asked, cache, model)
        fetching.check_room(cache, [order])
        return await fetching.fetch(asked, cache, order, log or Log())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_exactly_what_the_engine_loads_comes_into_the_cache(sd, cache, commit):
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert folder == cache.snapshot(SD, "main") == cache.snapshot(SD, commit)
    assert contents(folder) == {path: sd.models[SD][path] for path in LOADED}
    assert set(log.files) == LOADED
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)
    assert state_in_cache(cache, a_model()).complete
    assert all(path.is_symlink() for path in folder.rglob("*") if path.is_file())


async def test_a_second_time_nothing_is_asked_for_again(sd, cache):
    await fetched(sd, cache, a_model())
    sent, log = sum(sd.sent.values()), Log()
    await fetched(sd, cache, a_model(), log=log)
    assert sum(sd.sent.values()) == sent
    assert log.files == []


async def test_the_hubs_own_client_lays_the_cache_out_alike_and_finds_ours_without_the_network(sd, cache, tmp_path):
    huggingface_hub = pytest.importorskip("huggingface_hub", reason="make setup-models brings it")
    ours = await fetched(sd, cache, a_model())
    theirs = tmp_path / "theirs"
    arguments = {"allow_patterns": sorted(LOADED), "cache_dir": str(theirs)}
    await asyncio.to_thread(huggingface_hub.snapshot_download, SD, endpoint=sd.url, **arguments)

    def layout(folder: Path) -> dict[str, str]:
        home = folder / f"models--{SD.replace('/', '--')}"
        files = [path for path in home.rglob("*") if path.is_file() or path.is_symlink()]
        return {
            path.relative_to(home).as_posix(): str(path.readlink())
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    assert layout(cache.folder) == layout(theirs)
    found = huggingface_hub.snapshot_download(
        SD, cache_dir=str(cache.folder), local_files_only=True, allow_patterns=sorted(LOADED)
    )
    assert Path(found) == ours


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(sd, cache):
    sd.faults.cut[UNET] = [1000, 500]
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert (folder / UNET).read_bytes() == sd.models[SD][UNET]
    assert [asked for asked in sd.ranges if asked.startswith(UNET)] == [f"{UNET}@{at}" for at in (0, 1000, 1500)]
    assert sd.sent[UNET] == len(sd.models[SD][UNET])
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)


async def test_after_it_gave_up_the_next_run_goes_on(sd, cache):
    sd.faults.cut[UNET] = [700, 0, 0, 0]
    with pytest.raises(FetchFailed, match="cannot be reached: the connection") as caught:
        await fetched(sd, cache, a_model())
    assert caught.value.reason == "HUB_UNREACHABLE"
    state = state_in_cache(cache, a_model())
    assert not state.complete
    assert state.unfinished_bytes == 700
    log = Log()
    await fetched(sd, cache, a_model(), log=log)
    assert state_in_cache(cache, a_model()).complete
    assert f"{UNET}@700" in sd.ranges
    assert sd.sent[UNET] == len(sd.models[SD][UNET])


async def test_a_server_that_knows_no_ranges_sends_all_of_it_again(sd, cache):
    sd.faults.cut[UNET], sd.faults.no_ranges = [1000], True
    log = Log()
    folder = await fetched(sd, cache, a_model(), log=log)
    assert (folder / UNET).read_bytes() == sd.models[SD][UNET]
    assert log.bytes == sum(len(sd.models[SD][path]) for path in LOADED)


@pytest.mark.parametrize("path", [UNET, "vae/config.json"])
async def test_what_arrives_damaged_is_fetched_once_more(sd, cache, path):
    sd.faults.damaged[path] = 1
    folder = await fetched(sd, cache, a_model())
    assert (folder / path).read_bytes() == sd.models[SD][path]
    (folder / path).unlink()
    next(blob for blob in (folder.parents[1] / "blobs").iterdir() if blob.read_bytes() == sd.models[SD][path]).unlink()
    sd.faults.damaged[path] = 2
    with pytest.raises(FetchFailed, match="damaged, twice"):
        await fetched(sd, cache, a_model())
    assert not (folder / path).exists()


async def test_a_busy_hub_is_asked_again(sd, cache):
    sd.faults.busy["unet/config.json"] = 2
    await fetched(sd, cache, a_model())
    sd.faults.busy["vae/config.json"] = 9
    (cache.snapshot(SD, "main") / "vae/config.json").unlink()
    for blob in cache.home(SD).glob("blobs/*"):
        if blob.read_bytes() == sd.models[SD]["vae/config.json"]:
            blob.unlink()
    with pytest.raises(FetchFailed, match="it answers with status 503"):
        await fetched(sd, cache, a_model())


async def test_the_token_goes_to_the_hub_and_nowhere_else(hub, cache, stable_audio_files, token):
    hub.models[SAO] = stable_audio_files
    hub.gated.add(SAO)
    hub.let_in.add(f"Bearer {token}")
    folder = await fetched(hub, cache, a_model(SAO, needs=STABLE_AUDIO.needs), token=token)
    assert set(contents(folder)) == {"model_config.json", "model.safetensors"}
    assert hub.tokens["hub"] == {f"Bearer {token}"}
    assert hub.tokens["store"] == {None}


@pytest.mark.parametrize(
    ("token", "step"), [("", "set HF_TOKEN to a token of that account"), ("hf_other", "its owner has to be let in")]
)
async def test_a_gated_model_says_where_its_licence_is(hub, cache, stable_audio_files, token, step):
    hub.models[SAO] = stable_audio_files
    hub.gated.add(SAO)
    with pytest.raises(FetchFailed) as caught:
        await fetched(hub, cache, a_model(SAO, needs=STABLE_AUDIO.needs), token=token)
    assert caught.value.reason == "GATED"
    assert str(caught.value) == f"{SAO} is gated: accept its licence at {hub.url}/{SAO}, then {step}"


@pytest.mark.parametrize(
    ("chosen", "token", "words", "reason"),
    [
        (a_model("nobody/nothing"), "", "no model nobody/nothing; a private one needs HF_TOKEN", "MODEL_NOT_FOUND"),
        (a_model("nobody/nothing"), "hf_x", "no model nobody/nothing", "MODEL_NOT_FOUND"),
        (a_model(revision="fp16"), "", "no revision fp16", "REVISION_NOT_FOUND"),
        (a_model("pickles/only"), "", "only pickled weights (text_encoder/pytorch_model.bin)", "MODEL_UNFIT"),
        (a_model("words/only"), "", "it has no model_index.json", "MODEL_UNFIT"),
        (Model("pickles/only", "main", LORA), "", "only pickled weights", "MODEL_UNFIT"),
    ],
)
async def test_what_cannot_be_loaded_is_not_fetched(sd, cache, chosen, token, words, reason):
    sd.models["pickles/only"] = {path: b for path, b in sd.models[SD].items() if not path.endswith(".safetensors")}
    sd.models["words/only"] = {"README.md": b"words"}
    with pytest.raises(FetchFailed) as caught:
        await fetched(sd, cache, chosen, token=token)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.reason == reason
    assert not sd.sent


async def test_a_full_disk_is_noticed_before_anything_is_written(sd, cache, monkeypatch):
    total = sum(len(sd.models[SD][path]) for path in LOADED)
    usage = fetching.shutil.disk_usage(cache.folder.parents[1])
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage._replace(free=fetching.SPARE_BYTES + total - 1))
    with pytest.raises(FetchFailed, match="set HF_HOME to a folder on another disk") as caught:
        await fetched(sd, cache, a_model())
    assert caught.value.reason == "DISK_FULL"
    assert not sd.sent
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage._replace(free=fetching.SPARE_BYTES + total))
    await fetched(sd, cache, a_model())


async def test_paths_that_lead_out_of_the_cache_are_refused(sd, cache):
    sd.models[SD]["tokenizer/../../../../merges.txt"] = b"x"
    with pytest.raises(FetchFailed, match="does not answer like a Hugging Face hub"):
        await fetched(sd, cache, a_model())


async def test_a_pinned_commit_is_what_programs_without_a_revision_find(hub, cache, t5_files, commit):
    hub.models["t5-base"] = t5_files
    folder = await fetched(hub, cache, Model("t5-base", commit, T5.variants))
    assert cache.snapshot("t5-base", "main") == folder
    assert set(contents(folder)) == {"config.json", "model.safetensors", "tokenizer.json"}


def command(*arguments: str, hub_url: str, home: Path, **environment: str):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "POSTCARDS_"))}
    return asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "postcards_client",
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


async def test_a_gpu_gets_half_of_it(sd, cache):
    found = model("stable-diffusion", Precision.HALF, "", "main")
    folder = await fetched(sd, cache, found)
    weights = {path for path in contents(folder) if path.endswith(".safetensors")}
    assert len(weights) == 4
    assert all(".fp16." in path for path in weights)
    assert state_in_cache(cache, found).complete
    assert not state_in_cache(cache, model("stable-diffusion", Precision.WHOLE, "", "main")).complete


async def test_a_checkpoint_without_halves_is_fetched_whole(sd, cache):
    sd.models[SD] = {path: held for path, held in sd.models[SD].items() if ".fp16." not in path}
    found = model("stable-diffusion", Precision.HALF, "", "main")
    assert set(contents(await fetched(sd, cache, found))) == LOADED
    assert state_in_cache(cache, found).complete


async def test_the_services_find_it_without_the_network(sd, cache, monkeypatch):
    files = pytest.importorskip("postcards_image.engines.stable_diffusion.files")
    folder = await fetched(sd, cache, a_model())
    monkeypatch.setenv("HF_HUB_CACHE", str(cache.folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = find_model(SD, patterns=files.patterns(half=False), required=files.required(half=False), revision="main")
    assert found.folder == folder
    assert set(found.files) == LOADED
    assert found.files[UNET] == hashlib.sha256(sd.models[SD][UNET]).hexdigest()


async def test_nobody_at_the_hub_is_one_line():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with open_hub(url, pauses=()) as hub:
        with pytest.raises(FetchFailed, match=f"^{url} cannot be reached: ") as caught:
            await hub.listing(SD, "main")
    assert caught.value.reason == "HUB_UNREACHABLE"


async def test_a_password_of_a_mirror_is_not_told(sd, cache):
    async with open_hub(sd.url.replace("//", "//user:swordfish@"), pauses=()) as hub:
        with pytest.raises(FetchFailed, match="has no model a/b") as caught:
            await fetching.prepare(hub, cache, a_model("a/b"))
    assert "swordfish" not in str(caught.value)


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
    await eventually(lambda: cache.unfinished_bytes(SD) == half)
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


async def test_two_processes_do_not_write_the_same_file(sd, cache):
    sd.faults.held[UNET] = threading.Event()
    first = asyncio.ensure_future(fetched(sd, cache, a_model()))
    await eventually(lambda: cache.unfinished_bytes(SD) == len(sd.models[SD][UNET]) // 2)
    with pytest.raises(FetchFailed, match="another process is fetching"):
        await fetched(sd, cache, a_model())
    sd.faults.held.pop(UNET).set()
    assert (await first / UNET).read_bytes() == sd.models[SD][UNET]
