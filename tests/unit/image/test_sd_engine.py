"""The engine around a tiny checkpoint, measured against the pipelines of diffusers on the same files."""

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from checkpoints.stable_diffusion import build_checkpoint, build_lora  # noqa: E402
from postcards_image.engine import ImageRequest, SafetyVerdict  # noqa: E402
from postcards_image.engines.creature import CreatureEngine  # noqa: E402
from postcards_image.engines.stable_diffusion import Choices, autoencoder, load_engine  # noqa: E402
from postcards_image.engines.stable_diffusion import engine as engines  # noqa: E402
from postcards_image.engines.stable_diffusion.engine import StableDiffusionEngine  # noqa: E402
from postcards_image.engines.stable_diffusion.looks import to_webp  # noqa: E402
from postcards_serving.errors import Cancelled, DeadlineExceeded, EngineFailed, InvalidField, OutOfMemory  # noqa: E402
from postcards_serving.work import Event, Preview, Progress, Work  # noqa: E402
from postcards_species.species import derive_species  # noqa: E402
from postcards_species.surroundings import Finish  # noqa: E402

# diffusers' own schedulers, which are only measured against here.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WORDS = {"prompt": "a striped thing in fog", "negative_prompt": "blur"}
SPECIES = derive_species(3)


@pytest.fixture(scope="module")
def engine(sd_checkpoint):
    engine = load_engine(Choices(str(sd_checkpoint), device="cpu", threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module", autouse=True)
def drawings():
    """Each drawing is computed once."""
    draw, known = engines.draw_unfinished, {}

    def remembered(plan, scene, seed, width, height, work):
        work.check()
        if (seed, width, height) not in known:
            known[seed, width, height] = draw(plan, scene, seed, width, height, work)
        return known[seed, width, height]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "draw_unfinished", remembered)
        yield


@pytest.fixture
def exact_pixels(monkeypatch) -> dict[int, np.ndarray]:
    """The pictures of this test before they are rounded to bytes, by the thread that asked."""
    seen: dict[int, np.ndarray] = {}
    rounded = autoencoder.to_bytes

    def look(picture: "torch.Tensor") -> np.ndarray:
        seen[threading.get_ident()] = picture.numpy()
        return rounded(picture)

    monkeypatch.setattr(autoencoder, "to_bytes", look)
    return seen


def request(**changes: object) -> ImageRequest:
    whole = ImageRequest(SPECIES.body_plan, SPECIES.scene, seed=3, parents=SPECIES.parents)
    return replace(whole, **{"steps": 5, "init_strength": 1.0, **WORDS, **changes})


def pixels(png: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture[:, :, ::-1]


def picture(engine: StableDiffusionEngine, **changes: object) -> np.ndarray:
    return pixels(engine.generate(request(**changes), Work()).blobs[0].data).astype(int)


def pipeline(kind: str, folder, scheduler: str):
    """A pipeline of diffusers with the scheduler that stands behind one of our samplers."""
    import diffusers

    options = {"use_safetensors": True, "safety_checker": None, "requires_safety_checker": False}
    configured = getattr(diffusers, scheduler).from_pretrained(folder / "scheduler")
    made = getattr(diffusers, kind).from_pretrained(folder, scheduler=configured, dtype=torch.float32, **options)
    made.set_progress_bar_config(disable=True)
    return made


SCHEDULERS = {
    "pndm": "PNDMScheduler",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpmpp-2m": "DPMSolverMultistepScheduler",
    "euler-a": "EulerAncestralDiscreteScheduler",
}


@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_a_seed_gives_the_picture_of_the_pipeline(engine, sd_checkpoint, exact_pixels, sampler):
    theirs = pipeline("StableDiffusionPipeline", sd_checkpoint, SCHEDULERS[sampler])(
        **WORDS,
        num_inference_steps=7,
        guidance_scale=6.0,
        width=80,
        height=64,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    ours = picture(engine, sampler=sampler, steps=7, guidance_scale=6.0, width=80, height=64)
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3
    assert np.abs(ours - theirs * 255).max() <= 1
    assert theirs.std() > 0.05


@pytest.mark.parametrize("sampler", ["pndm", "ddim", "euler", "dpmpp-2m"])
def test_over_the_drawing_a_seed_gives_the_picture_of_the_pipeline(engine, sd_checkpoint, exact_pixels, sampler):
    from PIL import Image

    drawing = engines.draw_unfinished(SPECIES.body_plan, SPECIES.scene, 3, 64, 64, Work())
    theirs = pipeline("StableDiffusionImg2ImgPipeline", sd_checkpoint, SCHEDULERS[sampler])(
        **WORDS,
        image=Image.fromarray(drawing),
        strength=0.6,
        num_inference_steps=10,
        guidance_scale=6.0,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    picture(engine, sampler=sampler, steps=10, guidance_scale=6.0, init_strength=0.6)
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3


def test_without_guidance_too_and_with_what_is_predicted_in_stable_diffusion_2(tmp_path, exact_pixels):
    folder = build_checkpoint(tmp_path / "v", prediction="v_prediction")
    engine = load_engine(Choices(str(folder), device="cpu", threads=1))
    theirs = pipeline("StableDiffusionPipeline", folder, "DDIMScheduler")(
        WORDS["prompt"],
        num_inference_steps=6,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    result = engine.generate(request(steps=6, guidance_scale=1.0, negative_prompt=""), Work())
    engine.close()
    assert json.loads(result.provenance.settings["sampler"]) == "ddim"
    assert result.safety is None
    assert np.abs(exact_pixels[threading.get_ident()] - theirs).max() < 1e-3


COMPANY = (
    {"seed": 1, "steps": 9, "guidance_scale": 7.5},
    {"seed": 2, "steps": 4, "guidance_scale": 1.0, "sampler": "euler", "prompt": "a pale worm", "negative_prompt": ""},
    {"seed": 3, "steps": 8, "init_strength": 0.5, "sampler": "dpmpp-2m", "guidance_scale": 4.0},
    {"seed": 4, "steps": 6, "sampler": "ddim", "guidance_scale": 12.0, "negative_prompt": "colour"},
)


def test_pictures_made_together_are_those_made_apart(engine, exact_pixels, monkeypatch):
    shared: list[int] = []
    step = engine._batch._stepper.step
    monkeypatch.setattr(engine._batch._stepper, "step", lambda states: shared.append(len(states)) or step(states))
    apart = []
    for asked in COMPANY:
        picture(engine, **asked)
        apart.append(exact_pixels[threading.get_ident()])
    assert set(shared) == {1}
    together: dict[int, np.ndarray] = {}
    begin = threading.Barrier(len(COMPANY))

    def make(index: int) -> None:
        begin.wait()
        picture(engine, **COMPANY[index])
        together[index] = exact_pixels[threading.get_ident()]

    run_together([lambda index=index: make(index) for index in range(len(COMPANY))])
    assert max(shared) > 1
    assert all(np.abs(together[index] - apart[index]).max() < 1e-4 for index in range(len(COMPANY)))


def test_exact_pictures_step_alone_and_are_equal_bit_by_bit(engine, monkeypatch):
    companies: list[list[bool]] = []
    step = engine._batch._stepper.step

    def watch(states):
        companies.append([state.alone is not None for state in states])
        return step(states)

    monkeypatch.setattr(engine._batch._stepper, "step", watch)
    alone = engine.generate(request(exact=True), Work())
    results = []
    tasks: list[Callable[[], object]] = [
        lambda: results.append(engine.generate(request(exact=True), Work())),
        lambda: engine.generate(request(seed=4, steps=9), Work()),
        lambda: results.append(engine.generate(request(exact=True), Work())),
    ]
    run_together(tasks)
    assert [result.blobs for result in results] == [alone.blobs, alone.blobs]
    assert all(company in ([True], [False]) for company in companies)


def run_together(tasks: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_everything_asked_for_shows(engine):
    plain = picture(engine)
    for change in (
        {"seed": 4},
        {"prompt": "a pale worm"},
        {"negative_prompt": "stripes"},
        {"steps": 6},
        {"guidance_scale": 2.0},
        {"sampler": "euler"},
        {"init_strength": 0.8},
        {"prompt": WORDS["prompt"] + ", and a very long list of things that no encoder reads at once" * 3},
    ):
        assert np.abs(picture(engine, **change) - plain).max() > 0, change


def test_strength_goes_from_the_drawing_to_words_alone(engine):
    drawing = engines.draw_unfinished(SPECIES.body_plan, SPECIES.scene, 3, 64, 64, Work())
    result = engine.generate(request(init_strength=0.0), Work())
    assert np.array_equal(pixels(result.blobs[0].data), drawing)
    assert "the drawing itself" in result.provenance.notes[0]
    far = [np.abs(picture(engine, init_strength=s, steps=10) - drawing).mean() for s in (0.2, 0.6, 1.0)]
    assert far[0] < far[-1]


def test_a_large_picture_is_put_together_from_tiles(engine, monkeypatch):
    whole = picture(engine, width=192, height=128, steps=2)
    monkeypatch.setattr(autoencoder.tiles, "__kwdefaults__", {"whole": 0, "side": 12, "overlap": 6})
    monkeypatch.setattr(autoencoder, "OVERLAP", 6)
    chores: list[object] = []
    decode = engine._checkpoint.autoencoder.decode
    monkeypatch.setattr(engine._checkpoint.autoencoder, "decode", lambda crop: chores.append(crop) or decode(crop))
    tiled = picture(engine, width=192, height=128, steps=2)
    assert len(chores) > 3
    assert tiled.shape == whole.shape == (128, 192, 3)
    assert np.abs(tiled - whole).mean() < 0.5 * np.abs(whole - whole.mean((0, 1))).mean()


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """An engine whose checker takes offence at everything."""
    folder = build_checkpoint(tmp_path_factory.mktemp("strict") / "tiny", checker="strict")
    engine = load_engine(Choices(str(folder), device="cpu", threads=1))
    yield engine
    engine.close()


def test_a_picture_that_passes_is_shown_with_the_verdict(engine):
    result = engine.generate(request(steps=2), Work())
    assert result.safety is SafetyVerdict.PASSED
    assert not any("withheld" in note for note in result.provenance.notes)


@pytest.mark.parametrize("finish", Finish)
@pytest.mark.parametrize("init_strength", [0.75, 1.0])
def test_in_place_of_a_withheld_picture_is_the_one_that_creature_makes(strict, finish, init_strength):
    asked = request(
        steps=2,
        init_strength=init_strength,
        scene=replace(SPECIES.scene, finish=finish),
        caption=("Karro", "Karrus tima"),
        width=128,
        height=64,
    )
    result = strict.generate(asked, Work())
    print_of_it = CreatureEngine().generate(asked, Work())
    assert result.safety is SafetyVerdict.WITHHELD
    assert np.array_equal(pixels(result.blobs[0].data), pixels(print_of_it.blobs[0].data))
    assert result.alt_text == print_of_it.alt_text
    assert (result.width, result.height) == (128, 64)
    assert any("withheld" in note for note in result.provenance.notes)
    assert result.provenance.engine == "stable-diffusion"


def test_where_no_step_is_taken_there_is_nothing_to_judge(strict):
    result = strict.generate(request(init_strength=0.01), Work())
    assert result.safety is None
    assert not any("withheld" in note for note in result.provenance.notes)
    assert result.alt_text.endswith("a drawing without finish.")


def test_no_look_at_what_the_checker_withholds_is_shown(strict):
    events: list[Event] = []
    strict.generate(request(steps=5, init_strength=0.9, previews=True), Work(events.append))
    assert [event.stage for event in events if isinstance(event, Preview)] == ["bones", "decode"]


def test_every_look_at_the_models_picture_is_judged_before_it_is_shown(engine, monkeypatch):
    judged: list[np.ndarray] = []
    checker = engine._checkpoint.checker
    judge = checker.judge

    def every_other(picture: np.ndarray) -> SafetyVerdict:
        judged.append(picture)
        return judge(picture) if len(judged) % 2 else SafetyVerdict.WITHHELD

    monkeypatch.setattr(checker, "judge", every_other)
    monkeypatch.setattr(engines, "PACE", 0)
    shown: list[bytes] = []

    def listen(event: Event) -> None:
        if isinstance(event, Preview) and event.stage == "denoise":
            shown.append(event.data)

    engine.generate(request(steps=20, previews=True), Work(listen))
    *seen, final = judged
    assert shown == [to_webp(look) for look in seen[::2]]
    assert len(seen) > len(shown) > 0
    assert final.shape == (64, 64, 3)


def test_lora_weights_are_mixed_in_as_the_pipeline_does(engine, sd_checkpoint, tmp_path, exact_pixels):
    file = build_lora(tmp_path / "stripes.safetensors", sd_checkpoint)
    plain = picture(engine)
    theirs = pipeline("StableDiffusionPipeline", sd_checkpoint, "PNDMScheduler")
    theirs.load_lora_weights(file.parent, weight_name=file.name)
    theirs.fuse_lora(lora_scale=0.5)
    wanted = theirs(
        **WORDS, num_inference_steps=5, generator=torch.Generator().manual_seed(3), output_type="np"
    ).images[0]
    adapted = load_engine(Choices(str(sd_checkpoint), device="cpu", threads=1, lora=f"{file}:0.5"))
    result = adapted.generate(request(), Work())
    adapted.close()
    assert np.abs(exact_pixels[threading.get_ident()] - wanted).max() < 1e-3
    assert np.abs(pixels(result.blobs[0].data).astype(int) - plain).max() > 3
    assert json.loads(result.provenance.settings["lora"])["weight"] == 0.5
    assert "lora/stripes.safetensors" in result.provenance.model_files
    assert "peft" in result.provenance.libraries


def test_stages_steps_and_looks_are_reported(engine):
    events: list[Event] = []
    engine.generate(request(steps=12, init_strength=0.8, previews=True), Work(events.append))
    progress = [event for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(event.stage for event in progress)) == list(engine.stages)
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], progress[-1].step, progress[-1].steps - 1) == (0, progress[-1].steps - 1, progress[-1].step)
    shown = [event for event in events if isinstance(event, Preview)]
    assert {event.stage for event in shown} == {"bones", "denoise", "decode"}
    assert all(event.data[8:12] == b"WEBP" for event in shown)


def test_no_looks_unless_asked_for(engine):
    events: list[Event] = []
    engine.generate(request(), Work(events.append))
    assert not any(isinstance(event, Preview) for event in events)


@pytest.mark.parametrize("stage", ["bones", "text", "denoise", "decode"])
def test_a_cancelled_picture_stops_where_it_is(engine, stage):
    seen: list[str] = []

    def listen(event: Event) -> None:
        seen.append(event.stage)
        if event.stage == stage:
            work.cancel()

    work = Work(listen)
    with pytest.raises(Cancelled):
        engine.generate(request(steps=3 if stage == "decode" else 900), work)
    assert seen[-1] == stage


def test_a_deadline_stops_the_picture(engine):
    with pytest.raises(DeadlineExceeded):
        engine.generate(request(), Work(timeout=0))


def test_a_number_of_steps_that_the_sampler_cannot_take_is_refused(engine):
    with pytest.raises(InvalidField, match="steps") as fault:
        engine.generate(request(steps=1000, sampler="pndm"), Work())
    assert fault.value.field == "steps"


def test_a_sampler_that_the_model_cannot_do_is_refused_by_its_name(engine, monkeypatch):
    scheduler = {**engine._checkpoint.scheduler, "predict_x0": False}
    monkeypatch.setattr(engine, "_checkpoint", replace(engine._checkpoint, scheduler=scheduler))
    with pytest.raises(InvalidField, match="predict_x0") as fault:
        engine.generate(request(sampler="unipc"), Work())
    assert fault.value.field == "sampler"


def test_provenance_says_how_to_make_it_again(engine, sd_checkpoint):
    asked = request(seed=2**64 - 1, steps=2, guidance_scale=2.5, sampler="ddim", exact=True, strangeness=0.25)
    result = engine.generate(asked, Work())
    provenance = result.provenance
    settings = {name: json.loads(value) for name, value in provenance.settings.items()}
    fields = ("seed", "prompt", "negative_prompt", "steps", "guidance_scale", "init_strength", "sampler", "exact")
    assert {name: settings[name] for name in (*fields, "style", "strangeness")} == {
        name: getattr(asked, name) for name in (*fields, "style", "strangeness")
    }
    assert (settings["width"], settings["height"], settings["dtype"]) == (64, 64, "float32")
    assert (provenance.model, provenance.device) == (sd_checkpoint.name, "cpu")
    assert provenance.model_revision.startswith("sha256:")
    assert {"unet/diffusion_pytorch_model.safetensors", "vae/config.json"} <= provenance.model_files.keys()
    assert not any(".fp16." in name for name in provenance.model_files)
    assert provenance.libraries.keys() >= {"torch", "diffusers", "transformers", "safetensors"}
    again = {name: settings[name] for name in (*fields, "style", "strangeness", "width", "height")}
    assert engine.generate(request(**again), Work()).blobs == result.blobs


def test_numbers_that_are_no_picture_are_an_error(engine, monkeypatch):
    unet = engine._checkpoint.network._unet
    monkeypatch.setattr(unet.conv_out, "forward", lambda sample: torch.full_like(sample[:, :4], float("nan")))
    with pytest.raises(EngineFailed, match="no picture"):
        engine.generate(request(), Work())


@pytest.mark.parametrize("steps", [3, 12])
def test_numbers_that_are_no_picture_are_seen_where_not_every_step_is_looked_at(engine, monkeypatch, steps):
    monkeypatch.setattr(engine._batch._stepper, "_checked_every", 8)
    assert picture(engine, steps=steps).std() > 1
    network, calls = engine._checkpoint.network, itertools.count()
    answer = network._unet.conv_out.forward

    def diverging(sample):
        return torch.full_like(sample[:, :4], float("nan")) if next(calls) == 1 else answer(sample)

    monkeypatch.setattr(network._unet.conv_out, "forward", diverging)
    with pytest.raises(EngineFailed, match="no picture"):
        engine.generate(request(steps=steps), Work())
    assert next(calls) == min(steps + 1, 8)


def test_a_picture_that_cannot_be_decoded_at_once_is_decoded_in_tiles(engine, monkeypatch):
    plain = picture(engine, width=320, height=320, steps=1)
    decode, failures = engine._checkpoint.autoencoder._vae.decode, itertools.count()

    def tight(latent, **options):
        if latent.shape[-1] * latent.shape[-2] > 32 * 32:
            next(failures)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(latent, **options)

    monkeypatch.setattr(engine._checkpoint.autoencoder._vae, "decode", tight)
    result = engine.generate(request(width=320, height=320, steps=1), Work())
    assert next(failures) > 0
    assert pixels(result.blobs[0].data).shape == plain.shape
    assert "want of memory" in result.provenance.notes[0]


def test_a_picture_that_cannot_be_decoded_at_all_is_an_error_of_its_own(engine, monkeypatch):
    def tight(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(engine._checkpoint.autoencoder._vae, "decode", tight)
        with pytest.raises(OutOfMemory):
            engine.generate(request(steps=1), Work())
    assert picture(engine, steps=1).shape == (64, 64, 3)
