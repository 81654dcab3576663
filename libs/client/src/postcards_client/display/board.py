"""Shows on standard error how the making goes: a live board in a terminal, plain lines elsewhere."""

import sys
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.events import Event

PART_TITLES = {"image": "picture", "language": "phrase", "audio": "call"}
"""What the parts are called before people."""
ASSEMBLING = "putting the card together"
"""What happens between the last part and the end."""


class Board(Protocol):
    """Shows the progress of one postcard. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def starting(self, names: tuple[str, ...]) -> None:
        """The services `names` are being started."""
        ...

    def serving(self, name: str) -> None:
        """One of them is ready."""
        ...

    def accepted(self, postcard: "Postcard") -> None:
        """The composer has accepted the postcard."""
        ...

    def event(self, event: "Event") -> None:
        """Something happened to the postcard."""
        ...

    def stopping(self) -> None:
        """The services are being stopped."""
        ...


class QuietBoard:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def starting(self, names: tuple[str, ...]) -> None:
        """Shows nothing."""

    def serving(self, name: str) -> None:
        """Shows nothing."""

    def accepted(self, postcard: "Postcard") -> None:
        """Shows nothing."""

    def event(self, event: "Event") -> None:
        """Shows nothing."""

    def stopping(self) -> None:
        """Shows nothing."""


class PlainBoard:
    """Writes one line for every new stage: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        """Writes to `stream`."""
        self._stream = stream
        self._names: tuple[str, ...] = ()
        self._ready: set[str] = set()
        self._stages: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def starting(self, names: tuple[str, ...]) -> None:
        """Names the services that are waited for."""
        self._names = names
        self._ready.clear()
        self._say(f"starting services: {', '.join(names)}")

    def serving(self, name: str) -> None:
        """Names the one that is ready, and those that are not yet."""
        self._ready.add(name)
        missing = [other for other in self._names if other not in self._ready]
        self._say(f"{name} service ready" + (f", waiting for {', '.join(missing)}" if missing else ""))

    def accepted(self, postcard: "Postcard") -> None:
        """Names the postcard."""
        self._say(f"postcard {postcard.id}: seed {postcard.seed}")

    def event(self, event: "Event") -> None:
        """Writes a line when a part enters a new stage or ends."""
        from postcards_client.events import Advanced, Changed
        from postcards_client.views import part_name, part_state_name

        if isinstance(event, Advanced):
            self._stage(part_name(event.kind), stage_text(event))
        elif isinstance(event, Changed):
            for part in event.postcard.parts:
                state = part_state_name(part.state)
                if state in ("DONE", "FAILED", "CANCELLED"):
                    self._stage(part_name(part.kind), ending_text(state, part.error.message))
            if is_assembled(event.postcard):
                self._stage("card", ASSEMBLING)

    def stopping(self) -> None:
        """Says so."""
        self._say("stopping services")

    def _stage(self, part: str, text: str) -> None:
        if self._stages.get(part) != text:
            self._stages[part] = text
            self._say(f"{PART_TITLES.get(part, part)}: {text}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def is_assembled(postcard: "Postcard") -> bool:
    """Whether all parts of a postcard are done and only its card is still to be made."""
    from postcards_client.views import part_state_name, state_name

    parts_done = {part_state_name(part.state) for part in postcard.parts} == {"DONE"}
    return state_name(postcard.state) == "CREATING" and parts_done


def stage_text(event: "Event") -> str:
    """What a part is doing, e.g. "skin", or "queued, 2 before it, about 5 s"."""
    from postcards_client.events import Advanced

    if not isinstance(event, Advanced):
        return ""
    progress = event.progress
    words = [progress.stage]
    if progress.queue_position:
        words.append(f"{progress.queue_position} before it")
    if progress.HasField("predicted_wait") and (wait := progress.predicted_wait.ToTimedelta().total_seconds()) > 0:
        words.append(f"about {wait:.0f} s" if wait >= 1 else "a moment")
    return ", ".join(words)


def ending_text(state: str, error: str) -> str:
    """How a part ended, e.g. "failed: the engine ran out of memory"."""
    if state == "FAILED" and error:
        return f"failed: {error}"
    return state.lower()


def board_for_terminal(*, quiet: bool) -> Board:
    """The board that suits standard error."""
    if quiet:
        return QuietBoard()
    if not sys.stderr.isatty():
        return PlainBoard(sys.stderr)
    from postcards_client.display.live import LiveBoard

    return LiveBoard()
