"""Looks who listens on the ports of the services, whether they serve, and if not, why."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postcards_cli.doctor.finding import Finding, good, missing, warning
from postcards_cli.local.ports import Endpoint, trouble_with_port

_TOPIC = "services"
_WITHIN = 2.0
_PASSING = ("STARTING", "STOPPING")
_METHODS = {
    "composer": "postcards.composer.v1.PostcardService/ListPostcards",
    "image": "postcards.image.v1.ImageService/GenerateImage",
    "audio": "postcards.audio.v1.AudioService/GenerateAudio",
    "language": "postcards.language.v1.LanguageService/GeneratePhrases",
}


@dataclass(frozen=True)
class State:
    """What a service says of itself."""

    health: str
    """"SERVING", "NOT_SERVING", or why there is no answer."""
    reason: str = ""
    """Why it does not serve, for programs, e.g. "MODEL_UNUSABLE"."""
    words: str = ""
    """The same for people."""

    @property
    def is_serving(self) -> bool:
        """Whether it takes requests now: its health is "SERVING"."""
        return self.health == "SERVING"


async def ask(endpoints: tuple[Endpoint, ...]) -> dict[str, State]:
    """The state of every service, by its name."""
    states = await asyncio.gather(*(_state(endpoint.name, endpoint.address) for endpoint in endpoints))
    return dict(zip((endpoint.name for endpoint in endpoints), states, strict=True))


def look(endpoints: tuple[Endpoint, ...], states: Mapping[str, State]) -> Iterator[Finding]:
    """One finding for every service."""
    for endpoint in endpoints:
        yield _finding(endpoint, states[endpoint.name])


async def look_at_composer(address: str) -> Finding:
    """Whether a composer elsewhere answers."""
    state = await _state("composer", address)
    if state.is_serving:
        return good(_TOPIC, "composer", f"{address} is SERVING")
    if state.health == "NOT_SERVING":
        return _not_serving("composer", address, state)
    advice = "check the address, and that the composer runs: postcards up"
    return missing(_TOPIC, "composer", f"{address} gives no answer", advice)


async def _state(name: str, address: str) -> State:
    try:
        from postcards_client.health import refusal, status
    except ImportError:
        return State("UNKNOWN")
    health = await status(address, within=_WITHIN)
    if health != "NOT_SERVING":
        return State(health)
    return State(health, *await refusal(address, _METHODS[name], within=_WITHIN))


def _finding(endpoint: Endpoint, state: State) -> Finding:
    check = f"port {endpoint.port}"
    if state.is_serving:
        return good(_TOPIC, check, f"the {endpoint.name} service is SERVING")
    if state.health == "NOT_SERVING":
        return _not_serving(endpoint.name, check, state)
    for port in (endpoint.port, endpoint.metrics_port):
        if trouble := trouble_with_port(port):
            advice = "stop what uses it, or choose other ports with --port-base"
            return missing(_TOPIC, f"port {port}", f"port {port} ({endpoint.name}) {trouble}", advice)
    return good(_TOPIC, check, f"free for the {endpoint.name} service, which is not running")


def _not_serving(name: str, check: str, state: State) -> Finding:
    found = f"the {name} service runs but does not serve: {state.words or 'it does not say why'}"
    if state.reason in _PASSING:
        return warning(_TOPIC, check, found, "wait, and look again")
    told = state.reason not in ("", "LOAD_FAILED")
    advice = "mend that: it tries again by itself" if told else "read its log"
    return missing(_TOPIC, check, found, advice)
