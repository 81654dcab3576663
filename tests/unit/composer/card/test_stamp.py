from importlib.resources import files

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from postcards_composer.card.stamp.design import STAMP, design_stamp, engrave, rosette
from postcards_composer.card.typography import typefaces
from postcards_species.species import derive_species
from postcards_species.speech.phonemes import INVENTORY
from postcards_species.streams import Stream

seeds = st.integers(0, 2**64 - 1)


@settings(max_examples=40)
@given(seeds)
def test_a_stamp_stays_within_its_paper(seed: int):
    design = design_stamp(seed)
    for line in (design.perforation, *design.guilloche):
        assert all(-0.01 <= x <= STAMP[0] + 0.01 and -0.01 <= y <= STAMP[1] + 0.01 for x, y in line)
    assert design == design_stamp(seed)


def test_stamps_differ():
    assert len({design_stamp(seed).guilloche for seed in range(30)}) >= 15
    assert len({(design_stamp(seed).value, design_stamp(seed).unit) for seed in range(30)}) > 15


@settings(max_examples=20)
@given(seeds)
def test_a_rosette_stays_within_its_circle(seed: int):
    points = [point for line in rosette(Stream(seed, "plate"), 100) for point in line]
    assert max(x * x + y * y for x, y in points) <= 100.01**2


def test_dark_is_engraved_with_more_ink_than_light():
    ramp = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1))
    ink = engrave(Image.fromarray(ramp).convert("RGB"), 200, 224, 5)
    by_column = ink.mean(axis=0)
    assert by_column[:40].mean() > 2 * by_column[100:140].mean() / 1.5 > by_column[-40:].mean()


def test_pictures_of_one_colour_can_be_engraved():
    for colour in ("black", "white", "teal"):
        assert engrave(Image.new("RGB", (64, 48), colour), 100, 112, 1).shape == (112, 100)


def test_the_typefaces_hold_every_letter_that_a_language_writes():
    letters = {letter for phoneme in INVENTORY.values() for letter in phoneme.spelling}
    for seed in range(40):
        letters |= {letter for entry in derive_species(seed).phonology.spellings for letter in entry.onset + entry.rest}
    letters = {letter.replace("'", "\u2019") for letter in letters}
    missing = typefaces.font(typefaces.Face.PHRASE, 40).getmask("\U0010ffff").getbbox()
    for face in (typefaces.Face.DISPLAY, typefaces.Face.PHRASE):
        for letter in letters | {letter.upper() for letter in letters if len(letter.upper()) == 1}:
            box = typefaces.font(face, 40).getmask(letter)
            assert box.getbbox() is not None, (face, letter)
            assert bytes(box) != bytes(typefaces.font(face, 40).getmask("\U0010ffff")), (face, letter)
    assert missing is not None


def test_the_typefaces_are_small_and_their_licences_are_there():
    folder = files("postcards_composer.card.typography").joinpath("fonts")
    faces = [file for file in folder.iterdir() if file.name.endswith((".ttf", ".woff2"))]
    assert len(faces) == 2 * len(typefaces.Face)
    assert sum(len(file.read_bytes()) for file in faces) < 600_000
    licences = list(folder.joinpath("licences").iterdir())
    assert all("SIL Open Font License" in licence.read_text(encoding="utf-8") for licence in licences)
    assert len(licences) == 5
