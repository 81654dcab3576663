"""What the settings of the engine openai take, and how they say no."""

import pytest

from postcards_language.settings import LanguageSettings
from postcards_serving.settings import SettingsError, read_settings

KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_FILE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> LanguageSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_settings(LanguageSettings)


def test_the_embedded_engine_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch).language_engine == "phonotactic"


def test_the_key_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    settings = read(monkeypatch, OPENAI_API_KEY_FILE=str(tmp_path / "key"))
    assert settings.openai_api_key.get_secret_value() == KEY
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://x/v1", "http://", "http://[::1/v1", "http://x:port/v1", "http://x:99999/v1"]
)
def test_a_base_url_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(SettingsError, match=r"OPENAI_BASE_URL.*http://127\.0\.0\.1:8080/v1"):
        read(monkeypatch, OPENAI_BASE_URL=url)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTCARDS_LANGUAGE_TEMPERATURE", "2.5"),
        ("POSTCARDS_LANGUAGE_TOP_P", "0"),
        ("POSTCARDS_LANGUAGE_REASONING_EFFORT", "enormous"),
        ("POSTCARDS_LANGUAGE_TIMEOUT_SECONDS", "0"),
        ("POSTCARDS_LANGUAGE_PROMPT_PRICE", "-1"),
        ("POSTCARDS_LANGUAGE_FALLBACK", "openai"),
    ],
)
def test_values_out_of_range_are_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read(monkeypatch, **{variable: value})
