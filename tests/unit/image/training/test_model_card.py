"""The model card: front matter that every reader of YAML takes, and what people should know."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_image.training.recipe import PRESETS
from postcards_image.training.report.model_card import Data, Run, model_card

yaml = pytest.importorskip("yaml", reason="needs PyYAML: make setup-train")

DATA = Data(
    name="animals",
    hub_id="",
    licence="",
    attribution="",
    classes=("ant", "bee"),
    used=1900,
    held_out=197,
    skipped=0,
    duplicates=0,
)
RUN = Run(
    name="little-zoo",
    preset="quick",
    recipe=PRESETS["quick"],
    parameters=1_234_567,
    device="cpu",
    precision="bf16",
    processes=1,
    images_seen=85_000,
    seconds=901.0,
    loss=0.12345,
    finished=True,
    libraries={"torch": "2.13.0", "diffusers": "0.42.1"},
)


def front_matter(card: str) -> dict[str, object]:
    start, inside, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(inside)


def test_the_front_matter_is_what_the_hub_reads():
    assert front_matter(model_card(RUN, DATA)) == {
        "library_name": "diffusers",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["postcards", "diffusion", "imagined-animals"],
        "model_name": "little-zoo",
    }
    matter = front_matter(model_card(RUN, replace(DATA, hub_id="lucabaggi/animal-wildlife", licence="cc-by-4.0")))
    assert matter["datasets"] == ["lucabaggi/animal-wildlife"]
    assert matter["license"] == "cc-by-4.0"


@pytest.mark.parametrize(
    "name",
    ["yes", "1.0", "null", "a: b", "- x", "#", '"', "'", "\\", "\\n", "{}", "[", "---", "!!python/object", "&a", "ä🦓"],
)
def test_names_are_never_taken_for_something_else(name):
    matter = front_matter(model_card(replace(RUN, name=name), replace(DATA, hub_id=name, licence=name)))
    assert (matter["model_name"], matter["license"], matter["datasets"]) == (name, name, [name])


@given(st.text(min_size=1, max_size=40))
def test_any_text_leaves_valid_front_matter(text):
    matter = front_matter(model_card(replace(RUN, name=text), replace(DATA, licence=text)))
    assert matter["library_name"] == "diffusers"
    assert set(matter) == {"library_name", "pipeline_tag", "tags", "model_name", "license"}
    if text.isprintable():
        assert matter["license"] == text


def test_the_card_tells_what_it_was_made_of():
    card = model_card(RUN, replace(DATA, licence="CC0", attribution="By the zoo.", skipped=3, duplicates=2))
    for said in (
        "# little-zoo\n",
        "at 16 x 16 pixels, by class, with 1.2 million parameters",
        "1,900 photographs of `animals`, 197 more were held out",
        "3 files could not be read; 2 copies were left out.",
        "Classes: ant, bee.",
        "Licence of the photographs: CC0.",
        "By the zoo.",
        "Preset `quick`, 85,000 images seen in 15 min 01 s on cpu (bf16, ",
        "to its end. Mean loss of the last steps: 0.1235. torch 2.13.0, diffusers 0.42.1.",
        "![Samples of the averaged weights](samples.png)",
        "![Loss](loss.png)",
        "| batch_size | 32 |",
        "| epochs |  |",
        "| minutes | 15 |",
    ):
        assert said in card, said


def test_what_nobody_said_is_not_made_up():
    card = model_card(RUN, DATA)
    assert "not stated; ask before you publish what this draws" in card
    assert "license:" not in card
    assert "could not be read" not in card


def test_a_run_that_was_stopped_and_several_devices():
    card = model_card(replace(RUN, finished=False, processes=4, device="cuda"), DATA)
    assert "on 4 x cuda (" in card
    assert "stopped before its end" in card


def test_a_model_without_classes_says_so():
    assert "pixels, without classes," in model_card(RUN, replace(DATA, classes=()))
    assert "pixels, without classes," in model_card(replace(RUN, recipe=PRESETS["author"]), DATA)


def test_a_run_without_a_step_claims_no_loss():
    card = model_card(replace(RUN, loss=float("nan"), images_seen=0), DATA)
    assert "nan" not in card.split("## Training")[1].split("## Limits")[0]
