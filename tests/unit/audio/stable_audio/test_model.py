"""Sounds to latents and back in pieces, prompts to conditions, and models of other kinds."""

import json
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")

from checkpoints.stable_audio import build_checkpoint, build_text_encoder  # noqa: E402
from postcards_audio.engines.stable_audio import load_model  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint import pieces as cutting  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.description import read_description  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.libraries import import_libraries  # noqa: E402
from postcards_audio.engines.stable_audio.checkpoint.model import Guided  # noqa: E402
from postcards_audio.engines.stable_audio.sampling import RowStepper, begin_row, noise_levels  # noqa: E402
from postcards_serving.errors import ModelUnusable  # noqa: E402


def short_pieces(monkeypatch):
    monkeypatch.setattr(cutting, "_LENGTH", 16)


def test_latents_are_decoded_in_pieces_to_what_the_whole_would_give(stable_audio_model, monkeypatch):
    short_pieces(monkeypatch)
    latents = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    whole = stable_audio_model.network.pretransform.decode(latents[None])[0].numpy()
    parts = [stable_audio_model.decode(latents, piece) for piece in cutting.pieces(50, 64)]
    assert len(parts) == 4
    assert np.abs(np.concatenate(parts, axis=1) - whole[:, : 50 * 2048]).max() < 1e-5


@pytest.mark.parametrize("samples", [1, 2048, 30_000, 90_000, 64 * 2048])
def test_sounds_are_encoded_in_pieces_to_what_the_whole_would_give(stable_audio_model, monkeypatch, samples):
    short_pieces(monkeypatch)
    sound = (0.1 * np.random.default_rng(samples).standard_normal((2, samples))).astype(np.float32)
    padded = np.zeros((2, 64 * 2048), np.float32)
    padded[:, :samples] = sound
    autoencoder = stable_audio_model.network.pretransform.model
    with torch.inference_mode():
        whole = autoencoder.encode(torch.from_numpy(padded)[None], skip_bottleneck=True).chunk(2, dim=1)[0][0]
    heard = min(64, -(-samples // 2048) + cutting.MARGIN)
    parts = [stable_audio_model.encode(sound, piece) for piece in cutting.pieces(heard, 64)]
    latents = stable_audio_model.join([*parts, stable_audio_model.silence(heard)])
    assert latents.shape == whole.shape
    assert float((latents - whole).abs().max()) < 1e-4


def test_prompts_are_read_as_the_library_reads_them(tmp_path, monkeypatch, stable_audio_model):
    import_libraries()
    from stable_audio_tools.models.conditioners import T5Conditioner

    folder = tmp_path / "t5"
    build_text_encoder(folder, folder)
    monkeypatch.setattr(T5Conditioner, "T5_MODELS", [str(folder)])
    monkeypatch.setattr(T5Conditioner, "T5_MODEL_DIMS", {str(folder): 768})
    ours = stable_audio_model.network.conditioner.conditioners["prompt"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = T5Conditioner(32, str(folder), max_length=128)
        library.proj_out = ours.proj_out
        theirs, mask = library(["a bird", "", "x" * 400], "cpu")
    read, our_mask = ours(["a bird", "", "x" * 400], "cpu")
    assert torch.equal(mask, our_mask)
    # The library reads in half precision.
    assert float((read - theirs).abs().max()) < 0.02 * float(theirs.abs().max())


def test_prompts_may_be_counted_while_others_are_read(stable_audio_model):
    """A tokenizer that cuts for one thread must not cut for another."""
    conditioner = stable_audio_model.network.conditioner.conditioners["prompt"]
    with ThreadPoolExecutor(3) as threads:
        counts = [threads.submit(lambda: {conditioner.reads_whole("x" * 400) for _ in range(400)}) for _ in range(3)]
        shapes = {conditioner(["x" * 400, "a bird"], "cpu")[0].shape for _ in range(60)}
        assert {answer for count in counts for answer in count.result()} == {False}
    assert shapes == {(2, 128, 32)}


def test_the_text_encoder_may_lie_in_the_cache_instead_of_the_model(tmp_path, monkeypatch, stable_audio_folder):
    folder, cache = tmp_path / "model", tmp_path / "hub"
    shutil.copytree(stable_audio_folder, folder, ignore=shutil.ignore_patterns("text_encoder", "tokenizer"))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnusable, match="t5-base"):
        load_model(str(folder))
    snapshot = cache / "models--t5-base" / "snapshots" / ("a" * 40)
    build_text_encoder(snapshot, snapshot)
    (cache / "models--t5-base" / "refs").mkdir()
    (cache / "models--t5-base" / "refs" / "main").write_text("a" * 40)
    model = load_model(str(folder), device="cpu")
    assert "t5-base/model.safetensors" in model.files
    assert model.condition("a bird", 1).crossed.shape == (1, 130, 32)


@pytest.mark.parametrize("objective", ["rectified_flow", "rf_denoiser"])
def test_flows_are_sampled_as_the_library_samples_them(tmp_path, monkeypatch, objective):
    model = load_model(str(build_checkpoint(tmp_path / objective, frames=16, objective=objective)), device="cpu")
    from stable_audio_tools.inference.sampling import sample_rf

    wanted = model.condition("a bird", 0.5)
    row = begin_row(model, Guided(wanted, model.against("", 0.5, wanted), 2.0), noise_levels(model, 6), 4)
    drawn = (row.noise(now, then)[None] for now, then in zip(row.levels, row.levels[1:-1], strict=False))
    monkeypatch.setattr(torch, "randn_like", lambda like: next(drawn, torch.zeros_like(like)))
    sampler = {"rectified_flow": "euler", "rf_denoiser": "pingpong"}[objective]
    with torch.inference_mode():
        theirs = sample_rf(
            model.network.model,
            row.noisy[None],
            steps=6,
            sampler_type=sampler,
            device="cpu",
            cross_attn_cond=wanted.crossed,
            global_cond=wanted.overall,
            cfg_scale=2.0,
        )[0]
    stepper = RowStepper(model)
    while not row.finished:
        (row,) = stepper.step([row])
    assert float((row.noisy - theirs).abs().max()) < 1e-4


def changed(folder, tmp_path, change):
    """A copy of a checkpoint whose configuration is changed."""
    copy = tmp_path / "changed"
    shutil.copytree(folder, copy)
    configuration = json.loads((copy / "model_config.json").read_text())
    change(configuration)
    (copy / "model_config.json").write_text(json.dumps(configuration))
    return copy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.update(model_type="lm"), "only diffusion_cond"),
        (lambda c: c.update(sample_rate=48_000), "44100 Hz"),
        (lambda c: c.update(audio_channels=1), "1 channels"),
        (lambda c: c["model"]["diffusion"].update(type="adp_cfg_1d"), "not a transformer"),
        (lambda c: c["model"]["diffusion"].update(input_concat_ids=["inpaint_mask"]), "inpaint_mask"),
        (lambda c: c["model"]["diffusion"].update(diffusion_objective="x0"), "predicts x0"),
        (lambda c: c["model"]["pretransform"].update(type="wavelet"), "autoencoder"),
        (lambda c: c["model"]["conditioning"]["configs"].append({"id": "bpm", "type": "int", "config": {}}), "bpm"),
        (lambda c: c["model"]["conditioning"]["configs"].pop(0), "reads no prompt"),
        (lambda c: c["model"].pop("conditioning"), "no configuration of a Stable Audio model"),
        (lambda c: c["model"]["diffusion"]["config"].update(depth=3), "lacks .* of the weights"),
        (lambda c: c["model"]["diffusion"]["config"].update(embed_dim=128), "cannot be loaded"),
        (lambda c: c["model"]["diffusion"]["config"].update(colour="blue"), "cannot be built"),
    ],
)
def test_a_model_of_another_kind_is_refused_in_words(stable_audio_folder, tmp_path, change, says):
    with pytest.raises(ModelUnusable, match=says):
        load_model(str(changed(stable_audio_folder, tmp_path, change)), device="cpu")


