"""What the terminal shows."""

import io

import pytest
from PIL import Image
from postcards.composer.v1 import composer_pb2 as pb
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2, species_pb2
from rich.console import Console

from postcards_cli.display.board import PlainBoard
from postcards_cli.display.live import LiveBoard
from postcards_cli.display.live_jungle import LiveJungleBoard
from postcards_cli.display.picture import Picture
from postcards_cli.display.summary import card_location, plain_lines, print_summary
from postcards_cli.jungle.growing import Grown
from postcards_cli.jungle.roster import Roster
from postcards_client.events import Advanced, Changed, Previewed


def encoded(width=64, height=48, kind="PNG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), (200, 40, 10)).save(data, kind)
    return data.getvalue()


def terminal(**options) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        width=100,
        height=50,
        legacy_windows=False,
        **options,
    )


def postcard(state=pb.POSTCARD_STATE_ACTIVE, failed=False, folder=None) -> pb.Postcard:
    card = pb.Postcard(
        id="a" * 26,
        state=state,
        seed=7,
        location="s3://jungle/postcards/a",
        species=species_pb2.Species(
            name="Grraukh [bold]-tok",
            binomial="Okapoctopus guttur",
            field_note="It hums before rain.",
            parents=[species_pb2.Parent(animal="okapi", weight=0.6), species_pb2.Parent(animal="octopus", weight=0.4)],
            temperament=["wary"],
        ),
        phrase=phrase_pb2.Phrase(animal_text="Hrrok", english_gloss="Come."),
    )
    for kind in (1, 2, 3):
        card.parts.add(kind=kind, state=pb.PART_STATE_DONE, duration={"seconds": 1})
    if failed:
        card.parts[2].state = pb.PART_STATE_FAILED
        card.parts[2].error.message = "the larynx tore"
    if folder is not None:
        (folder / "preview.webp").write_bytes(encoded())
        card.files.add(name="preview.webp", url=(folder / "preview.webp").as_uri())
        card.files.add(name="card.html", url=(folder / "a card.html").as_uri())
    return card


def test_the_panel_tells_who_it_is_and_what_it_says(tmp_path):
    console = terminal()
    print_summary(postcard(folder=tmp_path), console)
    shown = console.file.getvalue()
    for text in (
        "Grraukh [bold]-tok",
        "Okapoctopus guttur",
        "60% okapi",
        "Hrrok",
        "Come.",
        "It hums before rain.",
        "\x1b[38;2;",
    ):
        assert text in shown


def test_the_panel_of_a_partial_postcard_says_how_to_mend_it():
    console = terminal()
    print_summary(postcard(pb.POSTCARD_STATE_PARTIAL, failed=True), console)
    shown = console.file.getvalue()
    assert "the larynx tore" in shown
    assert "postcards repair" in shown


def test_what_was_otherwise_than_asked_is_said():
    card = postcard()
    card.parts[0].provenance.notes.append("stable-diffusion failed: creature made this")
    console = terminal()
    print_summary(card, console)
    assert "creature made this" in " ".join(console.file.getvalue().split())
    assert plain_lines(card)[-1].endswith("stable-diffusion failed: creature made this")


@pytest.mark.parametrize("width", [20, 40, 79])
def test_the_panel_fits_small_terminals(tmp_path, width):
    console = Console(file=io.StringIO(), force_terminal=True, width=width)
    print_summary(postcard(folder=tmp_path), console)
    assert console.file.getvalue()


def test_no_terminal_no_escape_codes():
    console = Console(file=io.StringIO())
    print_summary(postcard(), console)
    assert "\x1b" not in console.file.getvalue()
    assert "Hrrok = Come." in console.file.getvalue()


def test_an_empty_postcard_can_be_shown():
    for console in (terminal(), Console(file=io.StringIO())):
        print_summary(pb.Postcard(), console)
        assert console.file.getvalue().strip()


def test_where_a_folder_has_a_short_path_to_the_card_that_is_named(tmp_path):
    (tmp_path / "one").mkdir()
    found = postcard(folder=tmp_path / "one")
    (tmp_path / "one" / "a card.html").write_text("card")
    (tmp_path / "a card.html").symlink_to("one/a card.html")
    found.location = str(tmp_path)
    assert card_location(found) == str(tmp_path / "a card.html")
    (tmp_path / "a card.html").unlink()
    assert card_location(found) == str(tmp_path / "one" / "a card.html")


