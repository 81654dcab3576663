"""A conversation for a few phrases: asked for, judged, sent back with their faults named, mended from the lexicon."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from postcards_language.engines.openai.api.capabilities import Capabilities
from postcards_language.engines.openai.api.client import FILTERED, Message, Reply
from postcards_language.engines.openai.api.retries import Answer, Deadline, Question, RetryingClient
from postcards_language.engines.openai.phrases.faults import english_words, faults_of
from postcards_language.engines.openai.phrases.phrasing import Phraser
from postcards_language.engines.openai.phrases.prompts import echo, objection
from postcards_language.engines.openai.phrases.reply import Proposal, Reading, complete_phrases, read_reply
from postcards_language.usage import Usage
from postcards_serving.errors import Cancelled, DeadlineExceeded, ServiceError
from postcards_species.speech.phrase import Intent, Mood, Phrase

CORRECTIONS = 2
"""How often a reply is sent back with its faults named."""
_TOKENS_PER_PHRASE = 400
_TOKENS_BESIDE = {"none": 1024, "": 4096}
_TOKENS_TO_REASON = 12_288
_MOST_FAULTS = 6
_REFUSED = "the model refused"
_FILTERED = "a content filter stopped the model"


@dataclass(frozen=True)
class WantedPhrase:
    """A phrase that is wanted."""

    index: int
    """Its place among all phrases of the request."""
    intent: Intent
    """What it is to do."""
    mood: Mood
    """How it is to feel."""


@dataclass
class Outcome:
    """What a conversation brought."""

    phrases: dict[int, Phrase] = field(default_factory=dict[int, Phrase])
    """Finished phrases by index; those that are absent have to come from the lexicon."""
    mended: dict[int, str] = field(default_factory=dict[int, str])
    """Why a phrase was not taken as it came, by index."""
    growls: list[str] = field(default_factory=list[str])
    """Lines of growls without any meaning, from replies that held no JSON."""
    notes: list[str] = field(default_factory=list[str])
    """What happened otherwise than asked."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    """How the server was spoken to at last."""
    model: str = ""
    """The model that answered, as the server names it."""
    fingerprint: str = ""
    """What the server says about the configuration that answered."""


@dataclass(frozen=True)
class Setting:
    """What all conversations of one request have in common."""

    client: RetryingClient
    """Asks."""
    phraser: Phraser
    """Makes phrases of proposals."""
    instructions: str
    """The developer's message."""
    values: Mapping[str, object]
    """Sampling parameters by name."""
    fixed: tuple[Intent | None, Mood | None]
    """Intent and mood that the request demands, where it does."""
    on_text: Callable[[str], None]
    """Takes all text of a reply so far, whenever there is more."""
    on_usage: Callable[[Usage | None], None]
    """Hears of the tokens of every reply; None where the server did not count them."""


def converse(setting: Setting, question: str, wanted: Sequence[WantedPhrase], deadline: Deadline) -> Outcome:
    """Asks for `wanted` phrases until they are right, or as often as is sensible.

    Raises:
        ServiceError: nothing was answered at all. Once something was, failures end the asking and are noted.
    """
    outcome = Outcome()
    turns: list[Message] = [{"role": "user", "content": question}]
    missing = list(wanted)
    drafts: dict[int, Proposal] = {}
    for attempt in range(1 + CORRECTIONS):
        try:
            answer = setting.client.ask(_question(setting, turns, len(missing)), deadline)
        except (Cancelled, DeadlineExceeded):
            raise
        except ServiceError as fault:
            if attempt == 0:
                raise
            outcome.notes.append(f"a correction was not answered: {fault.message}")
            break
        _note(outcome, answer)
        faults = _take(setting, answer.reply, missing, outcome, drafts)
        missing = [want for want in missing if want.index not in outcome.phrases]
        if not missing:
            break
        if attempt < CORRECTIONS:
            # Its kind alone: what the model said has no place on a card.
            kinds = dict.fromkeys(outcome.mended.get(want.index, "") for want in missing)
            outcome.notes.append(f"a reply was sent back: {', '.join(filter(None, kinds))}")
        turns += [
            {"role": "assistant", "content": echo(answer.reply.text or answer.reply.refusal) or "..."},
            {"role": "user", "content": objection(faults[:_MOST_FAULTS], len(missing))},
        ]
    for want in missing:
        draft = drafts.get(want.index)
        phrase = setting.phraser.phrase(draft, *_said(setting, draft, want)) if draft else None
        if phrase is not None and not _is_said(phrase, outcome):
            outcome.phrases[want.index] = phrase
    return outcome