def test_a_model_is_called_by_its_name_not_by_that_of_its_commit(stable_audio_folder, tmp_path):
    folder = changed(stable_audio_folder, tmp_path, lambda c: c.update(model_type="lm")).rename(tmp_path / ("a" * 40))
    with pytest.raises(ModelUnusable, match=r"^owner/songs is of the kind lm"):
        read_description(folder, "owner/songs")


@pytest.mark.parametrize(
    ("file", "contents", "says"),
    [
        ("model_config.json", b"not json", "no configuration"),
        ("model.safetensors", b"\x10\x00\x00\x00", "cannot be loaded"),
        ("text_encoder/model.safetensors", b"", "text encoder"),
    ],
)
def test_damaged_files_are_refused_in_words(stable_audio_folder, tmp_path, file, contents, says):
    folder = tmp_path / "damaged"
    shutil.copytree(stable_audio_folder, folder)
    (folder / file).write_bytes(contents)
    with pytest.raises(ModelUnusable, match=says):
        load_model(str(folder), device="cpu")


def test_pickled_weights_are_never_opened(stable_audio_folder, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(stable_audio_folder, folder)
    (folder / "model.safetensors").rename(folder / "model.ckpt")
    with pytest.raises(ModelUnusable, match=r"model\.safetensors"):
        load_model(str(folder))
