"""Which files of a model an engine loads, and which models are meant."""

import pytest

from postcards_weights.catalog import (
    DDPM,
    DEFAULTS,
    KINDS,
    LORA,
    STABLE_AUDIO,
    STABLE_DIFFUSION,
    T5,
    Precision,
    missing,
    model,
    wanted,
)
from postcards_weights.choice import NoChoice, choices, usual_precision

WHOLE = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
]
SAFETY = ["safety_checker/config.json", "safety_checker/model.safetensors"]
BESIDE = [
    "README.md",
    "v1-5-pruned.safetensors",
    "v1-5-pruned-emaonly.ckpt",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "text_encoder/pytorch_model.bin",
    "text_encoder/model.fp16.safetensors",
]
SHARDS = [f"unet/diffusion_pytorch_model-0000{index}-of-00002.safetensors" for index in (1, 2)]
INDEX = "unet/diffusion_pytorch_model.safetensors.index.json"


def test_one_copy_of_every_part_is_loaded():
    assert wanted(STABLE_DIFFUSION.needs, WHOLE + BESIDE) == WHOLE
    assert wanted(STABLE_DIFFUSION.needs, WHOLE + SAFETY + BESIDE) == sorted(WHOLE + SAFETY)
    assert missing(STABLE_DIFFUSION.needs, WHOLE) == []


def test_weights_in_several_files():
    one = "unet/diffusion_pytorch_model.safetensors"
    paths = [path for path in WHOLE if path != one] + [*SHARDS, INDEX]
    assert wanted(STABLE_DIFFUSION.needs, paths) == sorted(paths)
    assert missing(STABLE_DIFFUSION.needs, paths) == []


@pytest.mark.parametrize("path", [path for path in WHOLE if path != "tokenizer/merges.txt"])
def test_what_is_missing_is_named(path):
    rest = [other for other in WHOLE if other != path]
    (need,) = missing(STABLE_DIFFUSION.needs, rest + BESIDE)
    assert path in need.choices


@pytest.mark.parametrize(
    "path", ["model_index.JSON.bin", "unet/diffusion_pytorch_model.CKPT", "pytorch_lora_weights.pt"]
)
def test_pickles_are_never_wanted(path):
    for needs in (*(kind.needs for kind in KINDS.values()), *LORA, *T5.variants):
        assert path not in wanted(needs, [path])


def test_a_small_model_is_an_onnx_file_or_a_folder_of_diffusers():
    folder = ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "README.md"]
    assert wanted(DDPM.needs, folder) == folder[:3]
    assert wanted(DDPM.needs, [*folder, "model.onnx"]) == ["model.onnx", *folder[:3]]
    assert [need.choices[0] for need in missing(DDPM.needs, ["model_index.json"])] == ["model.onnx"]


HALF = [path for path in WHOLE if not path.endswith(".safetensors")] + [
    "text_encoder/model.fp16.safetensors",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.fp16.safetensors",
]


def test_a_gpu_takes_half_of_it_where_there_is_such():
    assert wanted(STABLE_DIFFUSION.half_needs, WHOLE + HALF + BESIDE) == sorted(HALF)
    found = model("stable-diffusion", Precision.HALF)
    assert [bool(missing(needs, WHOLE)) for needs in found.variants] == [True, False]
    (both,) = model("stable-diffusion", Precision.BOTH).variants
    assert wanted(both, [*WHOLE, *HALF, *BESIDE]) == sorted({*WHOLE, *HALF})
    assert missing(both, WHOLE) == []


@pytest.mark.parametrize("half", [False, True])
def test_the_image_service_looks_for_what_is_fetched(half):
    from postcards_image.engines.stable_diffusion import choices as theirs
    from postcards_image.engines.stable_diffusion.checkpoint import files
    from postcards_weights.files import matching

    default = DEFAULTS["stable-diffusion"]
    assert (default.model_id, default.revision) == (theirs.DEFAULT_MODEL, theirs.DEFAULT_REVISION)
    listed = sorted({*WHOLE, *HALF, *SAFETY, *BESIDE, "tokenizer/special_tokens_map.json"})
    needs = STABLE_DIFFUSION.half_needs if half else STABLE_DIFFUSION.needs
    assert wanted(needs, listed) == matching(listed, files.patterns(half=half))


def test_the_audio_service_looks_for_what_is_fetched():
    from postcards_audio.engines.stable_audio.checkpoint import loading, text_encoder
    from postcards_weights.files import matching

    default = DEFAULTS["stable-audio"]
    assert (default.model_id, default.revision) == (loading.DEFAULT_MODEL, loading.DEFAULT_REVISION)
    listed = [*loading.FILES, "model.ckpt", "README.md", "vae/config.json", "tokenizer/spiece.model"]
    assert wanted(STABLE_AUDIO.needs, listed) == matching(listed, loading.FILES) == sorted(loading.FILES)
    own = [companion.unless for companion in STABLE_AUDIO.companions]
    assert own == [f"{text_encoder.WEIGHTS}/model.safetensors"]
    listed = [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "spiece.model",
        "rust_model.ot",
    ]
    assert wanted(T5.variants[0], listed) == listed[:4]
    assert vars(text_encoder)["_REVISIONS"] == {T5.model_id: T5.revision}


