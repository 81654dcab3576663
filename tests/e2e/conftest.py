"""The four real services, for all tests that only call them."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest

from free_ports import free_port_base
from postcards_cli.local.ports import endpoints
from postcards_cli.local.services import Plan, Services
from service_calls import Running


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Running]:
    """The services with their embedded engines and an empty store."""
    folder = tmp_path_factory.mktemp("bad")
    services = Services(Plan(endpoints(free_port_base()), folder.as_uri(), folder))
    services.start()
    try:
        asyncio.run(services.wait_until_serving(lambda _: None))
        channels = {e.name: grpc.insecure_channel(e.address) for e in services.plan.endpoints}
        yield Running(channels)
        for channel in channels.values():
            channel.close()
    finally:
        asyncio.run(services.stop())
