"""What the card of a postcard is told of its making."""

from dataclasses import replace
from pathlib import Path

from postcards.image.v1 import image_pb2

from postcards_composer.api.messages import postcard_message
from postcards_composer.card.assembly import card_content
from postcards_composer.postcards.manifest import PartKind, SafetyVerdict
from postcards_composer.postcards.manifest_json import load
from postcards_composer.postcards.transitions import reset_part

KEPT = load(Path(__file__).parents[1].joinpath("manifests").joinpath("ddpm.json").read_bytes())


def test_a_card_tells_of_every_part_who_made_it_and_how():
    made = {making.part: making for making in card_content(KEPT, {}).makings}
    assert {part: making.engine for part, making in made.items()} == {
        "picture": "ddpm",
        "phrase": "phonotactic",
        "call": "vocal-tract",
    }
    then = KEPT.part(PartKind.IMAGE).provenance
    picture = made["picture"]
    assert (picture.model, picture.revision) == (then.model, then.model_revision)
    assert (picture.settings, picture.libraries) == (then.settings, then.libraries)
    assert {making.safety for making in made.values()} == {""}


def test_what_the_checker_said_is_told_of_the_picture_alone():
    told = card_content(replace(KEPT, safety=SafetyVerdict.WITHHELD), {})
    assert {making.part: making.safety for making in told.makings} == {"picture": "withheld", "phrase": "", "call": ""}


def test_a_verdict_is_of_the_picture_that_is_there():
    nothing = image_pb2.SAFETY_VERDICT_UNSPECIFIED
    withheld = replace(KEPT, safety=SafetyVerdict.WITHHELD)
    told = [part.safety for part in postcard_message(withheld, None).parts]
    assert told == [image_pb2.SAFETY_VERDICT_WITHHELD, nothing, nothing]
    lost = reset_part(withheld, KEPT.updated_at, PartKind.IMAGE)
    assert [part.safety for part in postcard_message(lost, None).parts] == [nothing] * 3


def test_what_a_part_consumed_and_which_files_took_part_are_told():
    parts = tuple(
        replace(part, provenance=replace(part.provenance, usage={"cost_usd": 0.5}, model_files={"a": "ff"}))
        for part in KEPT.parts
    )
    for making in card_content(replace(KEPT, parts=parts), {}).makings:
        assert (making.usage, making.model_files) == ({"cost_usd": 0.5}, {"a": "ff"})
