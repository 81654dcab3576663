"""Follows a run: shows its progress and writes what people look at."""

from collections.abc import Callable, Iterator

from postcards_image.training.loop.events import Averaged, Began, Ended, Event, NotSaved, Stepped
from postcards_image.training.loop.trainer import Intervals
from postcards_image.training.report.artifacts import Model, RunFolder
from postcards_image.training.report.progress import Progress


def follow(
    events: Iterator[Event], open_folder: Callable[[Began], RunFolder], progress: Progress, intervals: Intervals
) -> tuple[Ended, Model]:
    """Follows a run to its end and writes its model.

    Raises:
        OSError: the model could not be written. A sheet or a checkpoint that cannot be written ends no run.
    """
    match next(events):
        case Began() as began:
            files, sampled = open_folder(began), began.position.seconds
            progress.say(_began_text(began))
        case other:
            raise TypeError(f"a run does not begin with {type(other).__name__}")
    for event in events:
        match event:
            case Stepped(position=position):
                progress.step(event, position.samples, sampled + intervals.samples - position.seconds)
            case Averaged(position=position):
                sampled = position.seconds
                _show(files, event, progress)
            case NotSaved(reason=reason):
                progress.say(f"  {reason}; the checkpoint before it still stands")
            case Ended():
                progress.say("  writing the model ...")
                return event, files.finish(event)
            case _:
                pass
    raise RuntimeError("the run broke off")


def wait(events: Iterator[Event]) -> Ended:
    """Takes part in a run whose first process follows it."""
    for event in events:
        if isinstance(event, Ended):
            return event
    raise RuntimeError("the run broke off")


def _show(files: RunFolder, look: Averaged, progress: Progress) -> None:
    try:
        progress.say(f"  drew {files.show(look)}")
    except OSError as fault:
        progress.say(f"  the sheet could not be written: {fault.strerror or fault}")


def _began_text(began: Began) -> str:
    machine = f"{began.processes} x {began.device}" if began.processes > 1 else began.device
    return f"  a network of {began.parameters / 1e6:.1f} million numbers, on {machine} in {began.precision}"
