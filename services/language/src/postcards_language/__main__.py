"""Starts a language server: `python -m postcards_language`."""

import sys

import grpc.aio
from postcards.language.v1 import language_pb2, language_pb2_grpc

from postcards_language.engine_choice import load_engine, places
from postcards_language.servicer import LanguageServicer
from postcards_language.settings import LanguageSettings
from postcards_serving.engine.admission import Admission
from postcards_serving.engine.executor import Executor
from postcards_serving.server.process import Service, serve


def load(settings: LanguageSettings) -> Service:
    """Builds the engine that the settings name, and its servicer."""
    engine = load_engine(settings)
    executor = Executor(places(settings), Admission(settings.max_queue), engine=engine.name, stages=engine.stages)
    servicer = LanguageServicer(engine, executor)
    return Service(
        register=lambda server: language_pb2_grpc.add_LanguageServiceServicer_to_server(servicer, server),
        # A request to an API costs money: nothing is bought before somebody asks.
        warm_up=say_something if settings.language_engine == "phonotactic" else None,
        executor=executor,
        close=engine.close,
    )


async def say_something(channel: grpc.aio.Channel) -> None:
    """The first request: one phrase of species 0."""
    async for _ in language_pb2_grpc.LanguageServiceStub(channel).GeneratePhrases(
        language_pb2.GeneratePhrasesRequest()
    ):
        pass


if __name__ == "__main__":
    sys.exit(serve("language", LanguageSettings, [language_pb2.DESCRIPTOR.services_by_name["LanguageService"]], load))
