"""A service whose model engine cannot: the embedded engine answers in its place, unless the request names the other."""

import asyncio
import contextlib
import threading
from pathlib import Path

import grpc
import grpc.aio
import pytest
from postcards.audio.v1 import audio_pb2, audio_pb2_grpc
from postcards.image.v1 import image_pb2, image_pb2_grpc
from postcards.language.v1 import language_pb2, language_pb2_grpc

from postcards_audio.engine import AudioRequest, AudioResult
from postcards_audio.engines.vocal_tract import VocalTractEngine
from postcards_audio.servicer import AudioServicer
from postcards_image.engines.creature import CreatureEngine
from postcards_image.engines.ddpm import DdpmEngine, load_network
from postcards_image.servicer import ImageServicer
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.servicer import LanguageServicer
from postcards_serving.device.loss import listening
from postcards_serving.engine.executor import Executor
from postcards_serving.engine.work import Item, Progress, Work
from postcards_serving.errors import EngineFailed, ModelUnusable, Unavailable
from postcards_serving.fallback.load import load_with_fallback
from postcards_serving.rpc.statuses import from_rpc_error
from postcards_serving.testing import eventually, running_server

GATED = "somebody/songs is gated: accept its licence"


class Orator:
    """A language engine that says one phrase and then loses its API."""

    name, version, stages = "openai", "1", ("ask",)

    def generate(self, request: object, work: Work) -> None:
        phrases = PhonotacticEngine().generate(request, Work()).phrases
        work.report(Item(phrases[0]))
        raise Unavailable("the API does not answer")

    def close(self) -> None:
        """Holds nothing."""


def no_songs() -> VocalTractEngine:
    raise ModelUnusable(GATED)


@contextlib.asynccontextmanager
async def serving(servicer_type, add, engines, places=1):
    executor = Executor(places, engine=engines.default.name)
    async with running_server(lambda server: add(servicer_type(engines, executor), server)) as channel:
        yield channel
        await executor.drain(30)
    await asyncio.to_thread(engines.default.close)


async def sung(channel: grpc.aio.Channel, engine: str = "", seed: int = 1) -> audio_pb2.AudioResult:
    request = audio_pb2.GenerateAudioRequest(seed=seed, seconds=0.5, engine=engine)
    responses = [response async for response in audio_pb2_grpc.AudioServiceStub(channel).GenerateAudio(request)]
    return next(response.result for response in responses if response.HasField("result"))


async def test_a_service_without_its_model_is_served_by_the_engine_behind_it():
    engines = load_with_fallback(no_songs, VocalTractEngine, name="stable-audio", fallback="vocal-tract")
    async with serving(AudioServicer, audio_pb2_grpc.add_AudioServiceServicer_to_server, engines) as channel:
        made = (await sung(channel)).provenance
        assert made.engine == "vocal-tract"
        assert made.notes[-1] == "stable-audio failed (its model cannot be used here): vocal-tract made this"
        assert not (await sung(channel, "vocal-tract")).provenance.notes
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await sung(channel, "stable-audio")
        told = from_rpc_error(caught.value)
        assert (told.code.value, told.reason) == ("FAILED_PRECONDITION", "MODEL_UNUSABLE")
        assert told.message == f"{GATED} (the request names 'stable-audio': 'vocal-tract' was not asked)"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await sung(channel, "whistle")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "'stable-audio' or 'vocal-tract'" in caught.value.details()


async def test_phrases_of_an_engine_that_failed_on_the_way_do_not_reach_the_caller():
    engines = load_with_fallback(Orator, PhonotacticEngine, name="openai", fallback="phonotactic")
    request = language_pb2.GeneratePhrasesRequest(seed=1, count=3)
    async with serving(LanguageServicer, language_pb2_grpc.add_LanguageServiceServicer_to_server, engines) as channel:
        stub = language_pb2_grpc.LanguageServiceStub(channel)
        responses = [response async for response in stub.GeneratePhrases(request)]
    phrases = [response.phrase for response in responses if response.HasField("phrase")]
    (result,) = [response.result for response in responses if response.HasField("result")]
    assert len(phrases) == result.count == 3
    assert result.provenance.engine == "phonotactic"
    assert "the API does not answer" in result.provenance.notes[-1]


class Singer:
    """An audio engine that sings species 1 and chokes on all others."""

    name, version, stages = "stable-audio", "1", ("sing",)

    def __init__(self) -> None:
        self._tract = VocalTractEngine()

    def generate(self, request: AudioRequest, work: Work) -> AudioResult:
        work.report(Progress("sing"))
        if request.seed != 1:
            raise EngineFailed("the voice broke")
        return self._tract.generate(request, work)

    def close(self) -> None:
        """Holds nothing."""


async def test_while_a_fallback_takes_its_time_to_load_the_server_lives_on():
    begun, go_on = threading.Event(), threading.Event()

    def load_slowly() -> VocalTractEngine:
        begun.set()
        assert go_on.wait(60)
        return VocalTractEngine()

    engines = load_with_fallback(Singer, load_slowly, name="stable-audio", fallback="vocal-tract")
    try:
        async with serving(
            AudioServicer, audio_pb2_grpc.add_AudioServiceServicer_to_server, engines, places=3
        ) as channel:
            stub = audio_pb2_grpc.AudioServiceStub(channel)
            patient = asyncio.ensure_future(sung(channel, seed=2))
            await eventually(begun.is_set)
            assert not (await sung(channel, seed=1)).provenance.notes, "what the main engine can do is done meanwhile"
            hurried = audio_pb2.GenerateAudioRequest(seed=3, seconds=0.5)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in stub.GenerateAudio(hurried, timeout=1.0):
                    pass
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            leaving = stub.GenerateAudio(hurried)
            await leaving.read()
            assert leaving.cancel()
            assert not patient.done()
            go_on.set()
            assert (await patient).provenance.notes[-1] == (
                "stable-audio failed (the voice broke): vocal-tract made this"
            )
    finally:
        go_on.set()


TINY = Path(__file__).parents[2] / "models" / "tiny.onnx"


@pytest.mark.parametrize(
    "text", ["out of memory", "std::bad_alloc", "CUDA error: an illegal memory access was encountered"]
)
async def test_what_a_request_says_is_no_fault_of_the_machine(text: str):
    """The engine quotes it in its refusal: there, words that runtimes use for their own faults prove nothing."""
    heard: list[str] = []
    engines = load_with_fallback(
        lambda: DdpmEngine(load_network(str(TINY), "onnx", 1)), CreatureEngine, name="ddpm", fallback="creature"
    )
    wanted = image_pb2.GenerateImageRequest(width=64, height=64, steps=2, sampler=text)
    with listening(heard.append):
        async with serving(ImageServicer, image_pb2_grpc.add_ImageServiceServicer_to_server, engines) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in image_pb2_grpc.ImageServiceStub(channel).GenerateImage(wanted):
                    pass
    told = from_rpc_error(caught.value)
    assert (told.code.value, told.reason, told.metadata["field"]) == ("INVALID_ARGUMENT", "INVALID_FIELD", "sampler")
    assert not heard
