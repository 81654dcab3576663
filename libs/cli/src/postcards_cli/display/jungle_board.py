"""Shows on standard error how a jungle grows."""

from typing import TYPE_CHECKING, Protocol, Self, TextIO

from typing_extensions import override

if TYPE_CHECKING:
    from postcards_cli.jungle.growing import Grown
    from postcards_cli.jungle.roster import Member
    from postcards_client.events import Event


class JungleBoard(Protocol):
    """Shows the progress of a jungle. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def starting(self, names: tuple[str, ...]) -> None:
        """The services `names` are being started."""
        ...

    def serving(self, name: str) -> None:
        """One of them is ready."""
        ...

    def growing(self, count: int) -> None:
        """`count` postcards are to be made."""
        ...

    def event(self, member: "Member", event: "Event") -> None:
        """Something happened to one of them."""
        ...

    def grown(self, result: "Grown") -> None:
        """One of them is finished, or failed."""
        ...

    def stopping(self) -> None:
        """The services are being stopped."""
        ...


class PlainJungleBoard(JungleBoard):
    """Writes one line for every postcard that is finished."""

    def __init__(self, stream: TextIO | None) -> None:
        """Writes to `stream`; nowhere when it is None."""
        self._stream = stream
        self._count = 0
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @override
    def starting(self, names: tuple[str, ...]) -> None:
        """Names the services that are waited for."""
        self._say(f"starting services: {', '.join(names)}")

    @override
    def serving(self, name: str) -> None:
        """Names the one that is ready."""
        self._say(f"{name} service ready")

    @override
    def growing(self, count: int) -> None:
        """Says how many there will be."""
        self._count = count
        self._say(f"making {count} postcards")

    @override
    def event(self, member: "Member", event: "Event") -> None:
        """Shows nothing: a line for each would be too many."""

    @override
    def grown(self, result: "Grown") -> None:
        """Names the one that is finished."""
        self._done += 1
        self._say(f"{self._done} of {self._count}: {result_text(result)}")

    @override
    def stopping(self) -> None:
        self._say("stopping services")

    def _say(self, text: str) -> None:
        if self._stream is not None:
            print(text, file=self._stream, flush=True)


def result_text(result: "Grown") -> str:
    """One postcard of the jungle in a line."""
    from postcards_cli.json_views import state_name

    if result.postcard is None:
        return f"postcard {result.member.index + 1} failed: {result.error}"
    state = "there already" if result.existed else state_name(result.postcard.state).lower()
    return f"{result.postcard.species.name} ({state})"
