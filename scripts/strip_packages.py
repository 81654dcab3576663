"""Makes installed packages fit for an image: strip_packages.py FOLDER [PART ...]

Runs inside the builder of an image. Takes out what a server never reads (tests, type stubs, headers, static libraries,
parts of large packages that serve development, and the PARTs named: globs below the folder), compiles the rest, and
makes sure that every library of the system that a binary module is linked against is in the image. A part that is
needed after all shows when the image is tested: its module is missing.
"""

import compileall
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path("/assembled")
"""Root file system of the image, without the packages."""
SITE = "/usr/local/lib/python3.11/site-packages"
"""Where the image has the packages."""
FOLDERS = ("tests", "test", "__pycache__", "include")
SUFFIXES = (".pyi", ".h", ".hpp", ".a", ".pxd", ".pyx", ".c", ".cpp", ".lib")
PARTS = (
    # A format that nothing here reads or writes, and its codecs.
    "PIL/_avif*.so",
    "pillow.libs/libavif*",
    "cv2/data",
    "distutils-precedence.pth",
    "numpy/_core/_*_tests*.so",
    "numpy/_core/_simd*.so",
    "numpy/distutils",
    # Tools, and a second copy of the runtime for programs in C: the Python module holds it already.
    "onnxruntime/capi/libonnxruntime.so*",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)


def unneeded(site: Path, parts: Sequence[str]) -> Iterator[Path]:
    """What can go. Headers stay beside compilers, which read them while the server runs."""
    yield from (path for pattern in (*PARTS, *parts) for path in site.glob(pattern))
    for package in sorted(site.iterdir()):
        compiles = package.name in ("torch", "triton")
        folders = [name for name in FOLDERS if not (compiles and name == "include")]
        yield from (path for name in folders for path in package.rglob(name) if path.is_dir())
        if package.is_dir() and not compiles:
            yield from (path for path in package.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    yield from extensions_for_cuda(site)


def extensions_for_cuda(site: Path) -> Iterator[Path]:
    """torchaudio's extensions, which fail beside a torch without CUDA; torchaudio runs without them."""
    if not list(site.glob("torch/lib/libc10_cuda*")):
        yield from site.glob("torchaudio/lib/*.so")


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def libraries_left_out(site: Path) -> set[str]:
    """Libraries of the builder's system that a binary module is linked against and the image lacks."""
    modules = [path for path in site.rglob("*.so*") if path.is_file()]
    if not modules:
        return set()
    told = subprocess.run(["ldd", *modules], capture_output=True, text=True, check=False).stdout
    found = {path for path in re.findall(r"=> (/\S+) \(0x", told) if not path.startswith(f"{site}/")}
    return {path for path in found if not (ROOT / path.lstrip("/")).exists()}


def main() -> None:
    """Strips, compiles and checks the folder that the command line names."""
    site = Path(sys.argv[1])
    for path in list(unneeded(site, sys.argv[2:])):
        remove(path)
    if missing := libraries_left_out(site):
        sys.exit(f"strip_packages: assemble_root.py leaves out what packages are linked against: {sorted(missing)}")
    # A file of a package that is meant for another version of Python is no reason to stop.
    compileall.compile_dir(
        site, quiet=2, stripdir=str(site), prependdir=SITE, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


if __name__ == "__main__":
    main()
