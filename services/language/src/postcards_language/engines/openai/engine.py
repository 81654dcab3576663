"""The engine `openai`: a language model proposes phrases, and the species says them."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version as package_version

from postcards_language.engine import REQUESTS_TO_AN_API, PhrasesRequest, PhrasesResult
from postcards_language.engines.openai.api.capabilities import FORM, ROLE, Capabilities
from postcards_language.engines.openai.api.circuit_breaker import CircuitBreaker
from postcards_language.engines.openai.api.client import Api
from postcards_language.engines.openai.api.endpoint import Endpoint, without_path
from postcards_language.engines.openai.api.failures import ApiFailure
from postcards_language.engines.openai.api.retries import Deadline, RetryingClient
from postcards_language.engines.openai.conversation import Outcome, Setting, WantedPhrase, converse
from postcards_language.engines.openai.phrases.phrasing import Phraser, with_cry
from postcards_language.engines.openai.phrases.prompts import GUTTURAL, instructions, question
from postcards_language.engines.openai.phrases.reply import animal_text_so_far
from postcards_language.engines.phonotactic import PhonotacticEngine, choose_intent_and_mood
from postcards_language.realisation.lexicon import Lexicon, lexicon_of
from postcards_language.realisation.phonology_check import check_phonology
from postcards_language.usage import NoUsageObserver, Usage, UsageObserver
from postcards_serving.engine.work import Item, Progress, Provenance, Work, json_settings
from postcards_serving.errors import Cancelled, DeadlineExceeded, ServiceError
from postcards_species.place.theme import read_theme
from postcards_species.speech.phrase import Phrase
from postcards_species.streams import Stream

PHRASES_PER_CALL = 8
"""Phrases that one call asks for; more are asked for in several."""
_EXAMPLES = 2
_MOST_NOTES = 60
_LONGEST_NOTE = 400
_API_SEED_BITS = 31

_log = logging.getLogger(__name__)


class OpenAiEngine:
    """Asks an OpenAI-compatible API for phrases. Many calls may run at once."""

    name = "openai"
    version = "1"
    stages: tuple[str, ...] = ("asking", "listening", "phrases")
    requests_at_once = REQUESTS_TO_AN_API

    def __init__(
        self,
        endpoint: Endpoint,
        observer: UsageObserver | None = None,
        *,
        breaker: CircuitBreaker | None = None,
        client: Callable[[Api, CircuitBreaker, UsageObserver, Endpoint], RetryingClient] = RetryingClient,
    ) -> None:
        """Prepares to ask `endpoint`, and asks nothing yet.

        Args:
            endpoint: where, and how.
            observer: hears of calls, tokens and costs.
            breaker: holds calls back when the endpoint keeps failing.
            client: makes what retries; tests give it another clock.
        """
        self._endpoint = endpoint
        self._observer = observer or NoUsageObserver()
        self._api = Api(endpoint)
        breaker = breaker or CircuitBreaker(tell=self._observer.circuit)
        self._retrying = client(self._api, breaker, self._observer, endpoint)

    def generate(self, request: PhrasesRequest, work: Work) -> PhrasesResult:
        """Makes the phrases; those that the model cannot be brought to say come from the lexicon of the species.

        Raises:
            InvalidField: the phonology cannot be spoken.
            ModelUnusable: the key, the account or the model is refused.
            Unavailable: the API does not answer, or is left alone for a while.
            EngineFailed: it answers what nobody can use.
            Cancelled, DeadlineExceeded: see `Work.check`.
        """
        check_phonology(request.phonology)
        return _Request(self._endpoint, self._retrying, self._observer, request, work).made(self.name, self.version)

    def look(self) -> None:
        """Sees whether the key is taken and the model is there, without making anything that costs.

        Raises:
            ModelUnusable: the key is refused. Anything else may pass, and is only logged.
        """
        try:
            models = self._api.models()
        except ApiFailure as failure:
            if failure.status == 401:
                raise failure.error from None
            _log.warning("the list of models could not be read: %s", failure.error.message)
            return
        if models and self._endpoint.model not in models:
            _log.warning("the API does not list the model %s", self._endpoint.model)

    def close(self) -> None:
        """Gives up the calls under way and closes their connections."""
        self._api.close()


@dataclass
class _ProgressReporter:
    """Progress that never goes back."""

    work: Work
    count: int
    fraction: float = 0.0
    done: int = 0
    calls_done: int = 0
    text: str = ""

    def stage(self, name: str, text: str = "") -> None:
        """Says that a stage goes on."""
        self.work.report(Progress(name, self.done, self.count, self.fraction, text=text))

    def on_text(self, text: str) -> None:
        """Shows what the model says, whenever that is more growling than before."""
        growling = animal_text_so_far(text)
        if growling != self.text:
            self.text = growling
            calls = math.ceil(self.count / PHRASES_PER_CALL)
            self.fraction = max(self.fraction, 0.9 * (self.calls_done + 1 - math.exp(-len(text) / 800)) / calls)
            self.stage("listening", growling)

    def finished(self, phrase: Phrase) -> None:
        """Hands a phrase over."""
        self.done += 1
        self.fraction = max(self.fraction, 0.9 + 0.1 * self.done / self.count)
        self.work.report(Item(phrase))
        self.stage("phrases", phrase.animal_text)


@dataclass
class _Request:
    """One request to the engine."""

    endpoint: Endpoint
    client: RetryingClient
    observer: UsageObserver
    request: PhrasesRequest
    work: Work
    notes: list[str] = field(default_factory=list[str])
    usage: Usage = field(default_factory=Usage)
    uncounted: int = 0
    capabilities: Capabilities = field(default_factory=Capabilities)
    model: str = ""
    fingerprint: str = ""

    def made(self, engine: str, version: str) -> PhrasesResult:
        request, progress = self.request, _ProgressReporter(self.work, self.request.count)
        self.work.check()
        progress.stage("asking")
        self.work.check()
        lexicon = lexicon_of(request.phonology)
        phraser = Phraser(lexicon)
        phrases = self._asked(lexicon, phraser, progress)
        for phrase in phrases:
            progress.finished(phrase)
        self._note_adjustments(phraser)
        return PhrasesResult(phrases, self._provenance(engine, version))

    def _asked(self, lexicon: Lexicon, phraser: Phraser, progress: _ProgressReporter) -> tuple[Phrase, ...]:
        request = self.request
        deadline = Deadline(self.work, self.endpoint.timeout_seconds)
        examples = _examples(request)
        setting = Setting(
            self.client,
            phraser,
            instructions(request, lexicon, examples),
            self._values(),
            (request.intent, request.mood),
            progress.on_text,
            self._spend,
        )
        made: list[Phrase] = []
        outcome = Outcome()
        for begin in range(0, request.count, PHRASES_PER_CALL):
            wanted = _wanted(request, range(begin, min(request.count, begin + PHRASES_PER_CALL)))
            asked = [(want.intent, want.mood) for want in wanted]
            said = [phrase.english_gloss for phrase in made[-PHRASES_PER_CALL:]]
            try:
                outcome = converse(setting, question(request, asked, said), wanted, deadline)
            except (Cancelled, DeadlineExceeded):
                raise
            except ServiceError as fault:
                if not made:
                    raise
                # What was paid for is kept: the rest comes from the lexicon.
                outcome = Outcome(mended={want.index: fault.message for want in wanted}, capabilities=self.capabilities)
            progress.calls_done += 1
            self._account(outcome)
            made += self._completed(outcome, wanted, phraser, made)
        return tuple(made)

    @cached_property
    def _own(self) -> tuple[Phrase, ...]:
        """What the embedded engine says to the same request."""
        plain = replace(self.request, prompt="", temperature=None, top_p=None)
        return PhonotacticEngine().generate(plain, Work()).phrases

    def _values(self) -> dict[str, object]:
        request, endpoint = self.request, self.endpoint
        return {
            "temperature": endpoint.temperature if request.temperature is None else request.temperature,
            "top_p": endpoint.top_p if request.top_p is None else request.top_p,
            "seed": request.seed % 2**_API_SEED_BITS,
            "reasoning_effort": endpoint.reasoning_effort,
        }

    def _spend(self, usage: Usage | None) -> None:
        if usage is None:
            self.uncounted += 1
        else:
            self.usage += usage

    def _account(self, outcome: Outcome) -> None:
        self.capabilities = outcome.capabilities
        self.model = outcome.model or self.model
        self.fingerprint = outcome.fingerprint or self.fingerprint
        self.notes += outcome.notes

    def _completed(
        self,
        outcome: Outcome,
        wanted: Sequence[WantedPhrase],
        phraser: Phraser,
        before: Sequence[Phrase],
    ) -> list[Phrase]:
        """The wanted phrases: the model's, and from the lexicon of the species those that are missing."""
        phrases: list[Phrase] = []
        repaired = 0
        growls = iter(outcome.growls)
        for want in wanted:
            phrase, why = outcome.phrases.get(want.index), outcome.mended.get(want.index, "")
            if phrase is not None and _is_new(phrase, [*before, *phrases]):
                if why:
                    self.notes.append(f"phrase {want.index + 1}: {why} gave way to the species' own words")
                    repaired += 1
            else:
                phrase = _with_growl(_unsaid(self._own, want.index, [*before, *phrases]), next(growls, ""), phraser)
                why = why or "what was said already"
                self.notes.append(f"phrase {want.index + 1} is from the species' own lexicon, in place of {why}")
                repaired += 1
            phrases.append(phrase)
        if repaired:
            self.observer.repaired(repaired)
        return phrases

    def _note_adjustments(self, phraser: Phraser) -> None:
        adjustments = phraser.adjustments
        if adjustments.replaced:
            heard = ", ".join(f"{letters} as {symbol}" for letters, symbol in sorted(adjustments.replaced.items()))
            self.notes.append(f"sounds that the species lacks were said as its nearest: {heard}")
        if adjustments.respelled:
            self.notes.append(
                f"{adjustments.respelled} words were said as the lexicon has them, not as they were spelled"
            )
        if phraser.coined:
            words = ", ".join(f"{word.text} = {gloss}" for gloss, word in phraser.coined.items())
            self.notes.append(f"words that the lexicon lacked were coined by the model: {words}")

    def _provenance(self, engine: str, version: str) -> Provenance:
        request, endpoint, sent = self.request, self.endpoint, self.capabilities.sampling(self._values())
        cost = endpoint.cost(self.usage)
        usage = {
            "prompt_tokens": float(self.usage.prompt_tokens),
            "completion_tokens": float(self.usage.completion_tokens),
        }
        notes = [*self.capabilities.differences(Capabilities()), *self.notes]
        if self.uncounted:
            notes.append(f"the server did not count the tokens of {self.uncounted} calls")
        return Provenance(
            engine=engine,
            engine_version=version,
            model=without_path(endpoint.model),
            model_revision=" ".join(filter(None, (without_path(self.model), self.fingerprint)))[:512],
            device=endpoint.host,
            settings=json_settings(
                **request.settings(),
                prompt=request.prompt or GUTTURAL,
                temperature=sent["temperature"],
                top_p=sent["top_p"],
                api_seed=sent["seed"],
                reasoning_effort=sent["reasoning_effort"],
                base_url=endpoint.url,
                role=self.capabilities.way(ROLE),
                response_format=self.capabilities.way(FORM),
            ),
            libraries={name: package_version(name) for name in ("openai", "postcards-species")},
            notes=tuple(note[:_LONGEST_NOTE] for note in dict.fromkeys(notes))[:_MOST_NOTES],
            usage=usage if cost is None else usage | {"cost_usd": cost},
        )


