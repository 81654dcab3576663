"""What a language server serves: its engines behind their servicer."""

from postcards.language.v1 import language_pb2, language_pb2_grpc

from postcards_language.engine import PhrasesRequest, PhrasesResult
from postcards_language.engine_choice import load_engines
from postcards_language.servicer import LanguageServicer
from postcards_language.settings import LanguageSettings
from postcards_serving.engine.served import ServedEngines
from postcards_serving.server.part_service import part_service
from postcards_serving.server.service import Service


def load(settings: LanguageSettings) -> Service:
    """Builds the engines that the settings name, and their servicer."""
    return service_of(load_engines(settings), settings)


def service_of(engines: ServedEngines[PhrasesRequest, PhrasesResult], settings: LanguageSettings) -> Service:
    """Any engines, behind their servicer."""
    # The first request: one phrase of species 0. One to an API costs money: nothing is bought before somebody asks.
    first = language_pb2.GeneratePhrasesRequest()
    return part_service(
        engines,
        settings,
        lambda executor, server: language_pb2_grpc.add_LanguageServiceServicer_to_server(
            LanguageServicer(engines, executor), server
        ),
        (lambda channel: language_pb2_grpc.LanguageServiceStub(channel).GeneratePhrases(first))
        if settings.language_engine == "phonotactic"
        else None,
    )
