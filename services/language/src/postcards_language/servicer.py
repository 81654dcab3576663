"""The language service on the wire: protobuf in, engine, protobuf out."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc.aio
from postcards.language.v1 import language_pb2, language_pb2_grpc
from postcards.media.v1 import media_pb2
from postcards.species.v1 import phrase_pb2

from postcards_language.engine import LanguageEngine
from postcards_language.requests import read_request
from postcards_serving.engine.executor import Executor, Finished
from postcards_serving.engine.work import Item, Progress
from postcards_serving.fallback.engine import engine_named, names_of
from postcards_serving.rpc.messages import encode
from postcards_serving.rpc.request_head import check_head

Response = language_pb2.GeneratePhrasesResponse


class LanguageServicer(language_pb2_grpc.LanguageServiceServicer):
    """Answers `LanguageService` with one engine."""

    def __init__(self, engine: LanguageEngine, executor: Executor) -> None:
        """Runs `engine` on `executor`."""
        self._engine = engine
        self._executor = executor

    async def GeneratePhrases(  # noqa: N802
        self,
        request: language_pb2.GeneratePhrasesRequest,
        context: "grpc.aio.ServicerContext[language_pb2.GeneratePhrasesRequest, Response]",
    ) -> AsyncGenerator[Response]:
        """See the proto. A call that is dropped stops its engine before the next phrase."""
        engine = engine_named(self._engine, check_head(request, *names_of(self._engine)).engine)
        wanted = read_request(request)
        running = self._executor.run(lambda work: engine.generate(wanted, work), timeout=context.time_remaining())
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
