"""The dataclasses and enums that mirror what travels: those of a species, and those that every engine reports with."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import postcards_species
from postcards_serving.engine import work


def _modules() -> list[ModuleType]:
    names = [entry.name for entry in pkgutil.walk_packages(postcards_species.__path__, "postcards_species.")]
    return [*(importlib.import_module(name) for name in names), work]


CLASSES: dict[str, type] = {
    name: value
    for module in _modules()
    for name, value in vars(module).items()
    if inspect.isclass(value) and value.__module__ == module.__name__
}
"""By name."""
