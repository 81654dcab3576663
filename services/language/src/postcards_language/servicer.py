"""The language service on the wire: protobuf in, engine, protobuf out."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc.aio
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.requests import read_request
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.served import ServedEngines
from postcards_serving.engine.work import Item, Progress
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.part_calls import part_events

Response = language_pb2.GeneratePhrasesResponse


class LanguageServicer(language_pb2_grpc.LanguageServiceServicer):
    """Answers `LanguageService` with one engine, or with two of which one stands behind the other."""

    def __init__(self, engines: ServedEngines[PhrasesRequest, PhrasesResult], executor: Executor) -> None:
        """Runs `engines` on `executor`."""
        self._engines = engines
        self._executor = executor

    async def GeneratePhrases(  # noqa: N802
        self,
        request: language_pb2.GeneratePhrasesRequest,
        context: "grpc.aio.ServicerContext[language_pb2.GeneratePhrasesRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next phrase."""
        running = part_events(self._engines, self._executor, request, read_request, context.time_remaining())
        digest = hashlib.sha256()
        async with aclosing(running) as events:
            async for event in events:
                match event:
                    case Progress():
                        yield Response(progress=encode(event, media_pb2.Progress))
                    case Item(value=phrase):
                        message = encode(phrase, phrase_pb2.Phrase)
                        digest.update(message.SerializeToString(deterministic=True))
                        yield Response(phrase=message)
                    case Finished(result=result):
                        provenance = encode(result.provenance, media_pb2.Provenance)
                        yield Response(
                            result=language_pb2.PhrasesResult(
                                count=len(result.phrases), sha256=digest.hexdigest(), provenance=provenance
                            )
                        )
                    case _:
                        raise TypeError(f"a language engine reports progress and phrases, not {type(event).__name__}")
