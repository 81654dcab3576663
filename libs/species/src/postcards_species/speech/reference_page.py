"""The page of phonemes: `python -m postcards_species.speech.reference_page > docs/reference/phonemes.md`."""

import sys

from postcards_species.speech.phonemes import INVENTORY, Phoneme

_HEAD = """# Phonemes

Every sound that an animal can make. A species takes its own from these; `Syllable.phonemes`, `Phonology.onsets` and the
like name them by symbol. A language may spell a sound in its own way (`Phonology.spellings`).

This page is generated from `postcards_species.speech.phonemes`; a test checks that it is current.

- Place: where the tract is narrowest, 0 at the lips, 0.5 at the palate, 1 at the larynx.
- Openness: of vowels, 0 closed (i, u) to 1 open (a); of others, how much of the tract's resonance passes.
- Length: in seconds, at an ordinary pace.

| symbol | spelling | manner | place | voiced | openness | rounded | length |
|---|---|---|---|---|---|---|---|
"""


def phoneme_table() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(f"{_row(phoneme)}\n" for phoneme in INVENTORY.values())


def _row(phoneme: Phoneme) -> str:
    cells = (
        f"`{phoneme.symbol}`",
        phoneme.spelling,
        phoneme.manner.value,
        f"{phoneme.place:g}",
        "yes" if phoneme.voiced else "no",
        f"{phoneme.openness:g}",
        "yes" if phoneme.rounded else "no",
        f"{phoneme.seconds:.2f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(phoneme_table())
