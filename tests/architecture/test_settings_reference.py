"""The reference page of settings names every variable with its default, as the services read them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from postcards_audio.settings import AudioSettings
from postcards_composer.settings import ComposerSettings
from postcards_image.settings import ImageSettings
from postcards_language.settings import LanguageSettings
from postcards_serving.settings import ServiceSettings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
SERVICES = [ImageSettings, AudioSettings, LanguageSettings, ComposerSettings]


def rows(kind: type[ServiceSettings], names: set[str]) -> list[str]:
    """The beginnings of a class's rows in the page: variable and default."""
    begun = []
    for name in names:
        entry = kind.model_fields[name]
        value = entry.default.get_secret_value() if isinstance(entry.default, SecretStr) else entry.default
        variable = entry.validation_alias or f"POSTCARDS_{name.upper()}"
        begun.append(f"| `{variable}` | {'' if value == '' else f'`{value}`'} |")
    return begun


@pytest.mark.parametrize("kind", SERVICES, ids=lambda kind: kind.__name__)
def test_the_page_has_every_variable_with_its_default(kind: type[ServiceSettings]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    own = set(kind.__annotations__)
    shared = set(ServiceSettings.__annotations__) - {"port", "metrics_port", "model_config"}
    missing = [row for row in rows(kind, own - {"model_config"}) if row not in page]
    missing += [row for row in rows(ServiceSettings, shared) if row not in page]
    assert not missing


def test_the_page_names_no_variable_that_is_gone() -> None:
    known = {
        str(entry.validation_alias or f"POSTCARDS_{name.upper()}")
        for kind in SERVICES
        for name, entry in kind.model_fields.items()
    }
    named = {line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")}
    assert named == known
