"""Keeps the volumes of the Compose files: makes them ready, renews the store's keys, saves and restores postcards.

Runs in a container of its own that has no network: `docker compose run --rm -T keeper COMMAND`.
"""

import argparse
import os
import secrets
import sys
import tarfile
from pathlib import Path

OWNER = 65532
"""User and group that every service runs as."""
KEYS = Path("/volumes/store-keys")
DATA = Path("/volumes/store-data")
MODELS = Path("/volumes/models")


def prepare() -> None:
    """Gives the folders to the services, and makes keys for the store where there are none."""
    for folder in (DATA, MODELS):
        if folder.is_dir():
            os.chown(folder, OWNER, OWNER)
    made = [name for name in ("access-key", "secret-key") if not (KEYS / name).exists()]
    for name in made:
        _write_key(name)
    print(f"the store's keys: {'made anew' if made else 'as they were'}")


def renew_keys() -> None:
    """Replaces the store's keys; store and composer read them when they start."""
    for name in ("access-key", "secret-key"):
        _write_key(name)
    print("the store's keys are new: docker compose up -d --force-recreate store composer")


def save() -> None:
    """Writes what the store keeps to standard output, as a tar archive. The store should be stopped."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.add(DATA, arcname=".")


def restore() -> None:
    """Reads such an archive from standard input into an empty store. The store must be stopped."""
    if any(DATA.iterdir()):
        sys.exit("keeper: the store is not empty; docker compose down, then remove its volume store-data first")
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        archive.extractall(DATA, filter="data")
    for folder, folders, files in os.walk(DATA):
        for name in (".", *folders, *files):
            os.chown(Path(folder, name), OWNER, OWNER)


def _write_key(name: str) -> None:
    # A key must never be seen half written, nor by others on the way.
    fresh = KEYS / f".{name}"
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    os.write(handle, secrets.token_urlsafe(15 if name == "access-key" else 30).encode())
    os.fchown(handle, OWNER, OWNER)
    os.close(handle)
    fresh.replace(KEYS / name)


COMMANDS = {"prepare": prepare, "renew-keys": renew_keys, "save": save, "restore": restore}


def main() -> None:
    """Runs the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="keeper", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    COMMANDS[parser.parse_args().command]()


if __name__ == "__main__":
    main()
