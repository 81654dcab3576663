"""What is printed of parts that were made again, in a terminal and in a pipe."""

import io

import pytest
from postcards.composer.v1 import composer_pb2 as pb
from postcards.media.v1 import media_pb2
from postcards.species.v1 import species_pb2
from rich.console import Console

from postcards_cli.display.replay_report import distance_text, print_replay, print_verdicts
from postcards_cli.remake.comparison import Comparison, Difference, Distance, Verdict

POSTCARD = pb.Postcard(
    id="a" * 26,
    seed=7,
    species=species_pb2.Species(name="Grr[red]aukh", binomial="Okapoctopus guttur"),
    parts=[
        pb.Part(
            kind=pb.PART_KIND_IMAGE,
            provenance=media_pb2.Provenance(engine="ddpm", engine_version="1.0.0", model="animals"),
        ),
        pb.Part(kind=pb.PART_KIND_AUDIO, provenance=media_pb2.Provenance(engine="vocal-tract", engine_version="1")),
    ],
)
COMPARISONS = {
    "image": Comparison(
        Verdict.DIFFERENT,
        (Distance("raw.png", max_levels=23, mean_levels=3.37),),
        (Difference("model_revision", "sha256:" + "a" * 64, ""),),
    ),
    "audio": Comparison(Verdict.DAMAGED, reason="not the file that the manifest names", files=("call.flac",)),
}


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("width", [40, 100])
def test_each_part_has_its_verdict_its_distance_and_what_was_otherwise(terminal: bool, width: int):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False)
    print_verdicts(POSTCARD, COMPARISONS, ("card.html",), Verdict.DAMAGED, console)
    shown = console.file.getvalue()
    text = " ".join(shown.split())
    for words in ("Grr[red]aukh", "different", "ddpm 1.0.0", "23 of 255", "damaged", "card.html"):
        assert words in text, words
    assert "a" * 40 not in text, "a hash is not written out"
    assert ("\x1b[" in shown) == terminal


def test_a_manifest_cannot_command_the_terminal():
    evil = pb.Postcard(
        species=species_pb2.Species(name="\x1b]0;mine\x07", binomial="a\rb\nc\u202e"), parts=POSTCARD.parts
    )
    comparison = Comparison(Verdict.EQUAL, differences=(Difference("note", "\x1b[2J", ""),))
    console = Console(file=io.StringIO(), width=80)
    print_verdicts(evil, {"image": comparison}, (), Verdict.EQUAL, console)
    assert not set("\x1b\x07\r\u202e") & set(console.file.getvalue())


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (Distance("x", equal=True), "equal"),
        (Distance("x", max_levels=2, mean_levels=0.001), "at most 2 of 255 grey levels, 0.001 in the mean"),
        (Distance("x", max_levels=9, mean_levels=0.8, snr_db=31.4), "levels, 0.8 in the mean, 31 dB below the picture"),
        (Distance("x", max_difference=0.0004, snr_db=61.3), "at most 0.0004 of full scale apart, 61 dB below the call"),
        (Distance("x", max_difference=0.0, snr_db=None), "samples at most 0 of full scale apart"),
        (Distance("x", other_words=2, words=9), "2 of 9 words are others"),
        (Distance("x", other_words=0, words=9), "the same words, written otherwise"),
        (Distance("x", other_shape="2 x 2 pixels, then 4 x 4 pixels"), "2 x 2 pixels, then 4 x 4 pixels"),
    ],
)
def test_distances_have_words(distance: Distance, words: str):
    assert words in distance_text(distance)


def test_a_replay_says_whether_the_bytes_are_those_of_then():
    made = {
        "image": {
            "engine": "ddpm",
            "withheld": False,
            "error": None,
            "files": {"image.png": {"same": False}, "raw.png": {"same": True}},
            "differences": [
                {"what": "device", "then": "cuda:0", "now": "cpu"},
                {"what": "note", "then": "", "now": "long " * 30},
            ],
        },
        "audio": {"engine": None, "error": {"message": "no audio service answers"}, "files": {}, "differences": []},
    }
    console = Console(file=io.StringIO(), width=100)
    print_replay(POSTCARD, {"parts": made}, console)
    lines = console.file.getvalue().splitlines()
    assert lines[1:] == [
        "picture: other bytes",
        "  by ddpm",
        "  not the bytes of then: image.png",
        "  device: cuda:0, now cpu",
        f"  noted now: {'long ' * 30}",
        "call: not made again",
        "  no audio service answers",
    ]
