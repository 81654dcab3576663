"""What a request that leaves things out gets: styles, the dial from faithful to unrecognisable, written prompts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.engine import ImageRequest
from postcards_image.engines.stable_diffusion.picture_plan import PicturePlan, plan_picture
from postcards_image.engines.stable_diffusion.prompts import describe_picture
from postcards_image.engines.stable_diffusion.styles import AUTHORS_PROMPT, Style, turn_dial
from postcards_serving.errors import InvalidField
from postcards_species.ancestry.parents import Parent
from postcards_species.species import derive_species

strangeness = st.floats(0, 1)


def request(**changes: object) -> ImageRequest:
    species = derive_species(7)
    whole = ImageRequest(species.body_plan, species.scene, seed=7, parents=(Parent("okapi", 0.6), Parent("emu", 0.4)))
    return replace(whole, **changes)


def plan(asked: ImageRequest, *, factor: int = 8) -> PicturePlan:
    return plan_picture(
        asked, size=512, factor=factor, samplers=("pndm", "ddim"), sampler="pndm", reads_at_once=lambda _: True
    )


def test_the_middle_of_the_dial_is_what_the_pipelines_do():
    planned = plan(request())
    assert (planned.steps, planned.guidance_scale, planned.sampler) == (50, 7.5, "pndm")
    assert (planned.width, planned.height, planned.negative_prompt) == (512, 512, "")
    assert planned.init_strength == 0.75


def test_distorted_is_what_the_author_did():
    planned = plan(request(style="distorted"))
    assert planned.prompt == AUTHORS_PROMPT
    assert (planned.steps, planned.guidance_scale, planned.width, planned.height) == (10, 7.5, 512, 512)
    assert not planned.over_drawing


@given(strangeness, strangeness)
def test_the_dial_only_turns_one_way(one, other):
    near, far = sorted((one, other))
    for style in Style:
        less, more = turn_dial(style, near), turn_dial(style, far)
        assert less.steps >= more.steps
        assert less.guidance_scale >= more.guidance_scale
        assert less.init_strength <= more.init_strength


@given(strangeness)
def test_every_turn_of_the_dial_can_be_asked_for(turned):
    for style in Style:
        dial = turn_dial(style, turned)
        assert 5 <= dial.steps <= 50
        assert 0 <= dial.init_strength <= 1
        assert 1 < dial.guidance_scale <= 50


@pytest.mark.parametrize("style", list(Style))
def test_what_the_request_says_wins(style):
    said = {
        "prompt": "a heron of glass",
        "negative_prompt": "people",
        "steps": 3,
        "guidance_scale": 1.5,
        "init_strength": 0.25,
        "sampler": "ddim",
        "width": 320,
        "height": 64,
    }
    planned = plan(request(style=style.value, strangeness=1.0, **said))
    assert {name: getattr(planned, name) for name in said} == said


def test_the_written_prompt_names_the_parents_and_how_far_they_are():
    faithful, strange = plan(request(strangeness=0.0)).prompt, plan(request(strangeness=1.0)).prompt
    assert "a hybrid of okapi and emu, slightly distorted" in faithful
    assert "heavily distorted until unrecognizable" in strange


def test_no_guidance_asks_the_model_once():
    assert not plan(request(guidance_scale=1.0)).guided
    assert not plan(request(guidance_scale=0.0)).guided
    assert plan(request(guidance_scale=1.01)).guided


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"style": "baroque"}, "style", "'distorted'"),
        ({"sampler": "magic"}, "sampler", "pndm, ddim"),
        ({"width": 72}, "width", "multiple of 16"),
        ({"height": 1000}, "height", "multiple of 16"),
    ],
)
def test_what_there_is_not_is_refused_by_name(changes, field, words):
    with pytest.raises(InvalidField, match=words) as fault:
        plan(request(**changes), factor=16)
    assert fault.value.field == field


@given(st.text(min_size=1, max_size=2000), st.floats(0, 1))
def test_the_sentence_for_those_who_cannot_see_fits_its_field(prompt, strength):
    assert len(describe_picture(request(), "owner/" + "x" * 90, prompt, strength)) <= 1000
