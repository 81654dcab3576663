"""The reference page of phonemes shows the inventory as it is."""

from pathlib import Path

from postcards_species.speech.reference_page import phoneme_table

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "phonemes.md"


def test_the_page_is_current() -> None:
    message = "renew it: .venv/bin/python -m postcards_species.speech.reference_page > docs/reference/phonemes.md"
    assert PAGE.read_text(encoding="utf-8") == phoneme_table(), message
