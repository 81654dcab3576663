import importlib
import subprocess
import sys

import pytest

import postcards_species


@pytest.mark.parametrize("name", postcards_species.__all__)
def test_every_public_name_is_there(name):
    value = getattr(postcards_species, name)
    home = getattr(value, "__module__", "postcards_species.species")
    assert getattr(importlib.import_module(home), name) is value
    assert name in dir(postcards_species)


def test_another_name_is_none_of_the_package():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = postcards_species.no_such_name


def test_reading_a_phrase_does_not_load_the_tables_of_animals():
    program = "import sys; from postcards_species import Phrase; print('postcards_species.species' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
