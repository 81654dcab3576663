"""The command and the client over TLS, as through a gateway that ends it."""

import asyncio
import os
import shutil
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from postcards_client.channels import open_channel

ASK = """
import asyncio, sys
from postcards_client.health import status
print(asyncio.run(status(sys.argv[1], within=20)))
"""


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for localhost that nobody knows."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    key, chain = tmp_path / "tls.key", tmp_path / "tls.crt"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", chain], check=True, capture_output=True)
    return key, chain


@pytest.fixture
async def gateway(certificate):
    """Port of a server that speaks TLS alone."""
    key, chain = certificate
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield port
    await server.stop(0)


async def test_credentials_of_the_caller_are_used(gateway, certificate):
    trusted = grpc.ssl_channel_credentials(certificate[1].read_bytes())
    async with open_channel(f"localhost:{gateway}", credentials=trusted) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(("trusts", "answer"), [(True, "SERVING"), (False, "UNAVAILABLE")])
async def test_an_address_of_https_is_called_over_tls_and_believed_only_with_its_certificate(
    gateway, certificate, trusts, answer
):
    # gRPC reads which certificates it trusts once in a process.
    environment = dict(os.environ)
    if trusts:
        environment["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(certificate[1])
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ASK, f"https://localhost:{gateway}/", env=environment, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await asked.communicate()
    assert told.decode().strip() == answer