def test_ddpm_looks_for_what_is_fetched():
    from postcards_weights.files import matching

    listed = [
        "model.onnx",
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "README.md",
    ]
    assert wanted(DDPM.needs, listed) == matching(listed, ("*.json", "*.safetensors", "model.onnx"))


def test_another_revision_of_a_default_model_keeps_its_licence():
    found = model("stable-audio", Precision.WHOLE, "", "main")
    assert (found.model_id, found.revision, found.gated) == (DEFAULTS["stable-audio"].model_id, "main", True)
    other = model("stable-audio", Precision.WHOLE, "someone/else")
    assert (other.revision, other.gated, other.licence, other.download_bytes) == ("main", False, "", 0)


def test_sizes():
    default = DEFAULTS["stable-diffusion"]
    sizes = {precision: model("stable-diffusion", precision).download_bytes for precision in Precision}
    assert sizes[Precision.WHOLE] == default.whole_bytes
    assert sizes[Precision.HALF] == default.half_bytes
    assert sizes[Precision.BOTH] == default.whole_bytes + default.half_bytes
    assert model("stable-audio", Precision.HALF).download_bytes == DEFAULTS["stable-audio"].whole_bytes


@pytest.mark.parametrize(
    ("settings", "precision"),
    [
        ({"POSTCARDS_IMAGE_DTYPE": "float32", "POSTCARDS_IMAGE_DEVICE": "cuda"}, Precision.WHOLE),
        ({"POSTCARDS_IMAGE_DTYPE": "bfloat16", "POSTCARDS_IMAGE_DEVICE": "cpu"}, Precision.HALF),
        ({"POSTCARDS_IMAGE_DEVICE": "cuda:1"}, Precision.HALF),
        ({"POSTCARDS_IMAGE_DEVICE": "cpu"}, Precision.WHOLE),
        ({"POSTCARDS_IMAGE_DEVICE": "mps"}, Precision.WHOLE),
        ({"CUDA_VISIBLE_DEVICES": ""}, Precision.WHOLE),
    ],
)
def test_which_precision_is_loaded(settings, precision):
    assert usual_precision("image", settings) is precision


def ids(parts=(), settings=None, **options):
    return {
        choice.engine: [
            (found.model_id, found.revision)
            for found in (choice.model, *(companion.model for companion in choice.companions))
            if found is not None
        ]
        for choice in choices(parts, settings or {}, **options)
    }


SD = (DEFAULTS["stable-diffusion"].model_id, DEFAULTS["stable-diffusion"].revision)
SAO = (DEFAULTS["stable-audio"].model_id, DEFAULTS["stable-audio"].revision)
T5_BASE = (T5.model_id, T5.revision)


def test_the_parts_that_are_named():
    assert ids(("image",)) == {"stable-diffusion": [SD]}
    assert ids(("image", "audio")) == {"stable-diffusion": [SD], "stable-audio": [SAO, T5_BASE]}
    assert ids(engine="stable-audio") == {"stable-audio": [SAO, T5_BASE]}
    assert ids(("image",), model_id="a/b") == {"stable-diffusion": [("a/b", "main")]}
    assert ids(("image",), model_id="a/b", revision="v2") == {"stable-diffusion": [("a/b", "v2")]}


def test_what_the_environment_names():
    environment = {
        "POSTCARDS_IMAGE_ENGINE": "stable-diffusion",
        "POSTCARDS_IMAGE_MODEL": "a/b",
        "POSTCARDS_IMAGE_REVISION": "v3",
        "POSTCARDS_IMAGE_LORA": "c/lora:0.7",
        "POSTCARDS_AUDIO_ENGINE": "vocal-tract",
    }
    assert ids((), environment) == {"stable-diffusion": [("a/b", "v3"), ("c/lora", "main")]}
    assert ids(("image",), environment, model_id="d/e") == {"stable-diffusion": [("d/e", "main"), ("c/lora", "main")]}
    environment["POSTCARDS_IMAGE_LORA"] = "c/lora:-0.5"
    assert ids((), environment) == {"stable-diffusion": [("a/b", "v3"), ("c/lora", "main")]}
    environment["POSTCARDS_IMAGE_LORA"] = "c/lora@v1.2:0.5"
    assert ids((), environment) == {"stable-diffusion": [("a/b", "v3"), ("c/lora", "v1.2")]}
    # What it says of a model belongs to the engine that it names.
    assert ids((), environment, engine="ddpm") == {"ddpm": []}


def test_a_folder_is_not_fetched(tmp_path):
    (choice,) = choices(("image",), {"POSTCARDS_IMAGE_MODEL": str(tmp_path)})
    assert choice.folder == tmp_path
    assert (choice.model, choice.companions) == (None, ())
    (choice,) = choices(("audio",), {"POSTCARDS_AUDIO_MODEL": "/no/such/folder"})
    assert choice.folder is not None
    assert [companion.model.model_id for companion in choice.companions] == ["t5-base"]


@pytest.mark.parametrize(
    ("parts", "options"),
    [((), {}), ((), {"engine": "creature"}), (("audio",), {"engine": "ddpm"}), (("image", "audio"), {"revision": "x"})],
)
def test_what_does_not_fit_together(parts, options):
    with pytest.raises(NoChoice):
        choices(parts, {}, **options)
