"""The language service as it is shipped, around the engine openai: its start, its costs, and who stands behind it."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from postcards.language.v1 import language_pb2, language_pb2_grpc

from chat_server import Stalling
from postcards_serving.rpc.load_balancing import open_channel
from postcards_serving.testing import eventually

KEY = "sk-test-0123456789abcdefghij"
GOOD = {
    "animal_text": "ghrr",
    "english_gloss": "The moon eats the bone.",
    "intent": "telling",
    "mood": "calm",
    "words": [{"text": "x", "gloss": "moon"}, {"text": "y", "gloss": "eat"}, {"text": "z", "gloss": "bone"}],
}


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "POSTCARDS_"))}
    quiet = {"POSTCARDS_PORT": "0", "POSTCARDS_METRICS_PORT": "0", "POSTCARDS_DRAIN_PAUSE_SECONDS": "0"}
    quiet |= {"POSTCARDS_LOG_LEVEL": "debug"}
    return kept | quiet | {"POSTCARDS_LANGUAGE_ENGINE": "openai", "POSTCARDS_LANGUAGE_MODEL": "m"} | settings


async def start(**settings: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "postcards_language"]
    return await asyncio.create_subprocess_exec(
        *command, env=environment(**settings), stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )


@asynccontextmanager
async def serving(**settings: str) -> AsyncIterator[tuple[language_pb2_grpc.LanguageServiceStub, dict]]:
    """A server that takes requests, and what it said when it began to."""
    process = await start(**settings)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while (line := json.loads(await process.stderr.readline()))["message"] != "serving":
                pass
        async with open_channel(f"127.0.0.1:{line['port']}") as channel:
            yield language_pb2_grpc.LanguageServiceStub(channel), line
    finally:
        process.kill()
        _, errors = await process.communicate()
        assert KEY not in errors.decode()


async def ask(stub: language_pb2_grpc.LanguageServiceStub, **fields) -> language_pb2.PhrasesResult:
    request = language_pb2.GeneratePhrasesRequest(**fields)
    return [response async for response in stub.GeneratePhrases(request)][-1].result


def metrics_of(line: dict) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{line['metrics_port']}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return {name: float(value) for name, _, value in (row.rpartition(" ") for row in lines if not row.startswith("#"))}


async def test_no_key_is_one_clear_line() -> None:
    process = await start()
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 2
    *_, line = errors.decode().strip().splitlines()
    assert "Traceback" not in errors.decode()
    assert "OPENAI_API_KEY" in line
    assert "OPENAI_BASE_URL" in line
    assert line.startswith("postcards-language: POSTCARDS_LANGUAGE_ENGINE=openai needs")


async def test_a_refused_key_is_one_clear_line_without_the_key(script) -> None:
    script.models = lambda handler, _: handler.whole(401, {"error": {"message": f"Incorrect API key: {KEY}"}})
    process = await start(OPENAI_BASE_URL=script.url, OPENAI_API_KEY=KEY)
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert "OPENAI_API_KEY" in errors.decode()
    assert KEY not in errors.decode()


async def test_it_buys_nothing_before_somebody_asks_and_counts_from_zero(script, say, tmp_path) -> None:
    script.then(say({"phrases": [GOOD]}, usage=(1000, 100)))
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")
    prices = {"POSTCARDS_LANGUAGE_PROMPT_PRICE": "1.25", "POSTCARDS_LANGUAGE_COMPLETION_PRICE": "10"}
    async with serving(OPENAI_BASE_URL=script.url, OPENAI_API_KEY_FILE=str(secret), **prices) as (stub, line):
        assert len(script.looked) == 1
        assert script.asked == []
        before = await asyncio.to_thread(metrics_of, line)
        result = await ask(stub, seed=5)
        after = await asyncio.to_thread(metrics_of, line)
    assert script.headers[0]["authorization"] == f"Bearer {KEY}"
    labels = 'engine="openai",model="m"'
    prompt, cost = (
        'postcards_language_tokens_total{engine="openai",kind="prompt",model="m"}',
        (f"postcards_language_cost_usd_total{{{labels}}}"),
    )
    assert (before[prompt], before[cost]) == (0, 0)
    assert before[f'postcards_language_api_calls_total{{{labels},outcome="limited"}}'] == 0
    assert before[f"postcards_language_circuit_open{{{labels}}}"] == 0
    assert (after[prompt], after[cost]) == (1000, pytest.approx(0.00225))
    assert dict(result.provenance.usage) == {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "cost_usd": pytest.approx(0.00225),
    }
    assert result.provenance.engine == "openai"


async def test_many_requests_wait_for_the_api_at_once(script, say) -> None:
    """Sixteen requests are with the API together: it answers none before all have come."""
    import threading

    together = threading.Barrier(16)
    answer = say({"phrases": [GOOD]})

    def wait_for_all(handler, body) -> None:
        together.wait(60)
        answer(handler, body)

    script.then(wait_for_all)
    async with serving(OPENAI_BASE_URL=script.url) as (stub, _), asyncio.timeout(90):
        results = await asyncio.gather(*(ask(stub, seed=seed) for seed in range(16)))
    assert [result.count for result in results] == [1] * 16


@pytest.mark.parametrize("fallback", ["", "phonotactic"])
async def test_a_call_that_its_client_cancels_is_not_paid_to_its_end(script, fallback: str) -> None:
    stalling = Stalling('{"phrases": [{"animal_text": "ghrr')
    script.then(stalling)
    async with serving(
        OPENAI_BASE_URL=script.url,
        POSTCARDS_LANGUAGE_FALLBACK=fallback,
        POSTCARDS_LANGUAGE_SILENCE_SECONDS="600",
    ) as (stub, _):
        call = stub.GeneratePhrases(language_pb2.GeneratePhrasesRequest(seed=5))
        await eventually(stalling.heard.is_set)
        call.cancel()
        await eventually(stalling.left_alone.is_set, timeout=20)


async def test_another_engine_stands_behind_it_and_says_so(script, fail) -> None:
    script.then(fail(401, message=KEY))
    async with serving(OPENAI_BASE_URL=script.url, POSTCARDS_LANGUAGE_FALLBACK="phonotactic") as (stub, _):
        result = await ask(stub, seed=5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(stub, seed=5, engine="openai")
    assert result.provenance.engine == "phonotactic"
    assert any("openai failed" in note and "phonotactic" in note for note in result.provenance.notes)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "OPENAI_API_KEY" in str(caught.value.details())
    assert KEY not in str(caught.value)


async def test_without_a_key_the_engine_behind_it_serves() -> None:
    async with serving(POSTCARDS_LANGUAGE_FALLBACK="phonotactic") as (stub, _):
        result = await ask(stub, seed=5)
    assert result.provenance.engine == "phonotactic"
    assert any("phonotactic made this" in note for note in result.provenance.notes)
