"""One call of a service that makes parts: which engine is asked, what it reports, the result and its files."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

from google.protobuf.message import Message

from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.served import ServedEngines
from postcards_serving.engine.work import Event, Item, Preview, Progress
from postcards_serving.rpc.media import chunks
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.request_head import check_head

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")
MessageT = TypeVar("MessageT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


async def part_events(
    engines: ServedEngines[RequestT, ResultT],
    executor: Executor,
    message: MessageT,
    read: Callable[[MessageT], RequestT],
    timeout: float | None,
) -> AsyncGenerator[Event | Finished[ResultT]]:
    """What the engine that a request names, or whichever can, reports of it, and at last `Finished`.

    Wrap it in `contextlib.aclosing`: a call that is dropped then stops its engine before the next stage.

    Args:
        engines: who may be asked.
        executor: runs them.
        message: the request, with `request_id` and `engine`.
        read: checks it and makes of it what an engine is asked.
        timeout: seconds from now; None for no limit.

    Raises:
        ServiceError: the request cannot be read, or there is no result.
    """
    engine = engines.named(check_head(message, *engines.names).engine)
    wanted = read(message)
    async with aclosing(executor.run(lambda work: engine.generate(wanted, work), timeout=timeout)) as events:
        async for event in events:
            yield event


def file_responses(event: "Event | Finished[Any]", response: type[ResponseT]) -> Iterator[ResponseT]:
    """The messages that an event becomes, where a result is made of files.

    Args:
        event: of an engine.
        response: has a field for each sort of event that the engine may report ("progress", "preview"), and the fields
            "result" and "chunk".

    Raises:
        TypeError: `response` has no field for the event.
    """
    match event:
        case Progress():
            yield _with_field(response, "progress", event)
        case Preview():
            yield _with_field(response, "preview", event)
        case Finished(result=result):
            yield _with_field(response, "result", result)
            kind = _kind_of(response, "chunk")
            for blob in result.blobs:
                for chunk in chunks(blob, kind):
                    yield response(chunk=chunk)
        case Item():
            raise TypeError(f"{response.__name__} has no field for pieces of a result")


def _with_field(response: type[ResponseT], field: str, value: object) -> ResponseT:
    if field not in response.DESCRIPTOR.fields_by_name:
        raise TypeError(f"{response.__name__} has no field for {field}")
    return response(**{field: encode(value, _kind_of(response, field))})


def _kind_of(response: type[Message], field: str) -> type[Message]:
    message: Message = getattr(response(), field)
    return type(message)
