"""What asking language models costs, as metrics: calls, tokens, dollars, and whether calls are held back."""

from prometheus_client import Counter, Gauge
from typing_extensions import override

from postcards_language.usage import COMPLETION, KINDS, OUTCOMES, PROMPT, Usage, UsageObserver

_LABELS = ("engine", "model")

TOKENS = Counter("postcards_language_tokens", "Tokens that a language model read and wrote.", (*_LABELS, "kind"))
COST = Counter("postcards_language_cost_usd", "What a language model cost, at the prices of the settings.", _LABELS)
CALLS = Counter("postcards_language_api_calls", "Calls of a language model's API, by outcome.", (*_LABELS, "outcome"))
CIRCUIT_OPEN = Gauge(
    "postcards_language_circuit_open", "1 while calls are held back because the API keeps failing.", _LABELS
)
REPAIRED = Counter(
    "postcards_language_repaired_phrases",
    "Phrases that came, wholly or in part, from the lexicon of their species and not from the model.",
    _LABELS,
)


class UsageMetrics(UsageObserver):
    """Counts as metrics, each of which appears as zero from the start."""

    def __init__(self, engine: str, model: str) -> None:
        """Counts for one model of one engine."""
        labels = (engine, model)
        self._tokens = {kind: TOKENS.labels(*labels, kind) for kind in KINDS}
        self._calls = {outcome: CALLS.labels(*labels, outcome) for outcome in OUTCOMES}
        self._cost = COST.labels(*labels)
        self._circuit = CIRCUIT_OPEN.labels(*labels)
        self._repaired = REPAIRED.labels(*labels)

    @override
    def called(self, outcome: str) -> None:
        self._calls[outcome].inc()

    @override
    def used(self, usage: Usage, cost_usd: float | None) -> None:
        self._tokens[PROMPT].inc(usage.prompt_tokens)
        self._tokens[COMPLETION].inc(usage.completion_tokens)
        self._cost.inc(cost_usd or 0.0)

    @override
    def circuit(self, opened: bool) -> None:
        self._circuit.set(int(opened))

    @override
    def repaired(self, phrases: int) -> None:
        self._repaired.inc(phrases)
