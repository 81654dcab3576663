"""Prompts of any length become what the UNet listens to, as the pipelines of diffusers do it where they can."""

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from checkpoints.stable_diffusion import TEXT_LENGTH, TEXT_WIDTH  # noqa: E402
from postcards_image.engines.stable_diffusion.checkpoint.text_encoder import TextReader  # noqa: E402


@pytest.fixture(scope="module")
def parts(sd_checkpoint):
    from transformers import CLIPTextModel, CLIPTokenizer

    encoder = CLIPTextModel.from_pretrained(sd_checkpoint / "text_encoder", use_safetensors=True, dtype=torch.float32)
    return CLIPTokenizer.from_pretrained(sd_checkpoint / "tokenizer"), encoder.eval()


@pytest.fixture
def reader(parts):
    return TextReader(*parts, torch.device("cpu"))


@pytest.mark.parametrize("text", ["", "a striped thing", "Ünïcode, 語 and 🦓", "x" * (TEXT_LENGTH - 2)])
def test_a_text_that_fits_is_read_as_the_pipelines_read_it(reader, parts, text):
    tokenizer, encoder = parts
    ids = tokenizer(text, padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt").input_ids
    (piece,) = reader.pieces(text)
    assert list(piece) == ids[0].tolist()
    with torch.inference_mode():
        assert torch.equal(reader.encode(piece), encoder(ids)[0])


def test_nothing_of_a_long_text_is_lost(reader, parts):
    tokenizer, _ = parts
    text = "A tall striped thing, half heron and half tapir, wades through fog. " * 5
    pieces = reader.pieces(text)
    words = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    assert len(pieces) == -(-len(words) // (TEXT_LENGTH - 2))
    end = tokenizer.eos_token_id
    assert [token for piece in pieces for token in piece[1 : piece.index(end)]] == words
    assert all(len(piece) == TEXT_LENGTH for piece in pieces)


def test_a_short_text_is_filled_up_beside_a_long_one(reader):
    pieces = reader.pieces("blur", least=3)
    assert pieces[0] == reader.pieces("blur")[0]
    assert pieces[1:] == reader.pieces("") * 2


def test_what_has_been_read_is_remembered(reader):
    piece = reader.pieces("a heron")[0]
    first = reader.encode(piece)
    assert first.shape == (1, TEXT_LENGTH, TEXT_WIDTH)
    assert reader.encode(piece) is first
