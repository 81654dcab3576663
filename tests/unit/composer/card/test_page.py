import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from postcards_composer.card import CardContent, Making, Problem, render_card_html

Cards = Callable[..., CardContent]


class Page(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.bodies: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(html.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.bodies:
            self._inside = tag
            self.bodies[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.bodies[self._inside][-1] += data
        else:
            self.text += data

    def policy(self) -> str:
        return next(a["content"] or "" for tag, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")


def test_everything_it_needs_is_inside(a_card: Cards):
    page = Page(render_card_html(a_card()))
    for tag, attributes in page.tags:
        for name in ("src", "href", "poster", "data", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value[:60])
    assert not re.search(r"url\((?!\"?data:)", "".join(page.bodies["style"]))
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed", "base", "form")]


def test_the_policy_lets_nothing_run_but_its_own_text(a_card: Cards):
    page = Page(render_card_html(a_card()))
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy().split(";"))
    assert rules["default-src"] == "'none'"
    for kind, rule in (("script", "script-src"), ("style", "style-src")):
        hashes = [f"'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'" for body in page.bodies[kind]]
        assert len(hashes) == 1
        assert rules[rule] == hashes[0]
    assert not any(source in page.policy() for source in ("unsafe", "http", "*"))
    assert not [a for _, a in page.tags if "style" in a or any(name.startswith("on") for name in a)]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7*7 }} \u202e"


def test_hostile_text_is_shown_everywhere_and_is_never_markup(a_card: Cards):
    card = a_card()
    assert card.phrase is not None
    word = replace(card.phrase.words[0], text=HOSTILE[:20], gloss=HOSTILE)
    phrase = replace(card.phrase, animal_text=HOSTILE, english_gloss=HOSTILE, words=(word, *card.phrase.words[1:]))
    hostile = a_card(
        name=HOSTILE,
        binomial=HOSTILE,
        field_note=HOSTILE,
        theme=HOSTILE,
        alt_text=HOSTILE,
        id=HOSTILE,
        temperament=(HOSTILE,),
        phrase=phrase,
        makings=(
            Making(
                *(HOSTILE,) * 6,
                settings={HOSTILE: HOSTILE},
                notes=(HOSTILE,),
                safety=HOSTILE,
                usage={HOSTILE: 1.0},
                libraries={HOSTILE: HOSTILE},
                model_files={HOSTILE: HOSTILE},
            ),
        ),
        problems=(Problem(HOSTILE, HOSTILE),),
    )
    html = render_card_html(hostile)
    page, usual = Page(html), Page(render_card_html(card))
    assert len(page.bodies["script"]) == 1
    assert page.bodies["script"] == usual.bodies["script"]
    assert not [a for tag, a in page.tags if tag == "img" and not (a.get("src") or "").startswith("data:")]
    assert b"{{ 7*7 }}" in html
    assert page.text.count("alert(2)") >= 8


def test_how_a_part_was_made_says_who_and_what_was_otherwise(a_card: Cards):
    making = Making(
        "picture",
        "stable-diffusion",
        "1.0.0",
        "a/model",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        "cuda:0",
        2.25,
        settings={"guidance_scale": "7.5", "prompt": json.dumps("long " * 40), "negative_prompt": '""'},
        notes=("the picture was withheld " * 5,),
        safety="withheld",
        usage={"prompt_tokens": 1204.0, "cost_usd": 0.004},
        libraries={"torch": "2.13.0", "diffusers": "0.42.1"},
        model_files={"unet/model.safetensors": "ab" * 32},
    )
    text = " ".join(Page(render_card_html(a_card(makings=(making,)))).text.split())
    order = [
        "The picture",
        "stable-diffusion 1.0.0",
        "the picture was withheld the picture was withheld",
        "withheld by the model",
        "a/model",
        "451f4fe16113\N{HORIZONTAL ELLIPSIS}",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        "cuda:0",
        "1,204 prompt tokens",
        "0.004 USD",
        "2.2 s",
        "guidance scale",
        "200 characters",
        "2 versions",
        "diffusers 0.42.1",
        "1 file",
        "unet/model.safetensors abab",
    ]
    places = [text.find(words) for words in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)
    assert "negative prompt" not in text, "what is empty is not shown"
    assert f"postcards verify {a_card().id}" in text


def test_the_call_the_picture_and_the_words_are_on_it(a_card: Cards):
    card = a_card()
    page = Page(render_card_html(card))
    assert [a for tag, a in page.tags if tag == "audio" and (a["src"] or "").startswith("data:audio/mpeg;base64,")]
    assert card.alt_text in [a.get("alt") for tag, a in page.tags if tag == "img"]
    spoken = [a["data-at"] for tag, a in page.tags if tag == "span" and "data-at" in a]
    assert len(spoken) == 5
    assert len((spoken[0] or "").split(" ")) == 2
    for text in ("sleep.PRS", "river", "come home.", card.binomial, card.field_note[:20].replace("'", "\u2019")):
        assert text in page.text


@pytest.mark.parametrize(
    ("missing", "part", "words"),
    [
        ({"image_png": None}, "picture", "lost in the post"),
        ({"call_mp3": None, "call_seconds": 0.0, "timings": ()}, "call", "No call was recorded"),
        ({"phrase": None, "timings": ()}, "phrase", "kept its own counsel"),
    ],
)
def test_a_missing_part_is_said_to_be_missing_and_why(a_card: Cards, missing: dict[str, object], part: str, words: str):
    page = Page(render_card_html(a_card(**missing, problems=(Problem(part, "The <server> was away."),))))
    assert words in page.text
    assert page.text.count("The <server> was away.") == 2


def test_a_card_of_nothing_but_a_name(a_card: Cards):
    html = render_card_html(
        a_card(image_png=None, call_mp3=None, call_seconds=0.0, phrase=None, timings=(), makings=(), phonology=None)
    )
    assert not [tag for tag, _ in Page(html).tags if tag in ("audio", "canvas")]


def test_the_same_content_is_the_same_page(a_card: Cards):
    assert render_card_html(a_card()) == render_card_html(a_card())


def test_names_of_any_length_are_set(a_card: Cards):
    for name in ("O", "Grr-" * 16, "W" * 64, "", "漢字の名前"):
        assert Page(render_card_html(a_card(name=name))).bodies["style"]


@pytest.mark.parametrize("field", ["image_png", "call_mp3"])
def test_what_cannot_be_decoded_is_refused(a_card: Cards, field: str):
    with pytest.raises(ValueError, match="cannot be decoded"):
        render_card_html(a_card(**{field: b"none"}))
