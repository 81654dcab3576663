"""What is said of the stages and the ends of a part."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postcards.composer.v1.composer_pb2 import Postcard

    from postcards_client.events import Event


PART_TITLES = {"image": "picture", "language": "phrase", "audio": "call"}
"""What the parts are called before people."""


ASSEMBLING = "putting the card together"
"""What happens between the last part and the end."""


def is_assembled(postcard: "Postcard") -> bool:
    """Whether all parts of a postcard are done and only its card is still to be made."""
    from postcards_cli.json_views import part_state_name, state_name

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
