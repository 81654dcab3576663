"""One animal is told in five files: each must know every animal, and none that there is not."""

import pytest

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.body.traits.table import BODY_TRAITS
from postcards_species.field_note.parents import GIFTS
from postcards_species.speech.anatomy import SOUNDS
from postcards_species.voice.traits.table import VOICE_TRAITS

TOLD_IN = {
    "body/traits/{mammals,vertebrates,invertebrates}.py": BODY_TRAITS,
    "voice/traits/{mammals,vertebrates,invertebrates}.py": VOICE_TRAITS,
    "speech/anatomy.py": SOUNDS,
    "field_note/parents.py": GIFTS,
}


@pytest.mark.parametrize("file", TOLD_IN)
def test_every_animal_of_ancestry_is_told_in(file):
    assert set(TOLD_IN[file]) == set(ANIMALS)
