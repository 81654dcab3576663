"""Takes out of installed packages what a server never reads, and compiles the rest: strip_packages.py FOLDER

Runs inside the builder of an image. What goes: tests, type stubs, headers, static libraries, and parts of large
packages that serve development. A part that is needed after all shows when the image is tested: its module is missing.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

FOLDERS = ("tests", "test", "testing/tests", "__pycache__", "include")
SUFFIXES = (".pyi", ".h", ".hpp", ".a", ".pxd", ".pyx", ".c", ".cpp", ".lib")
PARTS = (
    "bin",
    # Its tools, and a second copy of the runtime for programs in C: the Python module holds it already.
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "onnxruntime/quantization",
    "onnxruntime/datasets",
    "onnxruntime/capi/libonnxruntime.so*",
    "numpy/distutils",
    "cv2/data",
)


def unneeded(site: Path) -> list[Path]:
    """What can go, outermost first."""
    folders = [path for name in FOLDERS for path in site.glob(f"*/**/{name}") if path.is_dir()]
    files = [path for path in site.rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    return [*(path for pattern in PARTS for path in site.glob(pattern)), *folders, *files]


def main() -> None:
    """Strips and compiles the folder that the command line names."""
    site = Path(sys.argv[1])
    for path in unneeded(site):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    compiled = compileall.compile_dir(
        site,
        quiet=2,
        stripdir=str(site),
        prependdir=sys.argv[2],
        workers=0,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    print(f"{site}: {sum(path.stat().st_size for path in site.rglob('*') if path.is_file()) / 1e6:.0f} MB, {compiled=}")


if __name__ == "__main__":
    main()
