"""Assembles a root file system that holds a Python interpreter and nothing else: assemble_root.py FOLDER

Runs inside the builder of an image, on Debian. What the folder gets: the interpreter and its standard library, the
shared libraries that these and binary wheels are linked against, certificates, one unprivileged user, and for each
Debian package with a file here its entry in the package database (which scanners read) and its licence. What it does
not get: a shell, a package manager, a compiler.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

USER = 65532
WHEELS_EXPECT = (
    *("libstdc++.so.6", "libgcc_s.so.1", "libatomic.so.1", "libz.so.1", "libexpat.so.1"),
    *("libmvec.so.1", "libresolv.so.2", "librt.so.1", "libdl.so.2", "libpthread.so.0", "libutil.so.1", "libanl.so.1"),
)
"""Libraries of the system that binary wheels may be linked against, beside those of the interpreter."""
NEVER_SERVED = (
    "site-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
    "config-*",
    "pydoc_data",
    "__pycache__",
    "_tkinter*",
    "_test*",
    "*.a",
)
"""Parts of the standard library that a server has no use for."""
SETTLED = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/nsswitch.conf",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/os-release",
    "usr/lib/os-release",
    "etc/mime.types",
)


def linked(binary: Path) -> set[Path]:
    """Shared libraries that the loader finds for a binary, by their names as it asks for them."""
    told = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", told, re.MULTILINE)}


def known_libraries() -> dict[str, Path]:
    """Every library that the loader's cache knows, by name."""
    told = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return {name: Path(path) for name, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", told, re.MULTILINE)}


def place(source: Path, root: Path) -> Path:
    """Copies a file to the same place below root, where its folder really is; what it is called there.

    A library is asked for by one name and is often a link to another: the content is kept under the name asked for.
    """
    settled = Path(os.path.realpath(source.parent)) / source.name
    target = root / settled.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy2(os.path.realpath(source), target)
    return settled


def interpreter(root: Path) -> set[Path]:
    """Copies the interpreter, its standard library and what they are linked against; the libraries."""
    library = Path(sysconfig.get_path("stdlib"))
    executable = Path(os.path.realpath(sys.executable))
    place(executable, root)
    for name in ("python3", "python"):
        (root / executable.relative_to("/")).with_name(name).symlink_to(executable.name)
    target = root / library.relative_to("/")
    shutil.copytree(library, target, ignore=shutil.ignore_patterns(*NEVER_SERVED))
    (target / "site-packages").mkdir()
    if not compileall.compile_dir(
        target, quiet=1, stripdir=str(root), invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        sys.exit("assemble_root: the standard library does not compile")
    found = linked(executable).union(*map(linked, (target / "lib-dynload").glob("*.so")))
    known = known_libraries()
    return found | {known[name] for name in WHEELS_EXPECT if name in known}


def account(places: set[Path], root: Path) -> None:
    """Keeps the database entries and the licences of the Debian packages that the libraries come from."""
    for name in sorted({owner for path in places if (owner := owner_of(path))}):
        entry = subprocess.run(["dpkg-query", "--status", name], capture_output=True, text=True, check=True).stdout
        package = name.split(":")[0]
        status = root / "var/lib/dpkg/status.d" / package
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(entry)
        licence = Path("/usr/share/doc", package, "copyright")
        if licence.exists():
            place(licence, root)


def owner_of(path: Path) -> str | None:
    """The Debian package that a file belongs to; packages from before the merged /usr name it without the /usr."""
    for candidate in (path, Path("/", *path.parts[2:])):
        told = subprocess.run(["dpkg-query", "--search", candidate], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return told.stdout.split(": ")[0].split(",")[0].strip()
    return None


def main() -> None:
    """Assembles the folder that the command line names."""
    root = Path(sys.argv[1])
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "etc", "tmp", "proc", "sys", "dev", "run"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "tmp").chmod(0o1777)
    Path("/empty").mkdir()
    places = {place(library, root) for library in interpreter(root)}
    account(places, root)
    for name in SETTLED:
        source = Path("/", name)
        if source.is_dir():
            shutil.copytree(source, root / name)
        elif source.exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
    (root / "etc/passwd").write_text(f"root:x:0:0:root:/:/nonexistent\npostcards:x:{USER}:{USER}::/tmp:/nonexistent\n")
    (root / "etc/group").write_text(f"root:x:0:\npostcards:x:{USER}:\n")
    subprocess.run(["/sbin/ldconfig", "-r", root], check=True)


if __name__ == "__main__":
    main()
