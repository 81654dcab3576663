"""The verdict on a part that was made again, and what is said with it."""

import io
import json

import pytest
from PIL import Image
from postcards.composer.v1 import composer_pb2
from postcards.media.v1 import media_pb2

from postcards_cli.remake.comparison import Comparison, Verdict
from postcards_cli.remake.verify import WITHHELD, KeptFiles, judge
from postcards_client.parts.making import MadePart

IMAGE = composer_pb2.PART_KIND_IMAGE


def picture(grey: int) -> dict[str, bytes]:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (grey, grey, grey)).save(out, "PNG")
    return {"image.png": out.getvalue()}


def made_in_half_precision() -> media_pb2.Provenance:
    told = media_pb2.Provenance(engine="stable-diffusion", engine_version="1", model="m")
    told.settings["dtype"] = json.dumps("float16")
    return told


def judged(again: dict[str, bytes], *, withheld: bool) -> Comparison:
    told = made_in_half_precision()
    plan = composer_pb2.PlanReplayResponse(
        postcard=composer_pb2.Postcard(parts=[composer_pb2.Part(kind=IMAGE, provenance=told)])
    )
    kept = KeptFiles(picture(100), damaged=(), missing=())
    return judge(plan, kept, ["image"], {"image": MadePart(told, again, withheld)})["image"]


def test_a_withheld_picture_that_cannot_be_read_is_said_to_be_both():
    compared = judged({"image.png": b"no picture"}, withheld=True)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "cannot be read" in compared.reason
    assert WITHHELD in compared.reason


@pytest.mark.parametrize("withheld", [True, False])
@pytest.mark.parametrize(("grey", "verdict"), [(100, Verdict.EQUAL), (160, Verdict.DIFFERENT)])
def test_what_is_said_of_rounding_and_of_withholding_is_both_said(grey, verdict, withheld):
    compared = judged(picture(grey), withheld=withheld)
    assert compared.verdict is verdict
    assert (WITHHELD in compared.reason) == withheld
    assert ("float16 rounds otherwise in company" in compared.reason) == (verdict is not Verdict.EQUAL)
