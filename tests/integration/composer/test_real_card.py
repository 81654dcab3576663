"""The one making here whose card is rendered for real."""

import html
from pathlib import Path

import pytest
from postcards.composer.v1 import composer_pb2


@pytest.fixture
def quick_card() -> None:
    """None: this card is real."""


@pytest.mark.parametrize("missing", ["nothing", "picture", "phrase", "call"])
async def test_the_card_is_rendered_from_what_is_there(replica, parts, folder: Path, missing: str):
    if missing == "picture":
        parts.png = b"none"
    elif missing == "phrase":
        parts.language_text = "g" * 513
    elif missing == "call":
        parts.mp3 = b"none"

    postcard = await replica.made(seed=7, theme="stormy night")

    whole = missing == "nothing"
    assert postcard.state == (composer_pb2.POSTCARD_STATE_ACTIVE if whole else composer_pb2.POSTCARD_STATE_PARTIAL)
    assert not postcard.HasField("card_error")
    page = (folder / "postcards" / postcard.id / "card.html").read_text()
    assert postcard.species.binomial in html.unescape(page)
    assert (folder / "postcards" / postcard.id / "card.png").read_bytes().startswith(b"\x89PNG")
