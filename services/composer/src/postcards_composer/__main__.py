"""Runs the composer: `python -m postcards_composer`."""

import sys

import grpc
from postcards.composer.v1 import composer_pb2, composer_pb2_grpc
from prometheus_client import REGISTRY

from postcards_composer.api.servicer import PostcardServicer
from postcards_composer.composer import Composer
from postcards_composer.metrics import ComposerMetrics
from postcards_composer.settings import ComposerSettings
from postcards_composer.store.opening import open_store
from postcards_serving.server.process import Service, serve


async def load(settings: ComposerSettings) -> Service:
    """Builds the composer. Raises `SettingsError` for a store that cannot be opened."""
    composer = Composer(settings, open_store(settings), ComposerMetrics(REGISTRY))
    await composer.begin()
    servicer = PostcardServicer(composer.operations)

    def register(server: grpc.aio.Server) -> None:
        composer_pb2_grpc.add_PostcardServiceServicer_to_server(servicer, server)

    return Service(register, drain=composer.drain, close=composer.close)


def main() -> int:
    """Runs until told to stop; the exit code."""
    return serve("composer", ComposerSettings, [composer_pb2.DESCRIPTOR.services_by_name["PostcardService"]], load)


if __name__ == "__main__":
    sys.exit(main())