def test_where_the_card_is(tmp_path):
    assert card_location(postcard(folder=tmp_path)) == str(tmp_path / "a card.html")
    assert card_location(postcard()) == "s3://jungle/postcards/a"
    remote = postcard()
    remote.files.add(name="card.html", url="https://store/a/card.html?sig=1")
    assert card_location(remote) == "https://store/a/card.html?sig=1"


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (1, 60), (300, 1)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_pictures_keep_their_shape(size, kind):
    picture = Picture(encoded(*size, kind), 32)
    assert picture.columns == 32
    assert abs(picture.lines - 16 * size[1] / size[0]) <= 1


@pytest.mark.parametrize(
    ("quarters", "blocks"),
    [("#...", "▘▟"), (".#..", "▝▙"), ("##..", "▀▄"), ("#.#.", "▌▐"), ("#..#", "▚▞"), ("###.", "▛▗"), ("....", " ")],
)
def test_a_cell_shows_its_four_pixels(quarters, blocks):
    image = Image.new("RGB", (2, 2))
    for at, quarter in enumerate(quarters):
        image.putpixel((at % 2, at // 2), (250, 240, 230) if quarter == "#" else (10, 20, 30))
    data = io.BytesIO()
    image.save(data, "PNG")
    console = terminal()
    console.print(Picture(data.getvalue(), 1))
    shown = console.file.getvalue()
    assert any(block in shown for block in blocks)
    assert "10;20;30" in shown
    assert ("250;240;230" in shown) == ("#" in quarters)


@pytest.mark.parametrize("data", [b"", b"no picture", encoded()[:40]])
def test_broken_pictures_are_refused(data):
    with pytest.raises(ValueError, match="cannot be read"):
        Picture(data, 32)


def test_plain_lines_come_once_for_each_stage():
    stream = io.StringIO()
    board = PlainBoard(stream)
    board.starting(("composer", "image"))
    board.serving("composer")
    board.serving("image")
    for step in range(50):
        board.event(Advanced(step, pb.PART_KIND_IMAGE, media_pb2.Progress(stage="skin", step=step, steps=50)))
    board.event(Changed(60, postcard(failed=True)))
    board.event(Changed(61, postcard(pb.POSTCARD_STATE_CREATING)))
    board.event(Changed(62, postcard()))
    assert stream.getvalue().splitlines() == [
        "starting services: composer, image",
        "composer service ready, waiting for image",
        "image service ready",
        "picture: skin",
        "picture: done",
        "phrase: done",
        "call: failed: the larynx tore",
        "call: done",
        "card: putting the card together",
    ]


def test_the_live_board_shows_a_bar_for_every_part():
    console = terminal()
    with LiveBoard(console) as board:
        board.starting(("composer",))
        board.serving("composer")
        board.accepted(postcard(pb.POSTCARD_STATE_CREATING))
        queued = media_pb2.Progress(stage="queued", queue_position=3, predicted_wait={"seconds": 4})
        board.event(Advanced(1, pb.PART_KIND_AUDIO, queued))
        board.event(Advanced(2, pb.PART_KIND_IMAGE, media_pb2.Progress(stage="[red]skin", steps=4, fraction=0.5)))
        board.event(Previewed(3, media_pb2.Preview(data=encoded(kind="WEBP"))))
        board.event(Previewed(4, media_pb2.Preview(data=b"broken")))
        board.event(Changed(5, postcard(failed=True)))
        board.stopping()
    shown = console.file.getvalue()
    assert "stopping the services" in shown


def test_the_live_board_of_a_jungle_counts():
    console = terminal()
    member = Roster(1).member(0)
    with LiveJungleBoard(console) as board:
        board.starting(("composer",))
        board.serving("composer")
        board.growing(2)
        board.event(member, Changed(1, postcard(pb.POSTCARD_STATE_CREATING)))
        board.event(member, Advanced(2, pb.PART_KIND_IMAGE, media_pb2.Progress(stage="skin", fraction=0.5)))
        board.grown(Grown(member, postcard()))
        board.grown(Grown(Roster(1).member(1), None, "the store is full"))
        board.stopping()
    shown = console.file.getvalue()
    assert "Grraukh [bold]-tok (active)" in shown
    assert "postcard 2 failed: the store is full" in shown
