"""The audio service over a real channel, with its real engine."""

import io
import math
import os
import subprocess
import sys

import grpc
import grpc.aio
import pytest
import soundfile
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from postcards.audio.v1 import audio_pb2
from postcards.species.v1 import phrase_pb2, voice_pb2, world_pb2

from postcards_client.parts.blobs import BlobReceiver
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.statuses import DETAILS_KEY
from postcards_serving.testing import eventually
from postcards_species.species import derive_species

Request = audio_pb2.GenerateAudioRequest


async def ask(audio, request: Request) -> list[audio_pb2.GenerateAudioResponse]:
    return [response async for response in audio.GenerateAudio(request)]


async def refusal(audio, request: Request) -> tuple[str, str]:
    """The field and the words of an INVALID_ARGUMENT."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(audio, request)
    fault = caught.value
    assert fault.code() is grpc.StatusCode.INVALID_ARGUMENT
    for packed in Status.FromString(dict(fault.trailing_metadata())[DETAILS_KEY]).details:
        bad = BadRequest()
        if packed.Unpack(bad):
            return bad.field_violations[0].field, fault.details()
    raise AssertionError("no BadRequest in the details")


def phrase(*phonemes: str) -> phrase_pb2.Phrase:
    syllables = [phrase_pb2.Syllable(phonemes=[symbol], text="x") for symbol in phonemes]
    return phrase_pb2.Phrase(
        animal_text="x",
        intent=phrase_pb2.INTENT_GREETING,
        mood=phrase_pb2.MOOD_CALM,
        words=[phrase_pb2.Word(text="x", gloss="x", syllables=syllables)],
    )


async def test_a_call_streams_progress_result_and_bytes_with_their_hash(audio):
    responses = await ask(audio, Request(seed=7, seconds=2))
    kinds = [response.WhichOneof("event") for response in responses]
    assert kinds == sorted(kinds, key=["progress", "result", "chunk"].index)
    assert kinds.count("result") == 1
    stages = list(dict.fromkeys(r.progress.stage for r in responses if r.HasField("progress")))
    assert [stage for stage in stages if stage != "queued"] == ["phonate", "articulate", "place", "master", "encode"]
    result = responses[kinds.index("result")].result
    receiver = BlobReceiver(result.blobs)
    for response in responses:
        if response.HasField("chunk"):
            assert 1 <= len(response.chunk.data) <= 262_144
            receiver.add(response.chunk)
    lossless, compressed = receiver.finish()
    assert (lossless.name, compressed.name) == ("call.flac", "call.mp3")
    samples, rate = soundfile.read(io.BytesIO(lossless.data))
    assert samples.shape == (88_200, 2)
    assert rate == result.sample_rate_hz == 44_100
    assert (result.channels, result.seconds) == (2, 2)
    assert result.timings
    assert -30 < result.loudness_lufs < -14
    assert result.provenance.engine == "vocal-tract"


async def test_an_empty_request_is_a_call_of_species_zero(audio):
    responses = await ask(audio, Request())
    result = next(response.result for response in responses if response.HasField("result"))
    assert result.seconds == 10


async def test_a_derived_voice_and_scene_are_accepted_as_they_are(audio):
    species = derive_species(99)
    request = Request(
        seed=99,
        seconds=1,
        vocal_tract=encode(species.vocal_tract, voice_pb2.VocalTract),
        scene=encode(species.scene, world_pb2.Scene),
        phrase=phrase("k", "aa", "grr"),
    )
    responses = await ask(audio, request)
    assert any(response.HasField("result") for response in responses)


@pytest.mark.parametrize(
    ("request_", "field", "limit"),
    [
        (Request(seconds=math.nan), "seconds", "finite"),
        (Request(seconds=math.inf), "seconds", "finite"),
        (Request(seconds=0.4), "seconds", "0.5"),
        (Request(seconds=61), "seconds", "60"),
        (Request(seconds=-1), "seconds", "0.5"),
        (Request(strangeness=1.5), "strangeness", "1"),
        (Request(engine="gramophone"), "engine", "vocal-tract"),
        (Request(request_id="no spaces"), "request_id", ""),
        (Request(prompt="x" * 2001), "prompt", "2000"),
        (Request(steps=1001), "steps", "1000"),
        (Request(guidance_scale=51), "guidance_scale", "50"),
        (Request(init_strength=-0.1), "init_strength", "0"),
        (Request(phrase=phrase("a", "zzz")), "phrase.words[0].syllables[1].phonemes[0]", "'zzz'"),
        (Request(phrase=phrase_pb2.Phrase(animal_text="x", intent=1, mood=1)), "phrase.words", "1"),
        (Request(vocal_tract=voice_pb2.VocalTract(length_cm=1)), "vocal_tract.length_cm", "2"),
        (Request(scene=world_pb2.Scene(biome=999)), "scene.biome", ""),
    ],
)
async def test_bad_input_is_refused_with_field_and_limit(audio, request_, field, limit):
    named, words = await refusal(audio, request_)
    assert named == field
    assert limit in words
    assert audio.engine.reached == []


async def test_a_dropped_call_stops_its_engine(audio):
    call = audio.GenerateAudio(Request(seed=1, seconds=60))
    async for response in call:
        if response.progress.stage == "phonate":
            break
    call.cancel()
    await eventually(lambda: audio.engine.ended == ["Cancelled"], timeout=30)
    assert "encode" not in audio.engine.reached


async def test_a_deadline_stops_the_engine(audio):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in audio.GenerateAudio(Request(seed=1, seconds=60), timeout=0.3):
            pass
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await eventually(lambda: audio.engine.ended, timeout=30)
    assert "encode" not in audio.engine.reached


@pytest.mark.parametrize(
    ("name", "value"), [("POSTCARDS_AUDIO_ENGINE", "gramophone"), ("POSTCARDS_METRICS_PORT", "many")]
)
def test_bad_settings_end_the_start_with_one_line(name, value):
    environment = {**os.environ, "POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", name: value}
    ended = subprocess.run(
        [sys.executable, "-m", "postcards_audio"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_embedded_engine_brings_no_heavy_library_into_the_process():
    program = (
        "import sys, postcards_audio.__main__, postcards_audio.engines.vocal_tract;"
        "print([name for name in ('torch', 'scipy', 'pyloudnorm') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[]"