def _wanted(request: PhrasesRequest, indices: range) -> list[WantedPhrase]:
    """What the phrases are to do and feel: as the request demands, else as the embedded engine would choose."""
    theme = read_theme(request.theme)
    wanted: list[WantedPhrase] = []
    for index in indices:
        stream = Stream(request.seed, f"phrase/{index}")
        wanted.append(WantedPhrase(index, *choose_intent_and_mood(stream, request, theme, index)))
    return wanted


def _examples(request: PhrasesRequest) -> tuple[Phrase, ...]:
    """Phrases of the species to show its tongue, none that the embedded engine says for this very request."""
    other = Stream(request.seed, "prompt/examples").seed()
    asked = PhrasesRequest(request.phonology, request.species_name, seed=other, count=_EXAMPLES)
    return PhonotacticEngine().generate(asked, Work()).phrases


def _unsaid(own: Sequence[Phrase], index: int, said: Sequence[Phrase]) -> Phrase:
    """The embedded engine's phrase for a place, or another of its phrases that was not said yet."""
    candidates = [own[index], *own]
    return next((phrase for phrase in candidates if _is_new(phrase, said)), own[index])


def _is_new(phrase: Phrase, said: Sequence[Phrase]) -> bool:
    return all(
        phrase.animal_text != other.animal_text and phrase.english_gloss != other.english_gloss for other in said
    )


def _with_growl(phrase: Phrase, growl: str, phraser: Phraser) -> Phrase:
    """The phrase, with what the model growled before it as a cry."""
    cry = phraser.cry(growl, phrase.mood) if growl else None
    return (with_cry(phrase, cry, phraser.pause) if cry else None) or phrase
