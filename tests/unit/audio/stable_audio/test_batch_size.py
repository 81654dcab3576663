"""How many calls the engine steps together: what it asks of the network of a real model, on a fake CUDA device."""

import pytest

pytest.importorskip("torch", reason="make setup-models brings it")

from fake_cuda import CARD, FakeCudaDevice
from postcards_audio.engines.stable_audio import StableAudioEngine
from postcards_serving.batching.capacity import USUAL_ROWS

SOUND = 1000
"""Bytes that one sound takes in the fake network."""


class OnCard:
    """A model whose network takes memory of the card for each sound that it is asked for."""

    device = CARD

    def __init__(self, model, card: FakeCudaDevice) -> None:
        self._model = model
        self._card = card
        self.read = 0

    def __getattr__(self, name):
        return getattr(self._model, name)

    def estimate(self, noisy, levels, guided):
        self._card.working(sum(2 if told.against is not None else 1 for told in guided) * SOUND)
        return self._model.estimate(noisy, levels, guided)

    def decode(self, latents, piece):
        self.read = max(self.read, piece.last - piece.first)
        return self._model.decode(latents, piece)


@pytest.mark.parametrize(("total", "rows"), [(10 * SOUND, 4), (1000 * SOUND, 8)])
def test_calls_with_guidance_are_counted_twice_and_decoding_is_tried(stable_audio_model, monkeypatch, total, rows):
    model = OnCard(stable_audio_model, FakeCudaDevice(monkeypatch, total))
    engine = StableAudioEngine(model)
    assert engine.requests_at_once == rows
    assert model.read > 0
    engine._batch.close()


def test_a_person_may_ask_for_more_or_less(stable_audio_model, monkeypatch):
    engine = StableAudioEngine(OnCard(stable_audio_model, FakeCudaDevice(monkeypatch, 10 * SOUND)), batch_rows=23)
    assert engine.requests_at_once == 23
    engine._batch.close()


def test_a_processor_steps_the_usual_number(stable_audio_model):
    engine = StableAudioEngine(stable_audio_model)
    assert engine.requests_at_once == USUAL_ROWS
    engine._batch.close()
