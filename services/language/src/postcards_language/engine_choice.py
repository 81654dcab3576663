"""From the settings to the engine that they name."""

from postcards_language.engine import REQUESTS_TO_AN_API, LanguageEngine, PhrasesRequest, PhrasesResult
from postcards_language.metrics import UsageMetrics
from postcards_language.settings import LanguageSettings
from postcards_serving.engine.served import ServedEngines, alone
from postcards_serving.errors import ModelUnusable
from postcards_serving.fallback.load import load_with_fallback
from postcards_serving.settings import SettingsError


def load_engines(settings: LanguageSettings) -> ServedEngines[PhrasesRequest, PhrasesResult]:
    """The engine that the settings name, with the one behind it that they name. Imports libraries only now.

    Raises:
        SettingsError: it needs a key that is not there, and no other engine stands behind it.
        ModelUnusable: the engine cannot be used, and none stands behind it.
    """
    match settings.language_engine:
        case "phonotactic":
            return alone(_phonotactic())
        case "openai":
            return load_with_fallback(
                lambda: _openai(settings),
                _phonotactic if settings.language_fallback else None,
                name="openai",
                fallback=settings.language_fallback,
                retry_seconds=settings.load_retry_seconds,
                expected_at_once=REQUESTS_TO_AN_API,
            )


def _phonotactic() -> LanguageEngine:
    from postcards_language.engines.phonotactic import PhonotacticEngine

    return PhonotacticEngine()


def _openai(settings: LanguageSettings) -> LanguageEngine:
    from postcards_language.engines.openai import Endpoint, OpenAiEngine

    key = settings.openai_api_key.get_secret_value()
    if not key and not settings.openai_base_url:
        missing = "POSTCARDS_LANGUAGE_ENGINE=openai needs OPENAI_API_KEY (or OPENAI_API_KEY_FILE), or OPENAI_BASE_URL"
        missing += " of a server that wants no key"
        raise ModelUnusable(missing) if settings.language_fallback else SettingsError(missing)
    endpoint = Endpoint(
        model=settings.language_model,
        base_url=settings.openai_base_url,
        api_key=key,
        temperature=settings.language_temperature,
        top_p=settings.language_top_p,
        reasoning_effort=settings.language_reasoning_effort,
        timeout_seconds=settings.language_timeout_seconds,
        silence_seconds=settings.language_silence_seconds,
        prompt_price=settings.language_prompt_price,
        completion_price=settings.language_completion_price,
    )
    engine = OpenAiEngine(endpoint, UsageMetrics("openai", endpoint.model))
    try:
        engine.look()
    except ModelUnusable:
        engine.close()
        raise
    return engine
