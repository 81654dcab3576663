"""The card in a real browser, from a file URL and with no network."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from postcards_composer.card import CardContent, Making, Problem, render_card_html
from postcards_composer.postcards.manifest import WordTiming
from postcards_species.species import derive_species
from postcards_species.speech.phrase import Intent, Mood, Phrase, Syllable, Word

playwright_api = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
)
SECONDS = 6.0
DESKTOP, TABLET, PHONE = (1280, 800), (820, 1100), (360, 780)


def word(text: str, gloss: str, *syllables: str) -> Word:
    return Word(text, gloss, tuple(Syllable(("k", "a"), part, place == 0) for place, part in enumerate(syllables)))


PHRASE = Phrase(
    "Karro tima.",
    "The river is asleep.",
    Intent.LULLABY,
    Mood.CALM,
    (word("karro", "river", "ka", "rro"), word("tima", "sleep.PRS", "ti", "ma")),
)
TIMINGS = (WordTiming(0, 1.0, 2.0), WordTiming(1, 2.0, 3.0), WordTiming(0, 4.0, 5.0))


def a_call() -> bytes:
    moments = np.arange(round(SECONDS * 44100)) / 44100
    out = BytesIO()
    soundfile.write(out, 0.3 * np.sin(2 * np.pi * (200 + 60 * moments) * moments), 44100, format="MP3")
    return out.getvalue()


def a_picture(width: int = 512, height: int = 512) -> bytes:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([60 + 100 * x / width, 90 + 60 * y / height, 140 - 80 * x / width], axis=-1).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def a_card(**changes: object) -> CardContent:
    species = derive_species(42)
    card = CardContent(
        id="abcdefghijklmnopqrstuvwxyz",
        name=species.name,
        binomial=species.binomial,
        field_note=species.field_note,
        parents=species.parents,
        temperament=species.temperament,
        scene=species.scene,
        theme="stormy night",
        seed=42,
        strangeness=0.5,
        created=datetime(2026, 11, 22, 16, 40, tzinfo=UTC),
        phonology=species.phonology,
        phrase=PHRASE,
        image_png=a_picture(),
        alt_text="A round animal before a blue wall.",
        call_mp3=a_call(),
        call_seconds=SECONDS,
        timings=TIMINGS,
    )
    return replace(card, **changes)  # pyright: ignore[reportArgumentType]


@dataclass
class Opened:
    """A card in a browser, and what the browser said of it."""

    page: "playwright_api.Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright_api.Browser"]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_card(browser: "playwright_api.Browser", tmp_path: Path) -> Iterator[Open]:
    """Opens the card of some content at a size; keywords go to the browser's context."""
    contexts: list[playwright_api.BrowserContext] = []

    def open_it(content: CardContent | None = None, size: tuple[int, int] = DESKTOP, **options: object) -> Opened:
        file = tmp_path / "card.html"
        file.write_bytes(render_card_html(content or a_card()))
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        context.set_offline(True)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("dialog", lambda dialog: (opened.complaints.append(dialog.message), dialog.dismiss()))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(file.as_uri())
        return opened

    yield open_it
    for context in contexts:
        context.close()


def turned(opened: Opened) -> "playwright_api.Page":
    """The page with the card on its face."""
    opened.page.get_by_role("button", name="Turn the card over").click()
    until(opened.page, "document.getAnimations().length === 0 && !document.querySelector('#back').inert")
    return opened.page


def until(page: "playwright_api.Page", condition: str, argument: object = None) -> None:
    """Waits, frame by frame, until the page says true. (The card's policy forbids Playwright's own way.)"""
    end = time.monotonic() + 20
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, f"never true: {condition} of {argument}"
        page.evaluate("() => new Promise(requestAnimationFrame)")


