"""What asking language models costs, as metrics: calls, tokens, dollars, and whether calls are held back."""

from prometheus_client import Counter, Gauge

from postcards_language.accounts import COMPLETION, KINDS, OUTCOMES, PROMPT, Usage

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


class Metered:
    """Accounts that are metrics, each of which appears as zero from the start."""

    def __init__(self, engine: str, model: str) -> None:
        """Counts for one model of one engine."""
        labels = (engine, model)
        self._tokens = {kind: TOKENS.labels(*labels, kind) for kind in KINDS}
        self._calls = {outcome: CALLS.labels(*labels, outcome) for outcome in OUTCOMES}
        self._cost = COST.labels(*labels)
        self._circuit = CIRCUIT_OPEN.labels(*labels)
        self._repaired = REPAIRED.labels(*labels)

    def called(self, outcome: str) -> None:
        """See `Accounts`."""
        self._calls[outcome].inc()

    def used(self, usage: Usage, cost_usd: float | None) -> None:
        """See `Accounts`."""
        self._tokens[PROMPT].inc(usage.prompt_tokens)
        self._tokens[COMPLETION].inc(usage.completion_tokens)
        self._cost.inc(cost_usd or 0.0)

    def circuit(self, opened: bool) -> None:
        """See `Accounts`."""
        self._circuit.set(int(opened))

    def repaired(self, phrases: int) -> None:
        """See `Accounts`."""
        self._repaired.inc(phrases)
