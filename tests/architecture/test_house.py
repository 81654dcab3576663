"""The house as a whole: no circles, no import that runs back up, no folder that cannot be taken in at a glance."""

import ast
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter

import pytest

from source_tree import arrows, classes, folders, modules, public_docstrings, rooms_of

MOST_MODULES = 16
"""What a folder may hold, its face not counted; more hides a group that wants a folder of its own."""
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "managers", "util", "helper", "misc", "base", "core"}
HOUSE_WORDS = {"desk", "workshop", "ledger", "doorway", "telling", "hearing", "looks", "room", "tongue", "bells"}
FEWEST_WORDS = 4
"""A docstring of fewer says no more than the name does."""


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The names of a circle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_a_house():
    assert len(modules()) > 400
    assert len(arrows()) > 800


def test_no_two_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for importer, imported in arrows():
        graph.setdefault(importer, set()).add(imported)
    assert not circle_in(graph)


@pytest.mark.parametrize("folder", folders())
def test_no_import_runs_back_up(folder):
    """What stands in a folder, modules and subfolders alike, has an order in which each needs only what is below."""
    assert not circle_in(rooms_of(folder))


def test_a_circle_would_be_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "c", "b", "a"]


def test_every_folder_can_be_taken_in_at_a_glance():
    count = Counter(name.rpartition(".")[0] for name, path in modules().items() if path.name != "__init__.py")
    assert not {folder: number for folder, number in count.items() if number > MOST_MODULES}


def test_no_module_shares_a_prefix_that_wants_to_be_a_folder():
    """`batch_rows`, `batch_room`, `batch_steps` beside each other are a folder `batch`."""
    count = Counter(
        (folder, leaf.split("_")[0])
        for folder, _, leaf in (name.rpartition(".") for name, path in modules().items() if path.name != "__init__.py")
        if "_" in leaf and not leaf.startswith("_")
    )
    assert not {key: number for key, number in count.items() if number > 2}


def test_names_say_what_is_in_them():
    words = {part for name in modules() for part in name.split(".")}
    assert not words & (FORBIDDEN_NAMES | HOUSE_WORDS)


def words_of(name: str) -> set[str]:
    """The words of a name in CamelCase, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def noise_in(source: str) -> list[str]:
    """The public names in a module whose docstring says nothing: it is too short, or sends on to another."""
    return [
        name
        for name, docstring in public_docstrings(ast.parse(source))
        if len(docstring.split()) < FEWEST_WORDS or docstring.startswith("See `")
    ]


def test_names_of_classes_are_terms_of_the_field():
    assert len(classes()) > 300
    assert not [(module, name) for module, name in classes() if words_of(name) & HOUSE_WORDS]


@pytest.mark.parametrize("name", ["Room", "_RunningDesk", "HTTPLedger", "DoorwayOfGRPC"])
def test_a_house_word_would_be_found(name: str):
    assert words_of(name) & HOUSE_WORDS


def test_docstrings_say_more_than_the_name_does():
    """What overrides a method is marked with `override` and needs none."""
    noisy = {
        module: names for module, path in modules().items() if (names := noise_in(path.read_text(encoding="utf-8")))
    }
    assert not noisy


def test_a_docstring_that_says_nothing_would_be_found():
    source = '''
class Loud:
    """A class that says what it is for."""
    def __init__(self):
        """Starts nothing yet."""
    def close(self):
        """See `Quiet.close`, which does the same."""
    def _own(self):
        """Private."""
async def wait():
    """Waits for it."""
'''
    assert noise_in(source) == ["Loud.__init__", "Loud.close", "wait"]


def test_every_package_says_what_it_is_for():
    silent = [name for name in folders() if not modules()[name].read_text(encoding="utf-8").lstrip().startswith('"""')]
    assert not silent
