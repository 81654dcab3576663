"""What the builder of the images does to packages, on small trees of files."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import grpc._cython.cygrpc
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def strip_packages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("strip_packages", ROOT / "scripts/strip_packages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lay_out(site: Path, *files: str) -> None:
    for name in files:
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("answer = 42\n" if path.suffix == ".py" else "")


def strip(module: ModuleType, site: Path, *parts: str) -> set[str]:
    """Strips a folder; the files left, compiled ones aside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["strip_packages", str(site), *parts])
        module.main()
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_what_serves_stays_and_the_rest_goes(strip_packages, tmp_path) -> None:
    stays = {"quill/__init__.py", "quill/ink.py", "quill/data.json", "quill/testing/__init__.py", "feather.py"}
    goes = {"quill/tests/test_ink.py", "quill/deep/test/x.py", "quill/ink.pyi", "quill/include/q.h", "quill/libq.a"}
    lay_out(tmp_path, *stays, *goes, "scipy/stats/__init__.py", "scipy/sparse/__init__.py")
    left = strip(strip_packages, tmp_path, "scipy/stats")
    assert left == stays | {"scipy/sparse/__init__.py"}


def test_compilers_keep_the_headers_that_they_read(strip_packages, tmp_path) -> None:
    files = {"torch/include/a.h", "torch/__init__.py", "triton/backends/nvidia/driver.c"}
    lay_out(tmp_path, *files, "torch/test/x.py")
    assert strip(strip_packages, tmp_path) == files


@pytest.mark.parametrize(("torch", "kept"), [("torch/lib/libtorch.so", False), ("torch/lib/libc10_cuda.so", True)])
def test_extensions_for_cuda_stay_beside_a_torch_for_cuda_alone(strip_packages, tmp_path, torch, kept) -> None:
    lay_out(tmp_path, torch, "torchaudio/lib/libtorchaudio.so", "torchaudio/__init__.py")
    assert ("torchaudio/lib/libtorchaudio.so" in strip(strip_packages, tmp_path)) is kept


def test_compiled_files_depend_on_nothing_but_their_source(strip_packages, tmp_path) -> None:
    compiled = []
    for folder in (tmp_path / "one", tmp_path / "another"):
        lay_out(folder, "quill/ink.py")
        strip(strip_packages, folder)
        (file,) = folder.rglob("*.pyc")
        compiled.append(file.read_bytes())
    assert compiled[0] == compiled[1]
    assert b"/usr/local/lib/python3.11/site-packages/quill/ink.py" in compiled[0]


def test_a_library_that_the_image_lacks_stops_the_build(strip_packages, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(strip_packages, "ROOT", tmp_path / "empty")
    site = tmp_path / "site"
    module = Path(grpc._cython.cygrpc.__file__)
    (site / "grpc").mkdir(parents=True)
    (site / "grpc" / module.name).write_bytes(module.read_bytes())
    with pytest.raises(SystemExit, match=r"leaves out what packages are linked against: .*libc\.so\.6"):
        strip(strip_packages, site)
