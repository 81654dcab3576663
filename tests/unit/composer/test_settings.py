"""The composer's settings."""

from pathlib import Path

import pytest

from postcards_composer.settings import ComposerSettings
from postcards_composer.store.folder import FolderStore
from postcards_composer.store.opening import open_store
from postcards_composer.store.s3 import S3Store
from postcards_serving.settings import SettingsError, read_settings

SECRET = "do-not-tell"  # noqa: S105


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "POSTCARDS_STORE_URL": "s3://cards",
        "MINIO_ENDPOINT": "127.0.0.1:9000",
        "MINIO_ACCESS_KEY": "me",
        "MINIO_SECRET_KEY": SECRET,
        "MINIO_SECURE": "false",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_defaults_are_those_of_one_machine():
    settings = read_settings(ComposerSettings)

    assert (settings.port, settings.metrics_port, settings.bind_address) == (50050, 9460, "127.0.0.1")
    assert settings.image_address == "127.0.0.1:50051"
    assert settings.audio_address == "127.0.0.1:50052"
    assert settings.language_address == "127.0.0.1:50053"


@pytest.mark.parametrize("name", ["plain", "with spaces", "ünïcode", "100%"])
def test_a_folder_is_named_by_its_url(monkeypatch, tmp_path: Path, name: str):
    monkeypatch.setenv("POSTCARDS_STORE_URL", (tmp_path / name).as_uri())

    store = open_store(read_settings(ComposerSettings))

    assert isinstance(store, FolderStore)
    assert store.location("postcards/") == str(tmp_path / name / "postcards")


@pytest.mark.parametrize("url", ["", "/folder", "file://host/folder", "file:folder", "s3://", "s3://a/b", "http://x"])
def test_another_store_is_refused_by_name(monkeypatch, url: str):
    monkeypatch.setenv("POSTCARDS_STORE_URL", url or "nothing")

    with pytest.raises(SettingsError, match=r"POSTCARDS_STORE_URL: .*must be file:///folder or s3://bucket"):
        read_settings(ComposerSettings)


@pytest.mark.usefixtures("bucket")
def test_a_bucket_is_opened_with_the_usual_variables():
    settings = read_settings(ComposerSettings)

    assert isinstance(open_store(settings), S3Store)
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize("missing", ["MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"])
def test_what_a_bucket_lacks_is_named(bucket, missing: str):
    bucket.delenv(missing)

    with pytest.raises(SettingsError, match=missing):
        open_store(read_settings(ComposerSettings))


def test_a_secret_may_lie_in_a_file(bucket, tmp_path: Path):
    bucket.delenv("MINIO_SECRET_KEY")
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    bucket.setenv("MINIO_SECRET_KEY_FILE", str(tmp_path / "secret"))

    assert read_settings(ComposerSettings).minio_secret_key.get_secret_value() == SECRET
