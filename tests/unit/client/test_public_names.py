"""The names of the package: the same for checkers and editors, for `dir`, and for who imports them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import postcards_client


def test_a_checker_sees_every_public_name():
    tree = ast.parse(Path(postcards_client.__file__).read_text(encoding="utf-8"))
    seen = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen - {"TYPE_CHECKING", "import_module"} == set(postcards_client.__all__)


@pytest.mark.parametrize("name", postcards_client.__all__)
def test_a_public_name_can_be_imported_and_is_completed(name):
    assert getattr(postcards_client, name) is not None
    assert name in dir(postcards_client)


def test_a_name_that_does_not_exist():
    with pytest.raises(AttributeError, match="Postcrad"):
        _ = postcards_client.Postcrad


def test_the_package_alone_brings_no_grpc():
    code = "import postcards_client, sys; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
