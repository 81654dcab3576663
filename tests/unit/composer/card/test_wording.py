from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_composer.card import Making
from postcards_composer.card.text import wording
from postcards_composer.postcards.manifest import SafetyVerdict
from postcards_species.ancestry.parents import Parent, choose_parents
from postcards_species.place.scene import Biome, Finish, Scene, TimeOfDay, Weather
from postcards_species.speech.phrase import Intent


@given(st.integers(0, 2**64 - 1))
def test_every_parent_is_named(seed: int):
    parents = choose_parents(seed)
    text = wording.ancestry(parents)
    assert all(wording.animal_name(parent) in text for parent in parents)


def test_ancestry_says_the_shares():
    assert wording.ancestry((Parent("octopus", 0.64), Parent("ant", 0.36))) == "mostly octopus, a third ant"


def test_three_parents_fit_on_a_line():
    parents = (Parent("dalmatian", 0.42), Parent("scorpion", 0.33), Parent("gerenuk", 0.25))
    assert wording.ancestry(parents) == "dalmatian, with scorpion and gerenuk"


@pytest.mark.parametrize("biome", Biome)
@pytest.mark.parametrize("weather", Weather)
def test_every_place_has_words(biome: Biome, weather: Weather):
    scene = Scene(biome, weather, TimeOfDay.DUSK, Finish.CAMERA_TRAP, 0.5, 0.5, 1)
    assert wording.habitat(scene).startswith("the ")
    assert 3 < len(wording.post_office(scene)) < 16


@pytest.mark.parametrize("intent", Intent)
def test_every_intent_has_words(intent: Intent, a_card):
    from dataclasses import replace

    phrase = replace(a_card().phrase, intent=intent)
    assert wording.said(phrase).endswith(", calm")


def test_dates_clocks_and_numbers():
    assert wording.postmark_date(datetime(2026, 2, 3, tzinfo=UTC)) == "3 FEB 2026"
    assert wording.clock(68.4) == "1:08"
    assert wording.serial(0) == "0"
    assert wording.serial(18446744073709551615) == "1844 6744 0737 0955 1615"
    assert wording.spoken_length(1.2) == "1 second"


@given(st.integers(0, 2**64 - 1))
def test_a_serial_holds_the_whole_seed(seed: int):
    assert wording.serial(seed).replace(" ", "") == str(seed)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ('"field-plate"', "field-plate"),
        ("null", ""),
        ("8.0", "8"),
        ("0.337603", "0.3376"),
        ("9007199254740993", "9007199254740993"),
        ("true", "yes"),
        ("not json", "not json"),
        ("[1,2]", "1, 2"),
        ('["a.safetensors",null]', "a.safetensors"),
        ('{"bass":0.337603,"ibis":0.447203}', "bass 0.3376, ibis 0.4472"),
        ('{"folds":[1,2]}', '{"folds":[1,2]}'),
        ("[[1],[2]]", "[[1],[2]]"),
        ("[]", ""),
        (
            '{"name":"owner/ink/ink.safetensors","revision":"0123456789012345678901234567890123456789","weight":0.5}',
            "name owner/ink/ink.safetensors, revision 012345678901…, weight 0.5",
        ),
    ],
)
def test_settings_are_read_as_people_do(stored: str, shown: str):
    assert wording.setting(stored) == shown


def test_what_was_consumed_is_counted_and_priced():
    usage = {"prompt_tokens": 1204.0, "completion_tokens": 96.0, "cost_usd": 0.00397}
    assert wording.consumed(usage) == [("used", "96 completion tokens, 1,204 prompt tokens"), ("cost", "0.004 USD")]
    assert wording.consumed({"cost_usd": 0.0}) == [("cost", "0 USD")]
    assert wording.consumed({}) == []


def test_a_revision_is_shown_as_far_as_it_tells_it_from_others():
    assert wording.short_revision("sha256:" + "ab" * 32) == "abababababab\N{HORIZONTAL ELLIPSIS}"
    assert wording.short_revision("main") == "main"
    assert wording.short_revision("") == ""


def test_every_verdict_of_a_checker_has_words():
    assert {wording.verdict(verdict.value) for verdict in SafetyVerdict}.isdisjoint({v.value for v in SafetyVerdict})
    assert wording.verdict("") == ""


@pytest.mark.parametrize(("safety", "said"), [("withheld", True), ("passed", False), ("", False)])
def test_the_address_side_says_that_the_picture_is_another_one(a_card, safety: str, said: bool):
    card = a_card(makings=(Making("picture", "stable-diffusion", safety=safety), Making("call", "vocal-tract")))
    lines = dict(wording.address_lines(card))
    assert ("picture" in lines) is said
    assert "withheld" in lines.get("picture", "withheld")
    usual = dict(wording.address_lines(a_card(makings=())))
    assert lines.items() >= usual.items()
