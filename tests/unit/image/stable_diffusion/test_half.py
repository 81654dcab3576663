"""Pictures in half precision: the same ones as in float32, but for rounding."""

import json

import pytest

pytest.importorskip("torch", reason="make setup-models brings it")
pytest.importorskip("diffusers", reason="make setup-models brings it")
pytest.importorskip("transformers", reason="make setup-models brings it")

from postcards.media.v1 import media_pb2

from postcards_cli.remake.comparison import TOLERANCES, Verdict, compare_part, picture_distance
from postcards_image.engine import ImageRequest, ImageResult
from postcards_image.engines.stable_diffusion import Choices, load_engine
from postcards_serving.engine.work import Work
from postcards_species.species import derive_species

SPECIES = derive_species(3)


def painted(folder, dtype: str, *, seed: int = 3) -> ImageResult:
    """Over the drawing, so that the autoencoder reads as well as it writes."""
    engine = load_engine(Choices(str(folder), device="cpu", dtype=dtype, threads=1))
    try:
        request = ImageRequest(SPECIES.body_plan, SPECIES.scene, seed=seed, prompt="a striped thing", steps=6)
        return engine.generate(request, Work())
    finally:
        engine.close()


def provenance(result: ImageResult) -> media_pb2.Provenance:
    told = result.provenance
    return media_pb2.Provenance(engine=told.engine, model=told.model, device=told.device, settings=told.settings)


@pytest.fixture(scope="module")
def whole(sd_checkpoint) -> ImageResult:
    return painted(sd_checkpoint, "float32")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_picture_in_half_precision_is_the_same_but_for_rounding(sd_checkpoint, whole, dtype):
    half = painted(sd_checkpoint, dtype)
    assert json.loads(half.provenance.settings["dtype"]) == dtype
    kept, again = ({"image.png": result.blobs[0].data} for result in (whole, half))
    compared = compare_part("image", kept, again, provenance(whole), provenance(half))
    assert compared.verdict is Verdict.WITHIN_TOLERANCE, compared.distances


def test_another_seed_is_farther_away_than_any_rounding(sd_checkpoint, whole):
    other = painted(sd_checkpoint, "float32", seed=4)
    distance = picture_distance("image.png", whole.blobs[0].data, other.blobs[0].data)
    assert distance.snr_db < min(tolerance.snr_db for tolerance in TOLERANCES.values()) - 5