def position(page: "playwright_api.Page") -> float:
    return page.evaluate("document.querySelector('#call').currentTime")


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE])
def test_it_opens_offline_asks_for_nothing_and_complains_of_nothing(open_card: Open, size: tuple[int, int]):
    opened = open_card(size=size)
    until(opened.page, "document.querySelector('#call').readyState >= 3")
    assert [url[:60] for url in opened.requests if not url.startswith(("data:", "file:"))] == []
    assert len([url for url in opened.requests if url.startswith("file:")]) == 1
    assert opened.complaints == []
    assert opened.page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    faces = opened.page.evaluate("[...document.fonts].filter((face) => face.status === 'error').length")
    assert faces == 0


@pytest.mark.parametrize("missing", ["image_png", "call_mp3", "phrase"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_card_without_a_part_complains_of_nothing(open_card: Open, missing: str, size: tuple[int, int]):
    part = {"image_png": "picture", "call_mp3": "call", "phrase": "phrase"}[missing]
    opened = open_card(a_card(**{missing: None, "timings": ()}, problems=(Problem(part, "Nobody answered."),)), size)
    if size == DESKTOP and missing != "image_png":
        turned(opened)
    assert opened.page.locator(".face", has_text="Nobody answered.").is_visible()
    assert opened.complaints == []


def test_play_and_pause(open_card: Open):
    page = turned(open_card())
    page.get_by_role("button", name="Play the call").click()
    until(page, "document.querySelector('#call').currentTime > 0.2")
    page.get_by_role("button", name="Pause the call").click()
    assert page.evaluate("document.querySelector('#call').paused")
    # The button changes its name when the browser tells of the pause, a moment after the click.
    page.get_by_role("button", name="Play the call").wait_for()


def test_the_front_can_be_heard_too(open_card: Open):
    opened = open_card(size=PHONE)
    opened.page.get_by_role("button", name=re.compile("^Hear ")).click()
    until(opened.page, "document.querySelector('#call').currentTime > 0.1")
    assert opened.complaints == []


def test_the_keyboard_seeks(open_card: Open):
    page = turned(open_card())
    slider = page.get_by_role("slider", name="Place in the call")
    slider.focus()
    for key, expected in (
        ("ArrowRight", 0.5),
        ("ArrowUp", 1.0),
        ("ArrowLeft", 0.5),
        ("PageUp", 2.5),
        ("PageDown", 0.5),
        ("Home", 0),
        ("End", SECONDS),
    ):
        page.keyboard.press(key)
        assert position(page) == pytest.approx(expected, abs=0.06)
        until(page, "(now) => Math.abs(document.querySelector('#seek').ariaValueNow - now) < 0.11", expected)
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#seek').ariaValueText.endsWith('Karro')")
    page.keyboard.press("Space")
    until(page, "!document.querySelector('#call').paused")


def test_the_pointer_seeks_and_drags(open_card: Open):
    page = turned(open_card())
    box = page.get_by_role("slider").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    assert position(page) == pytest.approx(SECONDS / 2, abs=0.1)
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=4)
    page.mouse.up()
    assert position(page) == pytest.approx(SECONDS / 4, abs=0.1)


def test_syllables_light_up_as_they_sound(open_card: Open):
    page = turned(open_card())
    # So slow that a busy machine sees each of them.
    page.evaluate("document.querySelector('#call').playbackRate = 0.1")
    page.get_by_role("button", name="Play the call").click()
    for moment, text in ((2.1, "ti"), (2.6, "ma"), (3.2, ""), (4.1, "Ka"), (4.6, "rro")):
        page.evaluate("(moment) => { document.querySelector('#call').currentTime = moment }", moment)
        until(
            page,
            "(text) => [...document.querySelectorAll('.sounding')].map((e) => e.textContent).join() === text",
            text,
        )
    assert page.evaluate("!document.querySelector('#call').paused")


def test_the_spectrogram_is_drawn_and_moves(open_card: Open):
    page = turned(open_card())
    until(page, "document.querySelector('.strip-image').hidden")
    colours = "new Set(document.querySelector('canvas').getContext('2d').getImageData(0, 0, 400, 60).data).size"
    assert page.evaluate(colours) > 20
    before = page.locator("canvas").screenshot()
    page.get_by_role("button", name="Play the call").click()
    until(page, "document.querySelector('#call').currentTime > 1")
    assert page.locator("canvas").screenshot() != before


def test_gloss_and_meaning_come_on_demand(open_card: Open):
    page = turned(open_card())
    for button, hidden in (("Word by word", ".gloss >> text=sleep.PRS"), ("What it means", "#meaning > span")):
        assert not page.locator(hidden).is_visible()
        page.get_by_role("button", name=button).press("Enter")
        assert page.locator(hidden).is_visible()
        assert page.get_by_role("button", name=button, expanded=True).is_visible()
        page.get_by_role("button", name=button).press("Enter")
        assert not page.locator(hidden).is_visible()


def test_only_the_face_that_is_up_can_be_reached(open_card: Open):
    opened = open_card()
    page = opened.page
    assert page.locator("#front").is_visible()
    assert not page.locator("#back").is_visible()
    assert page.get_by_role("slider").count() == 0
    turned(opened)
    assert not page.locator("#front").is_visible()
    assert page.get_by_role("slider").count() == 1


def test_everything_has_a_name(open_card: Open):
    page = open_card(size=TABLET).page
    tree = page.locator("main").aria_snapshot()
    name = derive_species(42).name.replace("'", "\u2019")
    for expected in (
        f'heading "{name}" [level=1]',
        'img "A round animal before a blue wall."',
        f'button "Hear {name}"',
        'button "Play the call"',
        'slider "Place in the call"',
        'button "Word by word"',
        'img "Stamp: Jungle Post',
        'img "Postmark: ',
    ):
        assert expected in tree
    assert not re.search(r"- (button|slider|img|link)(:|$)", tree, re.MULTILINE)


HOSTILE = "</script><script>window.hacked = 1; alert(1)</script><img src=x onerror='window.hacked = 2'>"


def test_a_hostile_theme_is_shown_and_never_run(open_card: Open):
    note = f"{HOSTILE} {HOSTILE}"
    opened = open_card(a_card(theme=HOSTILE, field_note=note, name=HOSTILE[:40], alt_text=HOSTILE), TABLET)
    page = opened.page
    assert page.locator("#back dd", has_text="<script>window.hacked = 1; alert(1)</script>").is_visible()
    assert page.evaluate("window.hacked") is None
    assert opened.complaints == []


def test_the_policy_stops_what_would_slip_in(open_card: Open):
    opened = open_card()
    opened.page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.hacked = 1';
          document.body.append(script);
          const image = new Image();
          image.src = 'https://example.org/spy.png';
          document.body.append(image);
        }"""
    )
    assert opened.page.evaluate("window.hacked") is None
    assert all("Content Security Policy" in complaint for complaint in opened.complaints)
    assert len(opened.complaints) == 2


@pytest.mark.parametrize("width", [320, 360, 600, 820, 840, 1024, 1280, 1920])
def test_nothing_is_wider_than_the_screen(open_card: Open, width: int):
    long = "Wordwithoutanyend" * 12
    phrase = replace(PHRASE, words=(word(long, long, long, "ka"), *PHRASE.words[1:]), animal_text=long)
    content = a_card(name="W" * 30, binomial=long[:64], field_note=long * 3, theme=long, phrase=phrase, alt_text=long)
    page = open_card(content, (width, 800)).page
    page.locator("summary").first.click()
    for act in ("gloss", "meaning"):
        page.evaluate("(act) => document.querySelector(`[data-act=${act}]`).click()", act)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("safety", ["", "withheld"])
@pytest.mark.parametrize("size", [DESKTOP, (1440, 900), (1024, 768)])
def test_the_whole_card_fits_a_desktop(open_card: Open, size: tuple[int, int], safety: str):
    opened = open_card(a_card(makings=(Making("picture", "stable-diffusion", safety=safety),)), size)
    front = opened.page.locator("#front").bounding_box()
    page = turned(opened)
    for act in ("Word by word", "What it means"):
        page.get_by_role("button", name=act).click()
    assert page.locator("#back dd >> text=was withheld").is_visible() is bool(safety)
    back = page.locator("#back").bounding_box()
    assert front
    assert back
    assert front["y"] + front["height"] <= size[1]
    assert back["height"] == pytest.approx(front["height"], abs=1)
    assert front["width"] / front["height"] == pytest.approx(148 / 105, rel=0.01)


@pytest.mark.parametrize("missing", [(), ("image_png",), ("call_mp3", "phrase")])
def test_it_prints_on_two_pages_front_and_back(open_card: Open, missing: tuple[str, ...]):
    page = open_card(a_card(**dict.fromkeys(missing), **({"timings": ()} if missing else {}))).page
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
    width, height = map(float, re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)[0])
    assert (width / 72 * 25.4, height / 72 * 25.4) == pytest.approx((210, 148), abs=1)


def test_print_shows_gloss_and_meaning(open_card: Open):
    page = open_card().page
    page.emulate_media(media="print")
    for shown in ("#front", "#back", ".gloss >> text=sleep.PRS", "#meaning > span"):
        assert page.locator(shown).first.is_visible()
    assert not page.get_by_role("button").first.is_visible()


def test_nothing_flies_about_for_those_who_ask(open_card: Open):
    opened = open_card(reduced_motion="reduce")
    opened.page.get_by_role("button", name="Turn the card over").click()
    assert opened.page.evaluate("document.getAnimations().length") == 0
    assert opened.page.locator("#back").is_visible()
    opened.page.get_by_role("button", name="What it means").click()
    assert opened.page.evaluate("document.getAnimations().length") == 0


def test_without_scripts_everything_is_there(open_card: Open):
    page = open_card(java_script_enabled=False).page
    for shown in ("#front", "#back", "audio[controls]", ".strip-image", "text=Karro", "dd >> text=stormy night"):
        assert page.locator(shown).first.is_visible() or shown == "text=Karro"
    page.locator("summary").first.click()
    assert page.locator(".making-body").is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_how_it_was_made_unfolds_and_stays_on_the_page(open_card: Open, size: tuple[int, int]):
    making = Making(
        "picture",
        "stable-diffusion",
        "1.0.0",
        "an-organisation/a-model-with-a-long-name",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        settings={"prompt": '"' + "word " * 200 + '"'},
        notes=("the model's picture was withheld: this is the drawing that it would have started from",),
        safety="withheld",
        usage={"prompt_tokens": 1204.0, "cost_usd": 0.004},
        model_files={f"{part}/diffusion_pytorch_model.safetensors": "ab" * 32 for part in ("unet", "vae")},
    )
    page = open_card(a_card(makings=(making,)), size).page
    page.locator(".making > summary").click()
    assert page.locator("dd >> text=this is the drawing that").is_visible()
    assert page.locator("dd >> text=1,204 prompt tokens").is_visible()
    whole = page.locator("code >> text=451f4fe16113bff5a5d2269ed5ad43b0592e9a14")
    assert not whole.is_visible()
    for summary in page.locator(".making-body summary").all():
        summary.click()
    assert whole.is_visible()
    assert page.locator("code >> text=vae/diffusion").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_lies_on_the_table_can_be_read(open_card: Open, scheme: str):
    page = open_card(color_scheme=scheme).page
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('summary')).color")
    assert contrast_of(ground, ink) >= 4.5


def contrast_of(first: str, second: str) -> float:
    from postcards_composer.card.colour.oklch import contrast

    one, two = (tuple(map(int, re.findall(r"\d+", colour)[:3])) for colour in (first, second))
    return contrast(one, two)  # pyright: ignore[reportArgumentType]
