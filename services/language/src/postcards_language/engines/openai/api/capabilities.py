"""What a server can be asked for. Nothing is assumed: what it rejects is left out from then on, once for each server.

Parameters that servers and models differ in are tried at their best first. A rejected one steps down: `developer` to
`system` to `user`, a JSON schema to any JSON object to plain text, the others to nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from postcards_language.engines.openai.api.failures import ApiFailure
from postcards_language.engines.openai.phrases.reply import SCHEMA_NAME, schema_of

ROLE = "role"
FORM = "response_format"
USAGE = "stream_options"
LIMIT = "max_completion_tokens"
OLD_LIMIT = "max_tokens"

_STEPS: Mapping[str, tuple[str, ...]] = {
    ROLE: ("developer", "system", "user"),
    FORM: ("json_schema", "json_object", "text"),
    USAGE: ("include_usage", ""),
    LIMIT: (LIMIT, OLD_LIMIT, ""),
    "temperature": ("temperature", ""),
    "top_p": ("top_p", ""),
    "seed": ("seed", ""),
    "reasoning_effort": ("reasoning_effort", ""),
}
"""Ways to say each thing, the best first; empty leaves it out."""

_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("temperature", ("temperature",)),
    ("top_p", ("top_p", "top-p", "nucleus")),
    ("seed", ("'seed'", '"seed"', "`seed`", "seed ")),
    ("reasoning_effort", ("reasoning_effort", "reasoning effort", "reasoning.effort")),
    (USAGE, ("stream_options", "include_usage")),
    (LIMIT, ("max_completion_tokens", "max_tokens", "max tokens")),
    (FORM, ("response_format", "json_schema", "json_object", "structured output", "grammar", "guided")),
    (ROLE, ("developer", "system role", "system message", "messages[0]", "messages.0", "role", "jinja", "template")),
)
"""By what words a server that names no parameter may mean one of them; searched in this order."""

_SUSPECTS = (FORM, ROLE, USAGE, LIMIT, "reasoning_effort", "seed", "top_p", "temperature")
"""What may be to blame where a server says nothing but no, the likeliest first."""

_MANDATORY = (ROLE,)


@dataclass(frozen=True)
class Capabilities:
    """What a server is known to take; at first everything at its best."""

    steps: Mapping[str, int] = field(default_factory=dict[str, int])
    """How far each of `_STEPS` has been stepped down; 0 where absent."""

    def way(self, name: str) -> str:
        """How `name` is said; empty where it is left out."""
        return _STEPS[name][self.steps.get(name, 0)]

    @property
    def proven(self) -> bool:
        """Whether anything was left out or replaced."""
        return bool(self.steps)

    def sampling(self, values: Mapping[str, object]) -> dict[str, object]:
        """What of `values` is sent, by name; None for what is not."""
        return {name: value if value not in (None, "") and self.way(name) else None for name, value in values.items()}

    def arguments(self, values: Mapping[str, object], count: int, limit: int) -> dict[str, object]:
        """Keyword arguments of a call for `count` phrases in at most `limit` tokens: what the server takes of them."""
        arguments = {name: value for name, value in self.sampling(values).items() if value is not None}
        if self.way(FORM) != "text":
            arguments[FORM] = _form(self.way(FORM), count)
        if self.way(USAGE):
            arguments[USAGE] = {"include_usage": True}
        if way := self.way(LIMIT):
            arguments[way] = limit
        return arguments

    def without(self, name: str) -> "Capabilities | None":
        """What is left one step down in `name`; None where there is no step left."""
        step = self.steps.get(name, 0) + 1
        if step >= len(_STEPS[name]):
            return None
        return Capabilities({**self.steps, name: step})

    def differences(self, other: "Capabilities") -> list[str]:
        """What these take otherwise than `other`, in words."""
        said: list[str] = []
        for name in _STEPS:
            before, now = other.way(name), self.way(name)
            if before != now:
                said.append(f"the server did not take {_words(name, before)}: {_instead(name, now)}")
        return said


def _form(way: str, count: int) -> dict[str, object]:
    if way == "json_schema":
        return {"type": way, way: {"name": SCHEMA_NAME, "strict": True, "schema": schema_of(count)}}
    return {"type": way}


class Adaptation:
    """The search for what a server takes, while one question is asked."""

    def __init__(self) -> None:
        """Begins where the question begins."""
        self._alternatives: Iterator[Capabilities] | None = None

    def after(self, capabilities: Capabilities, failure: ApiFailure, sent: Mapping[str, object]) -> Capabilities | None:
        """What to ask with after a rejection; None where nothing is left to try.

        What the server blames steps down. Where it blames nothing that is known here, each thing steps down by itself,
        and at last everything at once.

        Args:
            capabilities: with which it was asked.
            failure: how the server rejected it.
            sent: the arguments of the call.
        """
        if not failure.about_parameters:
            return None
        for name in _named(failure):
            down = capabilities.without(name) if _was_sent(name, sent, capabilities) else None
            if down is not None:
                self._alternatives = None
                return down
        if self._alternatives is None:
            self._alternatives = iter(_alternatives(capabilities, sent))
        return next(self._alternatives, None)


def _alternatives(capabilities: Capabilities, sent: Mapping[str, object]) -> list[Capabilities]:
    """Each thing that was sent stepped down by itself, the likeliest to be to blame first; then all of them."""
    one_by_one: list[Capabilities] = []
    plainest = capabilities
    for name in _SUSPECTS:
        down = capabilities.without(name) if _was_sent(name, sent, capabilities) else None
        while down is not None:
            one_by_one.append(down)
            plainest = Capabilities({**plainest.steps, name: down.steps[name]})
            down = down.without(name)
    return [*one_by_one, plainest]


def without_developer(capabilities: Capabilities, failure: ApiFailure) -> Capabilities | None:
    """What to try where a server fails instead of rejecting: some do so when they meet the role `developer`."""
    if failure.status == 500 and capabilities.way(ROLE) == "developer":
        return capabilities.without(ROLE)
    return None


def blames_role(failure: ApiFailure) -> bool:
    """Whether the words of a failure speak of roles or of the template that lays messages out."""
    return any(word in failure.words for word in dict(_NAMES)[ROLE])


def _named(failure: ApiFailure) -> list[str]:
    """What the server blames: the parameter that it names, or where it names none, that whose words it uses.

    The words of one that names a parameter are not read: they quote the request, whose text may speak of anything.
    """
    parameter = failure.parameter.lower()
    if parameter:
        return [name for name, words in _NAMES if name in parameter or any(word in parameter for word in words)][:1]
    return [name for name, words in _NAMES if any(word in failure.words for word in words)][:1]


def _was_sent(name: str, sent: Mapping[str, object], capabilities: Capabilities) -> bool:
    if name in _MANDATORY:
        return True
    return capabilities.way(name) in sent if name == LIMIT else name in sent


def _words(name: str, way: str) -> str:
    return {ROLE: f"the role {way}", FORM: f"the answer form {way}"}.get(name, way if name == LIMIT else name)


def _instead(name: str, way: str) -> str:
    if not way:
        return "it was left out"
    return f"{way} was used" if name in (ROLE, FORM, LIMIT) else f"{way} was sent"
