"""What only a folder can do wrong."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from postcards_composer.store import StoreUnavailable
from postcards_composer.store.folder import FolderStore

TEXT = "text/plain"


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path / "store")
    store.prepare()
    return store


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments], check=False, capture_output=True, text=True
    )


def test_a_folder_that_is_gone_is_unavailable(folder: FolderStore, tmp_path: Path):
    (tmp_path / "store").rename(tmp_path / "elsewhere")

    for call in (lambda: folder.get("a"), lambda: folder.list(""), lambda: folder.put("a", b"", TEXT)):
        with pytest.raises(StoreUnavailable, match="is gone"):
            call()
    assert not (tmp_path / "store").exists()


def test_a_file_in_place_of_the_folder_is_unavailable(tmp_path: Path):
    (tmp_path / "store").write_text("not a folder")

    with pytest.raises(StoreUnavailable, match="cannot use"):
        FolderStore(tmp_path / "store").prepare()


def test_a_deleted_object_leaves_no_folder(folder: FolderStore, tmp_path: Path):
    folder.put("postcards/a/image.png", b"1", "image/png")
    folder.delete("postcards/a/image.png")

    assert [path.name for path in (tmp_path / "store").iterdir()] == [".scratch"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path):
    """The system's own limit on the size of a file stands for the end of the disk."""
    script = """
        import resource, signal, sys
        from pathlib import Path
        from postcards_composer.store import StoreFull
        from postcards_composer.store.folder import FolderStore
        store = FolderStore(Path(sys.argv[1]))
        store.prepare()
        store.put("small", b"1", "x/y")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            store.put("small", bytes(10_000), "x/y")
        except StoreFull as problem:
            print(problem)
        assert store.get("small").data == b"1"
    """

    done = run(script, str(tmp_path / "store"))

    assert done.returncode == 0, done.stderr
    assert "no room left for" in done.stdout
    assert not list((tmp_path / "store" / ".scratch").glob("*.part"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_unavailable(folder: FolderStore, tmp_path: Path):
    folder.put("a/b", b"1", TEXT)
    (tmp_path / "store" / "a").chmod(0o500)

    with pytest.raises(StoreUnavailable, match="Permission denied"):
        folder.put("a/c", b"1", TEXT)
    (tmp_path / "store" / "a").chmod(0o700)


def test_processes_race_for_one_object_and_one_wins(folder: FolderStore, tmp_path: Path):
    script = """
        import sys
        from pathlib import Path
        from postcards_composer.store import PreconditionFailed
        from postcards_composer.store.folder import FolderStore
        store = FolderStore(Path(sys.argv[1]))
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            store.put("race", f"process {sys.argv[2]}".encode(), "x/y", if_absent=True)
        except PreconditionFailed:
            print("lost")
        else:
            print("won")
    """
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "store"), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"

    results = [racer.communicate("go\n")[0].strip() for racer in racers]

    assert sorted(results) == ["lost"] * 5 + ["won"]
    assert folder.get("race").data == f"process {results.index('won')}".encode()


def test_a_killed_writer_leaves_the_old_object_and_no_lock(folder: FolderStore, tmp_path: Path):
    """Killed at random moments of writing large objects: what is there is always one of the whole versions."""
    script = """
        import sys
        from pathlib import Path
        from postcards_composer.store.folder import FolderStore
        store = FolderStore(Path(sys.argv[1]))
        number = 0
        while True:
            store.put("a", bytes([number % 256]) * 3_000_000, "x/y")
            if number == 0:
                print("begun", flush=True)
            number += 1
    """
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "store")], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()

        data = folder.get("a").data
        assert len(data) == 3_000_000
        assert len(set(data)) == 1
        folder.put("a", b"mine", TEXT, if_match=folder.stat("a").etag)


def test_old_litter_is_swept_and_new_is_left(folder: FolderStore, tmp_path: Path):
    scratch = tmp_path / "store" / ".scratch"
    (scratch / "old.part").write_bytes(b"half")
    (scratch / "new.part").write_bytes(b"half")
    os.utime(scratch / "old.part", (0, 0))

    folder.prepare()

    assert [path.name for path in scratch.glob("*.part")] == ["new.part"]
    assert folder.list("") == []


def test_people_find_an_object_under_another_name(folder: FolderStore, tmp_path: Path):
    folder.put("a/one/card.html", b"first", TEXT)
    folder.show({"a/card.html": "a/one/card.html"})
    folder.put("a/two/card.html", b"second", TEXT)
    folder.show({"a/card.html": "a/two/card.html"})
    (tmp_path / "store").rename(tmp_path / "moved")

    assert (tmp_path / "moved" / "a" / "card.html").read_bytes() == b"second"


def test_a_name_that_cannot_be_given_is_no_fault(folder: FolderStore):
    folder.put("a/b", b"", TEXT)

    folder.show({"a/b/card.html": "a/b"})

    assert folder.list("a/") == ["a/b"]
    assert not list((folder._root / ".scratch").glob("*.part"))
