"""Our source as a graph: which module imports which, read from the text alone."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def source_files() -> Iterator[tuple[str, Path]]:
    """Every module of ours by its full name, a package by its own; generated code left out."""
    for folder in sorted([*ROOT.glob("libs/*/src"), *ROOT.glob("services/*/src")]):
        if folder.parent.name == "stubs":
            continue
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def modules() -> Mapping[str, Path]:
    """The files of all modules, by their full names."""
    return dict(source_files())


def imports_of(path: Path) -> Iterator[str]:
    """Full names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Call(func=ast.Name("import_module"), args=[ast.Constant(str(name)), *_]):
                yield name
            case _:
                pass


def module_named(name: str) -> str | None:
    """The module of ours that a full name lies in: itself, or the one that defines it."""
    known = modules()
    if name in known:
        return name
    holder = name.rpartition(".")[0]
    return holder if holder in known else None


@cache
def arrows() -> frozenset[tuple[str, str]]:
    """Who imports whom among our modules. What a package's face hands on is no arrow."""
    found = {
        (module, target)
        for module, path in modules().items()
        if path.name != "__init__.py"
        for name in imports_of(path)
        if (target := module_named(name)) is not None and target != module
    }
    return frozenset(found)


def rooms_of(folder: str) -> dict[str, set[str]]:
    """Within a folder: which of its modules and subfolders imports which other."""
    found: dict[str, set[str]] = {}
    for importer, imported in arrows():
        if importer.startswith(f"{folder}.") and imported.startswith(f"{folder}."):
            one, other = (name.removeprefix(f"{folder}.").split(".")[0] for name in (importer, imported))
            if one != other:
                found.setdefault(one, set()).add(other)
    return found


def folders() -> list[str]:
    """Every package of ours, by its full name."""
    return sorted(name for name, path in modules().items() if path.name == "__init__.py")


@cache
def classes() -> frozenset[tuple[str, str]]:
    """Every class of ours, nested ones too: its module and its name."""
    return frozenset(
        (module, node.name)
        for module, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        if isinstance(node, ast.ClassDef)
    )


def public_docstrings(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The public classes, functions and methods in `tree` that have a docstring, each with it."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or _is_private(node.name):
            continue
        if (docstring := ast.get_docstring(node)) is not None:
            yield node.name, docstring
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{name}", docstring) for name, docstring in public_docstrings(node))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")
