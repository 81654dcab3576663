"""A composer and part services with the real embedded engines, and the `postcards` command that asks them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from postcards.audio.v1 import audio_pb2_grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from postcards.image.v1 import image_pb2_grpc
from postcards.language.v1 import language_pb2_grpc
from prometheus_client import CollectorRegistry

from command_runs import Run
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_audio.servicer import AudioServicer
from postcards_client.client import PostcardsClient
from postcards_composer.api.servicer import PostcardServicer
from postcards_composer.composer import Composer
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.settings import ComposerSettings
from postcards_composer.store.folder import FolderStore
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_image.servicer import ImageServicer
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.servicer import LanguageServicer
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.served import alone
from postcards_serving.testing import listening_server

TINY = Path(__file__).parents[3] / "models" / "tiny.onnx"


@pytest.fixture(autouse=True)
def quick_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards that cost nothing: what matters here is beside them."""
    monkeypatch.setattr("postcards_composer.card.assembly.render_card_html", lambda content, _: content.name.encode())
    monkeypatch.setattr("postcards_composer.card.assembly.render_card_png", lambda content, _: content.id.encode())


@pytest.fixture(scope="session")
def ddpm():
    engine = DdpmEngine(load_network(str(TINY), threads=1))
    yield engine
    engine.close()


def image_server(engine):
    servicer = ImageServicer(alone(engine), Executor(2, Admission(8), engine=engine.name, stages=engine.stages))
    return listening_server(partial(image_pb2_grpc.add_ImageServiceServicer_to_server, servicer))


def audio_server(engine):
    servicer = AudioServicer(alone(engine), Executor(2, Admission(8), engine=engine.name, stages=engine.stages))
    return listening_server(partial(audio_pb2_grpc.add_AudioServiceServicer_to_server, servicer))


def language_server(engine):
    servicer = LanguageServicer(alone(engine), Executor(2, Admission(8), engine=engine.name, stages=engine.stages))
    return listening_server(partial(language_pb2_grpc.add_LanguageServiceServicer_to_server, servicer))


@dataclass
class Studio:
    """Where postcards are made and made again."""

    composer: str
    addresses: dict[str, str]
    folder: Path
    here: Path

    async def made(self, **request) -> Path:
        """Makes a small postcard; the folder in which it is kept."""
        image = composer_pb2.ImageSettings(width=128, height=128, **request.pop("image", {}))
        audio = composer_pb2.AudioSettings(seconds=1, **request.pop("audio", {}))
        async with PostcardsClient(self.composer) as client:
            postcard = await client.make(image=image, audio=audio, **request)
        assert postcard.state == composer_pb2.POSTCARD_STATE_ACTIVE, postcard.parts
        return self.folder / "postcards" / postcard.id

    async def run(self, *arguments: str, **addresses: str) -> Run:
        """Runs `postcards` with the addresses of the services in its environment."""
        named = {f"POSTCARDS_{name.upper()}_ADDRESS": address for name, address in (self.addresses | addresses).items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postcards_cli",
            *arguments,
            env={**os.environ, "POSTCARDS_ADDRESS": self.composer, **named},
            cwd=self.here,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        return Run(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def open_studio(tmp_path: Path) -> AsyncIterator[Callable]:
    """Opens studios; engines and a store may be given."""
    async with AsyncExitStack() as stack:

        async def open_one(image_engine=None, store=None, language_engine=None) -> Studio:
            addresses = {
                "image": await stack.enter_async_context(image_server(image_engine or CreatureEngine())),
                "audio": await stack.enter_async_context(audio_server(VocalTractEngine())),
                "language": await stack.enter_async_context(language_server(language_engine or PhonotacticEngine())),
            }
            folder = tmp_path / "kept"
            settings = ComposerSettings(**{f"{part}_address": address for part, address in addresses.items()})
            composer = Composer(settings, store or FolderStore(folder), ComposerMetrics(CollectorRegistry()))
            await composer.begin()
            stack.push_async_callback(composer.close)
            stack.push_async_callback(composer.drain)
            servicer = PostcardServicer(composer.operations)
            address = await stack.enter_async_context(
                listening_server(partial(composer_pb2_grpc.add_PostcardServiceServicer_to_server, servicer))
            )
            return Studio(address, addresses, folder, tmp_path)

        yield open_one


@pytest.fixture
async def studio(open_studio) -> Studio:
    return await open_studio()
