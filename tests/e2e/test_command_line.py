"""The installed `postcards` command with the four real services as processes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from command_runs import Run
from free_ports import free_port_base
from postcards_cli.local.ports import endpoints, trouble_with_port
from postcards_client.health import status
from postcards_serving.testing import eventually

COMMAND = str(Path(sys.executable).with_name("postcards"))
CONTRACT = {"id", "state", "name", "seed", "parts", "location"}
SMALL = ("--width", "256", "--height", "256", "--seconds", "1")
LIMIT = 120.0


def environment(**more: str) -> dict[str, str]:
    """Our environment without settings of Postcards."""
    return {key: value for key, value in os.environ.items() if not key.startswith("POSTCARDS_")} | more


def start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Run:
    out, err = process.communicate(timeout=LIMIT)
    return Run(process.returncode, out, err)


def run(*arguments: str, folder: Path) -> Run:
    return finish(start(*arguments, folder=folder))


@pytest.fixture
def port_base() -> int:
    return free_port_base()


def serving(base: int) -> bool:
    """Whether any of the four services answers."""
    states = [asyncio.run(status(endpoint.address, within=1.0)) for endpoint in endpoints(base)]
    return any(state != "UNAVAILABLE" for state in states)


def gone(base: int) -> bool:
    """Whether nothing listens any more on the eight ports."""
    return not any(trouble_with_port(port) for port in range(base, base + 8))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def base(home) -> Iterator[int]:
    """First port of services that run for the whole module: `postcards up`."""
    base = free_port_base()
    process = start("up", "--json", "--port-base", str(base), "--out", "kept", folder=home)
    ready = json.loads(process.stdout.readline())
    assert ready["state"] == "SERVING"
    assert ready["services"].keys() == {"composer", "image", "audio", "language"}
    yield base
    process.send_signal(signal.SIGINT)
    left = finish(process)
    assert left.exit_code == 0, left.err
    assert left.out == ""
    assert gone(base)


@pytest.fixture
def postcards(base, tmp_path) -> Callable[..., Run]:
    """Runs the command against the services that run already."""
    return lambda *arguments: run(*arguments, "--port-base", str(base), folder=tmp_path)


@pytest.fixture(scope="module")
def made(base, home) -> dict:
    """A complete postcard."""
    done = run("create", *SMALL, "--seed", "7", "--json", "--port-base", str(base), folder=home)
    assert done.exit_code == 0, done.err
    return done.json


def test_create_start_ends_with_a_card(tmp_path, port_base):
    done = run(
        "create", "--start", "--port-base", str(port_base), "--seed", "7", "--theme", "stormy night", "--out", "mine",
        folder=tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.err
    card = Path(done.last_line)
    assert card.name == "card.html"
    assert card.is_relative_to(tmp_path / "mine" / "postcards")
    assert "<html" in card.read_text("utf-8")
    for name in ("manifest.json", "image.png", "preview.webp", "call.flac", "call.mp3", "phrase.json", "card.png"):
        assert (card.parent / name).stat().st_size > 0
    assert "picture: " in done.err
    assert "call: done" in done.err
    assert gone(port_base), "the services have stopped"
    assert {path.name for path in (tmp_path / "mine" / "logs").iterdir()} == {
        "composer.log",
        "image.log",
        "audio.log",
        "language.log",
    }


def test_empty_variables_of_make_are_fine(postcards):
    done = postcards("create", *SMALL, "--seed", "", "--theme", "", "--out", "")
    assert done.exit_code == 0, done.err
    assert Path(done.last_line).is_file()


def test_every_command_keeps_the_contract_of_json(postcards, made):
    assert made.keys() >= CONTRACT
    assert made["state"] == "ACTIVE"
    assert made["seed"] == 7
    assert made["name"]
    assert {part["state"] for part in made["parts"].values()} == {"DONE"}
    shown = postcards("get", made["id"], "--json")
    assert shown.json.keys() >= CONTRACT
    assert shown.json["files"].keys() >= {"card.html", "image.png", "call.mp3"}
    watched = postcards("watch", made["id"], "--json")
    assert watched.exit_code == 0
    assert watched.json.keys() >= CONTRACT
    listed = postcards("list", "--json")
    assert listed.exit_code == 0
    assert made["id"] in [postcard["id"] for postcard in listed.json["postcards"]]
    assert all(postcard.keys() >= CONTRACT for postcard in listed.json["postcards"])
    for command in ("cancel", "repair"):
        refused = postcards(command, made["id"], "--json")
        assert refused.exit_code == 1
        assert refused.json["error"]["code"] == "FAILED_PRECONDITION"
    checked = postcards("doctor", "--json")
    assert checked.exit_code == 0, checked.out
    assert checked.json["ok"]
    assert sum("SERVING" in check["found"] for check in checked.json["checks"]) == 4


def test_the_same_request_makes_the_same_postcard(postcards):
    first = postcards("create", *SMALL, "--request-id", "twice", "--seed", "11", "--json")
    second = postcards("create", *SMALL, "--request-id", "twice", "--seed", "11", "--json")
    assert second.exit_code == 0
    assert second.json["id"] == first.json["id"]
    assert second.json["revision"] == first.json["revision"]
    other = postcards("create", *SMALL, "--request-id", "twice", "--seed", "12", "--json")
    assert other.exit_code == 2
    assert other.json["error"]["code"] == "ALREADY_EXISTS"


def test_delete(postcards):
    card = postcards("create", *SMALL, "--json").json
    done = postcards("delete", card["id"], "--json")
    assert done.exit_code == 0
    assert done.json.keys() >= CONTRACT
    gone = postcards("get", card["id"], "--json")
    assert gone.exit_code == 5
    assert gone.json["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--seconds", "61"), "--seconds"),
        (("--seconds", "nan"), "--seconds"),
        (("--strangeness", "1.5"), "--strangeness"),
        (("--width", "65"), "--width"),
        (("--theme", "x" * 201), "--theme"),
        (("--timeout", "0.5"), "--timeout"),
        (("--request-id", "a b"), "--request-id"),
        (("--top-p", "0"), "--top-p"),
        (("--image-guidance", "inf"), "--image-guidance"),
    ],
)
def test_values_out_of_range_are_named_by_their_option(postcards, arguments, option):
    done = postcards("create", *arguments, "--json")
    assert done.exit_code == 2
    assert [violation["option"] for violation in done.json["error"]["violations"]] == [option]


def test_cancel_mid_way(base, tmp_path, postcards):
    process = start(
        "create", "--seconds", "60", "--width", "2048", "--height", "2048", "--request-id", "to-cancel",
        "--port-base", str(base), folder=tmp_path,
    )  # fmt: skip
    line = process.stderr.readline()
    postcard_id = line.split()[1].rstrip(":")
    cancelled = postcards("cancel", postcard_id, "--json")
    assert cancelled.exit_code == 0, cancelled.out
    assert cancelled.json["state"] == "CANCELLED"
    assert finish(process).exit_code == 4


def test_out_downloads(postcards, made, tmp_path):
    done = postcards("get", made["id"], "--out", "here")
    assert done.last_line == str(tmp_path / "here" / made["id"] / "card.html")
    assert Path(done.last_line).is_file()


@pytest.mark.parametrize("offset", [0, 2, 5])
def test_a_busy_port_is_one_clear_line(tmp_path, port_base, offset):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_base + offset))
        other.listen()
        done = run("create", "--start", "--port-base", str(port_base), folder=tmp_path)
    assert done.exit_code == 6
    assert done.err.count("\n") == 1
    assert f"port {port_base + offset} " in done.err
    assert "already in use" in done.err
    assert done.out == ""
    assert not (tmp_path / "out").exists(), "nothing was started"


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path, port_base):
    (tmp_path / "file").write_text("")
    done = run("create", "--start", "--port-base", str(port_base), "--out", "file/out", folder=tmp_path)
    assert done.exit_code == 6
    assert done.err.count("\n") == 1
    assert "cannot write to" in done.err


def test_a_service_that_cannot_start_is_one_clear_line(tmp_path, port_base):
    process = subprocess.run(
        [COMMAND, "create", "--start", "--quiet", "--port-base", str(port_base)],
        cwd=tmp_path,
        env=environment(POSTCARDS_IMAGE_ENGINE="crayons"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert process.returncode == 6
    assert process.stderr.count("\n") == 1
    assert "image service" in process.stderr
    assert "crayons" in process.stderr or "IMAGE_ENGINE" in process.stderr
    assert gone(port_base)


@pytest.mark.long
def test_ctrl_c_mid_way_stops_everything_and_the_next_run_goes_on(tmp_path, port_base):
    arguments = (
        "create",
        "--start",
        "--port-base",
        str(port_base),
        "--out",
        "o",
        "--request-id",
        "again",
        "--seed",
        "5",
    )
    process = start(*arguments, *SMALL, folder=tmp_path)
    postcard_id = next(line.split()[1].rstrip(":") for line in process.stderr if line.startswith("postcard "))
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.exit_code == 130
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1].endswith("the same command with --request-id again takes the postcard up again")
    assert gone(port_base)
    again = run(*arguments, *SMALL, "--json", folder=tmp_path)
    if again.exit_code == 3:
        again = run(
            "repair", postcard_id, "--start", "--port-base", str(port_base), "--out", "o", "--json", folder=tmp_path
        )
    assert again.exit_code == 0, again.err
    assert again.json["id"] == postcard_id


def test_killing_the_command_leaves_no_services(tmp_path, port_base):
    process = start("up", "--json", "--port-base", str(port_base), folder=tmp_path)
    try:
        assert json.loads(process.stdout.readline())["state"] == "SERVING"
        assert serving(port_base)
    finally:
        process.kill()
        process.communicate()
    asyncio.run(eventually(lambda: gone(port_base), timeout=60))


class _Links(HTMLParser):
    """The links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs)["href"])


