"""The stores that the contract is checked on: a real folder, and a real S3 server."""

from pathlib import Path

import pytest

from postcards_composer.store.folder import FolderStore
from postcards_composer.store.objects import ObjectStore
from postcards_composer.store.s3 import S3Store


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    made: ObjectStore
    if request.param == "folder":
        made = FolderStore(tmp_path / "störe with spaces")
    else:
        made = S3Store(request.getfixturevalue("s3_settings"))
    made.prepare()
    return made
