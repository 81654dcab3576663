"""The transformer compiled: for the rows that have been rehearsed, once, and with the same sounds."""

import functools

import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("stable_audio_tools", reason="make setup-models brings it")

from torch._dynamo.testing import CompileCounter  # noqa: E402

from postcards_audio.engines.stable_audio import load_model  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.model import Guided  # noqa: E402
from postcards_audio.engines.stable_audio.sampling import RowStepper, begin_row, noise_levels  # noqa: E402


@pytest.fixture
def compilations(monkeypatch):
    """Counts what torch compiles; runs it as it is."""
    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=counter))
    yield counter
    torch._dynamo.reset()


def sounds(model, *guidances):
    """The latents of rows that step together."""
    rows = []
    for seed, guidance in enumerate(guidances):
        wanted = model.condition(f"a bird {seed}", 1.0)
        guided = Guided(wanted) if guidance == 1 else Guided(wanted, model.against("", 1.0, wanted), guidance)
        rows.append(begin_row(model, guided, noise_levels(model, 3), seed))
    stepper = RowStepper(model)
    while not rows[0].finished:
        rows = list(stepper.step(rows))
    return [row.noisy for row in rows]


def test_rows_that_are_rehearsed_are_compiled_once_and_sound_the_same(
    stable_audio_folder, stable_audio_model, compilations
):
    model = load_model(str(stable_audio_folder), device="cpu", threads=1, compilation="compile")
    assert not model.compiled
    model.rehearse(4)
    assert model.compiled
    rehearsed = compilations.frame_count
    assert rehearsed > 0
    for guidances in [(1.0,), (4.0,), (4.0, 1.0)]:
        for made, plain in zip(sounds(model, *guidances), sounds(stable_audio_model, *guidances), strict=True):
            assert torch.allclose(made, plain, atol=1e-4)
    assert compilations.frame_count == rehearsed
    model.close()


def test_a_transformer_that_cannot_be_compiled_runs_as_it_is(stable_audio_folder, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: broken)
    model = load_model(str(stable_audio_folder), device="cpu", threads=1, compilation="compile")
    model.rehearse(2)
    assert not model.compiled
    assert "cannot be compiled" in caplog.text
    assert len(sounds(model, 4.0)) == 1
    model.close()
