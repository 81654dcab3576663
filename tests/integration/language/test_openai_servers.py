"""The engine openai against real servers that run offline: llama.cpp's (xllamacpp) and `transformers serve`.

Both serve a tiny Llama that these tests write themselves. Its weights are a chain: each token leads to the next of one
reply. Everything else is real: tokenizer, chat template, grammar, sampling, HTTP and its stream.
"""

import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.engines.openai import Endpoint, OpenAiEngine
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.realisation.lexicon import lexicon_of
from postcards_serving.engine.work import Progress, Work
from postcards_serving.testing import RecordingWork
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood

SPECIES = derive_species(7)
REQUEST = PhrasesRequest(SPECIES.phonology, SPECIES.name, seed=3)
PLAIN = "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n{% endfor %}<|assistant|>"
NO_SYSTEM = (
    "{% if messages[0]['role'] != 'user' %}{{ raise_exception('System role not supported') }}{% endif %}" + PLAIN
)
CHOKING = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""With this one llama.cpp feeds "<|assistant|>" to the grammar of the schema, and rejects the request for it."""
SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{value:02X}>" for value in range(256)]
END = SPECIAL.index("</s>")
LAST_OF_PROMPT = len(SPECIAL) + ord(">")


def proposal() -> dict:
    """What the tiny model has learnt to say."""
    lexicon = lexicon_of(SPECIES.phonology)
    words = [{"text": "".join(part.text for part in lexicon[key]), "gloss": key} for key in ("moon", "eat", "bone")]
    return {
        "animal_text": " ".join(word["text"] for word in words),
        "english_gloss": "The moon eats the bone.",
        "intent": "telling",
        "mood": "solemn",
        "words": words,
    }


def reply_tokens(reply: str) -> list[str]:
    """The reply in pieces, each unlike all others, so that each can have but one follower."""
    pieces: list[str] = []
    rest = reply
    while rest:
        size = next((n for n in range(3, len(rest)) if rest[:n] not in pieces), len(rest))
        pieces.append(rest[:size])
        rest = rest[size:]
    assert len(set(pieces)) == len(pieces)
    return pieces


def weights(tokens: int, chain: list[int]) -> dict[str, np.ndarray]:
    """Of a Llama of one layer whose attention and feed-forward add nothing: what follows depends on the last token."""
    size = 32 * (1 + len(chain) // 32)
    start, follow = np.zeros((tokens, size), np.float32), np.zeros((tokens, size), np.float32)
    for place, (token, after) in enumerate(pairwise(chain)):
        start[token, place] = 1.0
        follow[after, place] = 30.0
    square, wide = np.zeros((size, size), np.float32), np.zeros((2 * size, size), np.float32)
    ones = np.ones(size, np.float32)
    return {
        "token_embd": start,
        "output": follow,
        "output_norm": ones,
        "blk.0.attn_norm": ones,
        "blk.0.ffn_norm": ones,
        "blk.0.attn_q": square,
        "blk.0.attn_k": square,
        "blk.0.attn_v": square,
        "blk.0.attn_output": square,
        "blk.0.ffn_gate": wide,
        "blk.0.ffn_up": wide,
        "blk.0.ffn_down": wide.T.copy(),
    }


def packed(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, value: object) -> bytes:
    """One entry of the metadata of a GGUF file: key, type, value."""
    match value:
        case int():
            return packed(key) + struct.pack("<II", 4, value)
        case float():
            return packed(key) + struct.pack("<If", 6, value)
        case str():
            return packed(key) + struct.pack("<I", 8) + packed(value)
        case [str(), *_]:
            items = b"".join(packed(item) for item in value)
            return packed(key) + struct.pack("<IIQ", 9, 8, len(value)) + items
        case [int(), *_]:
            return packed(key) + struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
        case [float(), *_]:
            return packed(key) + struct.pack("<IIQ", 9, 6, len(value)) + struct.pack(f"<{len(value)}f", *value)
    raise TypeError(key)


def write_gguf(path: Path, template: str, said: str) -> None:
    """The tiny model as llama.cpp reads it: GGUF version 3, 32-bit floats, a tokenizer of bytes and pieces."""
    pieces = reply_tokens(said)
    tokens = [*SPECIAL, *BYTES, *(piece.replace(" ", "\u2581") for piece in pieces)]
    first = len(tokens) - len(pieces)
    chain = [LAST_OF_PROMPT, *range(first, len(tokens)), END]
    tensors = weights(len(tokens), chain)
    size = tensors["output_norm"].size
    metadata = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.context_length": 16384,
        "llama.embedding_length": size,
        "llama.block_count": 1,
        "llama.feed_forward_length": 2 * size,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": size // 2,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [-1e6] * len(tokens),
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * len(BYTES) + [1] * len(pieces),
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": END,
        "tokenizer.chat_template": template,
    }
    infos, data = b"", b""
    for name, tensor in tensors.items():
        shape = struct.pack(f"<{tensor.ndim}Q", *tensor.shape[::-1])
        infos += packed(f"{name}.weight") + struct.pack("<I", tensor.ndim) + shape + struct.pack("<IQ", 0, len(data))
        data += tensor.astype("<f4").tobytes()
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(entry(key, value) for key, value in metadata.items()) + infos
    path.write_bytes(head + bytes(-len(head) % 32) + data)


LLAMA_CPP = """
import sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.n_ctx, settings.n_parallel, settings.port = sys.argv[1], 16384, 1, 0
settings.cpuparams.n_threads = settings.n_threads_http = 1
settings.n_threads_http, settings.warmup = 4, False
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def ended(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@pytest.fixture
def llama_cpp(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Starts a server of a model with this chat template and this reply; its base URL."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install -r requirements/servers.txt")
    running: list[subprocess.Popen[str]] = []

    def start(template: str, said: str) -> str:
        write_gguf(tmp_path / "tiny.gguf", template, said)
        command = [sys.executable, "-c", LLAMA_CPP, str(tmp_path / "tiny.gguf")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        running.append(subprocess.Popen(command, text=True, **pipes))
        return f"{line_of(running[-1].stdout)}/v1"

    yield start
    for process in running:
        ended(process)


def line_of(pipe: IO[str] | None) -> str:
    assert pipe is not None
    line = pipe.readline().strip()
    assert line.startswith("http"), line
    return line


def say(url: str, work: Work | None = None, model: str = "tiny.gguf") -> PhrasesResult:
    engine = OpenAiEngine(Endpoint(model, url, timeout_seconds=300, silence_seconds=300))
    try:
        engine.look()
        return engine.generate(REQUEST, work or Work())
    finally:
        engine.close()


def is_the_proposal(result: PhrasesResult) -> bool:
    (phrase,) = result.phrases
    return (
        [word.gloss for word in phrase.words] == ["moon", "eat", "bone"]
        and phrase.english_gloss == "The moon eats the bone."
        and (phrase.intent, phrase.mood) == (Intent.TELLING, Mood.SOLEMN)
    )


def test_llama_cpp_answers_in_the_schema(llama_cpp) -> None:
    work = RecordingWork()
    result = say(llama_cpp(PLAIN, json.dumps({"phrases": [proposal()]}, ensure_ascii=False)), work)
    assert is_the_proposal(result)
    assert result.provenance.notes == ()
    assert result.provenance.model_revision.split()[0] == "tiny.gguf"
    assert result.provenance.settings["response_format"] == '"json_schema"'
    assert result.provenance.usage["prompt_tokens"] > 1000
    assert 10 < result.provenance.usage["completion_tokens"] < 200
    heard = [event.text for event in work.events if isinstance(event, Progress) and event.stage == "listening"]
    assert len(heard) > 2


def test_llama_cpp_with_a_template_that_knows_no_system(llama_cpp) -> None:
    result = say(llama_cpp(NO_SYSTEM, json.dumps({"phrases": [proposal()]}, ensure_ascii=False)))
    assert is_the_proposal(result)


def test_llama_cpp_rejects_a_schema_and_then_explains(llama_cpp) -> None:
    """Where it says nothing but no, the likeliest to be to blame is left out, and nothing else."""
    result = say(llama_cpp(CHOKING, "Certainly! I will explain what the animal would say."))
    assert result.phrases == PhonotacticEngine().generate(REQUEST, Work()).phrases
    assert result.provenance.settings["response_format"] == '"text"'
    rejected, *others = result.provenance.notes
    assert "the answer form json_schema: text was used" in rejected
    assert not any("did not take" in note for note in others)
    assert any("own lexicon, in place of an explanation" in note for note in others)
    assert result.provenance.usage["completion_tokens"] > 10


def write_llama(folder: Path, said: str) -> None:
    """The tiny model as transformers reads it: config, safetensors and a fast tokenizer with its chat template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate([*SPECIAL, *alphabet])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    pieces = reply_tokens(said)
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    special = dict(zip(("unk_token", "bos_token", "eos_token"), SPECIAL, strict=True))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        chat_template=PLAIN,
        **special,
    )
    fast.save_pretrained(folder)
    ids = fast.convert_tokens_to_ids
    chain = [ids(">"), *(ids(piece) for piece in pieces), ids("</s>")]
    tensors = weights(len(fast), chain)
    size = tensors["output_norm"].size
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=size,
        intermediate_size=2 * size,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16384,
        bos_token_id=ids("<s>"),
        eos_token_id=ids("</s>"),
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0)
        model.model.embed_tokens.weight.copy_(torch.from_numpy(tensors["token_embd"]))
        model.lm_head.weight.copy_(torch.from_numpy(tensors["output"]))
    model.save_pretrained(folder)


@pytest.fixture
def transformers_serve(tmp_path: Path) -> Iterator[Callable[[str], tuple[str, str]]]:
    """Starts `transformers serve` with a model of this reply; its base URL and the model's name."""
    for library in ("torch", "transformers", "fastapi", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed: make setup-models, pip install -r requirements/servers.txt")
    running: list[subprocess.Popen[str]] = []

    def start(said: str) -> tuple[str, str]:
        model = tmp_path / "tiny-llama"
        write_llama(model, said)
        environment = os.environ | {
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HOME": str(tmp_path / "hub"),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        code = "from transformers.cli.transformers import main; main()"
        flags = ["--host", "127.0.0.1", "--port", "0", "--device", "cpu", "--log-level", "info"]
        command = [sys.executable, "-c", code, "serve", *flags]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        running.append(subprocess.Popen(command, text=True, env=environment, **pipes))
        return f"{url_in(running[-1].stdout)}/v1", str(model)

    yield start
    for process in running:
        ended(process)


def url_in(pipe: IO[str] | None) -> str:
    assert pipe is not None
    lines: list[str] = []
    for line in pipe:
        lines.append(line)
        if found := re.search(r"running on (http://[0-9.:]+)", line):
            return found[1]
    raise AssertionError("".join(lines[-20:]))


def test_transformers_serve_answers(transformers_serve) -> None:
    url, model = transformers_serve(json.dumps({"phrases": [proposal()]}))
    result = say(url, model=model)
    assert is_the_proposal(result)
    # While it loads its libraries it may close a connection that it has just kept; that call is made again.
    assert not [note for note in result.provenance.notes if "tried again" not in note]
    assert result.provenance.usage["prompt_tokens"] > 1000
    assert 10 < result.provenance.usage["completion_tokens"] < 200