@pytest.mark.long
def test_a_killed_jungle_goes_on(tmp_path, port_base):
    arguments = (
        "jungle", "--start", "--count", "3", "--seed", "9", "--out", "jungle", "--port-base", str(port_base),
    )  # fmt: skip
    process = start(*arguments, folder=tmp_path)
    try:
        first = next(line for line in process.stderr if line.startswith("1 of 3"))
        assert "(active)" in first
    finally:
        process.kill()
        process.communicate()
    asyncio.run(eventually(lambda: gone(port_base), timeout=60))
    store = tmp_path / "jungle" / "postcards"
    before = {path.parent.name: path.stat().st_mtime_ns for path in store.glob("*/card.html")}
    assert before
    again = run(*arguments, "--json", folder=tmp_path)
    assert again.exit_code == 0, again.err
    assert again.json["complete"] == 3
    assert again.json["made"] <= 2
    after = {path.parent.name: path.stat().st_mtime_ns for path in store.glob("*/card.html")}
    assert len(after) == 3
    assert before.items() <= after.items(), "what was there has not been touched"
    index = Path(again.json["index"])
    links = _Links(index.read_text("utf-8")).found
    assert len(links) == 3
    assert all((index.parent / unquote(link)).is_file() for link in links)


def test_a_jungle_without_start(postcards, tmp_path):
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "index.html").unlink()
    done = postcards("jungle", "--count", "1", "--seed", "1", "--out", "copy")
    assert done.exit_code == 0, done.err
    index = Path(done.last_line)
    assert index == tmp_path / "copy" / "index.html"
    for link in _Links(index.read_text("utf-8")).found:
        assert (index.parent / unquote(link)).is_file()
