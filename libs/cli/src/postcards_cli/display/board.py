"""Shows on standard error how the making goes: a live board in a terminal, plain lines elsewhere."""

from typing import TYPE_CHECKING, Protocol, Self, TextIO

from typing_extensions import override

from postcards_cli.display.part_texts import ASSEMBLING, PART_TITLES, ending_text, is_assembled, stage_text

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.events import Event


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


class QuietBoard(Board):
    """A board that writes nothing, for `--quiet` and JSON."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @override
    def starting(self, names: tuple[str, ...]) -> None:
        pass

    @override
    def serving(self, name: str) -> None:
        pass

    @override
    def accepted(self, postcard: "Postcard") -> None:
        pass

    @override
    def event(self, event: "Event") -> None:
        pass

    @override
    def stopping(self) -> None:
        pass


class PlainBoard(Board):
    """Writes one line for every new stage: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._names: tuple[str, ...] = ()
        self._ready: set[str] = set()
        self._stages: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @override
    def starting(self, names: tuple[str, ...]) -> None:
        """Names the services that are waited for."""
        self._names = names
        self._ready.clear()
        self._say(f"starting services: {', '.join(names)}")

    @override
    def serving(self, name: str) -> None:
        """Names the one that is ready, and those that are not yet."""
        self._ready.add(name)
        missing = [other for other in self._names if other not in self._ready]
        self._say(f"{name} service ready" + (f", waiting for {', '.join(missing)}" if missing else ""))

    @override
    def accepted(self, postcard: "Postcard") -> None:
        self._say(f"postcard {postcard.id}: seed {postcard.seed}")

    @override
    def event(self, event: "Event") -> None:
        """Writes a line when a part enters a new stage or ends."""
        from postcards_cli.json_views import part_name, part_state_name
        from postcards_client.events import Advanced, Changed

        if isinstance(event, Advanced):
            self._stage(part_name(event.kind), stage_text(event))
        elif isinstance(event, Changed):
            for part in event.postcard.parts:
                state = part_state_name(part.state)
                if state in ("DONE", "FAILED", "CANCELLED"):
                    self._stage(part_name(part.kind), ending_text(state, part.error.message))
            if is_assembled(event.postcard):
                self._stage("card", ASSEMBLING)

    @override
    def stopping(self) -> None:
        self._say("stopping services")

    def _stage(self, part: str, text: str) -> None:
        if self._stages.get(part) != text:
            self._stages[part] = text
            self._say(f"{PART_TITLES.get(part, part)}: {text}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