def _question(setting: Setting, turns: Sequence[Message], count: int) -> Question:
    conversation = tuple(turns)

    def messages(role: str) -> Sequence[Message]:
        if role != "user":
            return [{"role": role, "content": setting.instructions}, *conversation]
        first = {"role": "user", "content": f"{setting.instructions}\n\n{conversation[0]['content']}"}
        return [first, *conversation[1:]]

    # Enough for a model that reasons unasked, and an end to one that rambles.
    effort = str(setting.values.get("reasoning_effort", ""))
    limit = _TOKENS_BESIDE.get(effort, _TOKENS_TO_REASON) + _TOKENS_PER_PHRASE * count
    return Question(
        messages,
        setting.values,
        count,
        limit,
        setting.on_text,
        enough=lambda text: complete_phrases(text) > 0,
        on_usage=setting.on_usage,
    )


def _note(outcome: Outcome, answer: Answer) -> None:
    reply = answer.reply
    outcome.notes += [f"a call was tried again: {why}" for why in answer.retries]
    if reply.broken is not None:
        outcome.notes.append(f"a reply broke off: {reply.broken.error.message}")
    outcome.capabilities = answer.capabilities
    outcome.model = reply.model or outcome.model
    outcome.fingerprint = reply.fingerprint or outcome.fingerprint


def _take(
    setting: Setting, reply: Reply, missing: Sequence[WantedPhrase], outcome: Outcome, drafts: dict[int, Proposal]
) -> list[str]:
    """Takes what is right in a reply, keeps drafts of what may be mended, and names the faults of the rest."""
    if reply.refusal or reply.finish == FILTERED:
        why = _REFUSED if reply.refusal else _FILTERED
        outcome.mended |= {want.index: why for want in missing}
        return [f"{why}; it is the harmless tongue of an imagined animal that is asked for"]
    reading = read_reply(reply.text)
    if not reading.proposals:
        return [_no_phrases(setting, reading, reply, missing, outcome)]
    faults: list[str] = []
    for place, (want, proposal) in enumerate(zip(missing, reading.proposals, strict=False), start=1):
        found = faults_of(proposal, setting.phraser.own_words)
        phrase = None if found else setting.phraser.phrase(proposal, *_said(setting, proposal, want))
        if phrase is not None and not _is_said(phrase, outcome):
            outcome.phrases[want.index] = phrase
            outcome.mended.pop(want.index, None)
            continue
        if all(fault.mendable for fault in found):
            drafts[want.index] = proposal
        kinds = [fault.kind for fault in found] or ["a phrase that was said already"]
        outcome.mended[want.index] = kinds[0]
        words = [fault.words for fault in found] or ["it says again what was said already, or nothing that can be said"]
        faults.append(f"phrase {place}: {'; '.join(words)}")
    if len(reading.proposals) < len(missing):
        left = missing[len(reading.proposals) :]
        why = "truncated JSON" if reading.cut_off or reply.finish == "length" else "too few phrases"
        outcome.mended |= {want.index: why for want in left}
        faults.append(f"only {len(reading.proposals)} of {len(missing)} phrases came, each in an object of its own")
    return faults


def _no_phrases(
    setting: Setting, reading: Reading, reply: Reply, missing: Sequence[WantedPhrase], outcome: Outcome
) -> str:
    """What is wrong with a reply that holds no phrase at all."""
    own = setting.phraser.own_words
    outcome.growls += [line for line in reading.growls if not english_words(line, own)]
    english = english_words(" ".join(reading.growls), own)
    if english:
        why, fault = "an explanation", "it explains in English instead of growling, and is not the JSON object"
    elif reading.cut_off or reply.finish == "length":
        why, fault = "truncated JSON", "the JSON object broke off before its first phrase was complete: be shorter"
    elif reading.growls:
        why, fault = "growls without a translation", "it is not the JSON object: the growls have no gloss"
    else:
        why, fault = "a broken schema", "it is not the JSON object with phrases that was described"
    outcome.mended |= {want.index: why for want in missing}
    return fault


def _said(setting: Setting, proposal: Proposal, want: WantedPhrase) -> tuple[Intent, Mood]:
    """Intent and mood of a phrase: those that the request demands, else the model's, else those it was asked for."""
    intent, mood = setting.fixed
    return intent or proposal.intent or want.intent, mood or proposal.mood or want.mood


def _is_said(phrase: Phrase, outcome: Outcome) -> bool:
    return any(
        phrase.animal_text == other.animal_text or phrase.english_gloss == other.english_gloss
        for other in outcome.phrases.values()
    )
