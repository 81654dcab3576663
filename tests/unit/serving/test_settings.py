"""Settings from the environment."""

from typing import Literal

import pytest
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator

from postcards_serving.settings import ServiceSettings, SettingsError, read_settings


class Settings(ServiceSettings):
    port: int = Field(default=50051, ge=0, le=65535)
    engine: Literal["creature", "ddpm"] = "creature"
    api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("POSTCARDS_API_KEY", "OPENAI_API_KEY")
    )


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in ("POSTCARDS_PORT", "POSTCARDS_METRICS_PORT", "POSTCARDS_ENGINE", "OPENAI_API_KEY", "POSTCARDS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_bind_loopback():
    settings = read_settings(Settings)
    assert (settings.bind_address, settings.port, settings.metrics_address) == ("127.0.0.1", 50051, "127.0.0.1")


def test_the_environment_overrides_per_process(monkeypatch):
    monkeypatch.setenv("POSTCARDS_PORT", "0")
    monkeypatch.setenv("POSTCARDS_METRICS_PORT", "19464")
    settings = read_settings(Settings)
    assert (settings.port, settings.metrics_port) == (0, 19464)


def test_an_empty_variable_is_no_setting(monkeypatch):
    monkeypatch.setenv("POSTCARDS_PORT", "")
    assert read_settings(Settings).port == 50051


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("POSTCARDS_PORT", "65536", "POSTCARDS_PORT: .*less than or equal to 65535"),
        ("POSTCARDS_PORT", "http", "POSTCARDS_PORT: .*valid integer"),
        ("POSTCARDS_ENGINE", "dragon", "POSTCARDS_ENGINE: .*'creature' or 'ddpm'"),
        ("POSTCARDS_MAX_IN_FLIGHT", "0", "POSTCARDS_MAX_IN_FLIGHT: .*greater than or equal to 1"),
        ("POSTCARDS_GRACE_SECONDS", "nan", "POSTCARDS_GRACE_SECONDS: "),
        ("POSTCARDS_LOG_LEVEL", "loud", "POSTCARDS_LOG_LEVEL: "),
    ],
)
def test_a_bad_variable_is_named_in_one_line(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(Settings)
    assert "\n" not in str(caught.value)


def test_a_secret_may_stand_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("swordfish\n")
    monkeypatch.setenv("POSTCARDS_API_KEY_FILE", str(tmp_path / "key"))
    settings = read_settings(Settings)
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "swordfish"
    assert "swordfish" not in repr(settings)


def test_the_usual_names_of_the_field_work_as_files_too(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("swordfish")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    key = read_settings(Settings).api_key
    assert key is not None
    assert key.get_secret_value() == "swordfish"


def test_the_variable_goes_before_its_file(monkeypatch, tmp_path):
    (tmp_path / "port").write_text("1")
    monkeypatch.setenv("POSTCARDS_PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("POSTCARDS_PORT", "2")
    assert read_settings(Settings).port == 2


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("POSTCARDS_API_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match=r"POSTCARDS_API_KEY_FILE: cannot read .*missing: No such file"):
        read_settings(Settings)


def test_files_of_others_are_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("SOMETHING_ELSE_FILE", str(tmp_path / "missing"))
    assert read_settings(Settings).port == 50051


def test_a_secret_is_never_in_the_complaint(monkeypatch):
    monkeypatch.setenv("POSTCARDS_PORT", "sk-verysecretverysecret")
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings)
    assert "verysecret" not in str(caught.value)


def test_every_field_is_documented():
    import ast
    import inspect

    from postcards_serving import settings as module

    tree = ast.parse(inspect.getsource(module.ServiceSettings))
    body = tree.body[0].body
    for index, statement in enumerate(body):
        if isinstance(statement, ast.AnnAssign):
            following = body[index + 1]
            assert isinstance(following, ast.Expr), ast.unparse(statement)
            assert isinstance(following.value, ast.Constant)


def test_what_a_validator_says_is_told_as_it_is(monkeypatch):
    class Checked(ServiceSettings):
        engine: str = "creature"
        fallback: str = ""

        @field_validator("engine")
        @classmethod
        def _known(cls, engine: str) -> str:
            if engine == "unicorn":
                raise ValueError("there are none")
            return engine

        @model_validator(mode="after")
        def _two(self) -> "Checked":
            if self.engine == self.fallback:
                raise ValueError("the fallback must be another engine")
            return self

    monkeypatch.setenv("POSTCARDS_FALLBACK", "creature")
    with pytest.raises(SettingsError) as fault:
        read_settings(Checked)
    assert str(fault.value) == "the fallback must be another engine"
    monkeypatch.setenv("POSTCARDS_ENGINE", "unicorn")
    with pytest.raises(SettingsError) as fault:
        read_settings(Checked)
    assert str(fault.value) == "POSTCARDS_ENGINE: there are none"


def test_who_names_no_number_of_places_gets_what_suits_the_engine(monkeypatch):
    assert read_settings(ServiceSettings).places(4) == 4
    monkeypatch.setenv("POSTCARDS_MAX_IN_FLIGHT", "1")
    assert read_settings(ServiceSettings).places(4) == 1
