"""What a user's type checker and editor see of the client and the stubs, installed from wheels."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = """
import asyncio
from typing import assert_type

import grpc
from postcards.composer.v1 import composer_pb2

import postcards_client
from postcards_client import BlockingPostcardsClient, ImageSettings, InvalidRequest, Postcard, PostcardsClient, download


async def main() -> None:
    async with PostcardsClient("127.0.0.1:50050", credentials=grpc.ssl_channel_credentials()) as client:
        made = await client.make(seed=7, theme="fog", image=ImageSettings(width=512))
        assert_type(made, Postcard)
        assert_type(made, composer_pb2.Postcard)
        assert_type(made.species.name, str)
        assert_type((await client.list(page_size=3)).next_page_token, str)
        assert_type((await download(made, "folder"))["image.png"].name, str)
        async for event in client.watch(made.id):
            assert_type(event.sequence, int)


def plain() -> int:
    with BlockingPostcardsClient() as client:
        made = client.make(seed=7)
        assert_type(made, Postcard)
        assert_type(client.download(made, "folder")["image.png"].is_file(), bool)
        try:
            client.get(made.id)
        except InvalidRequest as error:
            assert_type(error.violations[0].field, str)
        return made.seed


asyncio.run(main())
"""
BAD = {
    "a setting of another name": "postcards_client.BlockingPostcardsClient().make(sed=7)",
    "a value of another type": "postcards_client.BlockingPostcardsClient().make(theme=7)",
    "a name that does not exist": "postcards_client.Postcrad",
    "a field that does not exist": "postcards_client.BlockingPostcardsClient().make().specie",
    "a folder that is a number": "postcards_client.BlockingPostcardsClient().download(postcards_client.Postcard(), 5)",
}


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A Python in whose environment the client and the stubs are installed from wheels, beside what they need."""
    folder = tmp_path_factory.mktemp("user")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    site = next((folder / "venv" / "lib").glob("python3*/site-packages"))
    command = "-m pip install --quiet --no-deps --no-index --no-build-isolation --disable-pip-version-check --target"
    own = [ROOT / "libs" / "stubs", ROOT / "libs" / "client"]
    subprocess.run([sys.executable, *command.split(), site, *own], check=True, capture_output=True)
    # gRPC, protobuf and their types; the packages here that are links to folders do not count among them.
    (site / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "venv" / "bin" / "python"


def checked(checker: str, python: Path, program: str) -> subprocess.CompletedProcess[str]:
    file = python.parents[2] / "program.py"
    file.write_text(program, encoding="utf-8")
    options = {
        "mypy": ["mypy", "--strict", "--no-incremental", "--python-executable", python],
        "pyright": ["pyright", "--pythonpath", python],
    }
    command = [sys.executable, "-m", *options[checker], file]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_program_of_a_user_is_understood(checker, python):
    done = checked(checker, python, GOOD)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_each_mistake_is_seen(checker, python):
    lines = ["import postcards_client", *BAD.values()]
    done = checked(checker, python, "\n".join(lines) + "\n")
    missed = [name for number, name in enumerate(BAD, start=2) if f"program.py:{number}:" not in done.stdout]
    assert not missed, done.stdout
