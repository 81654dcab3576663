"""Services that run, and why one of them does not serve."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager

from free_ports import free_ports
from postcards_cli.doctor import running
from postcards_cli.doctor.finding import Level
from postcards_cli.local.ports import Endpoint
from postcards_serving.testing import eventually


@asynccontextmanager
async def service(endpoint: Endpoint, **settings: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"postcards_{endpoint.name}",
        env=os.environ
        | {"POSTCARDS_PORT": str(endpoint.port), "POSTCARDS_METRICS_PORT": str(endpoint.metrics_port)}
        | settings,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def finding(endpoint: Endpoint):
    states = await running.ask((endpoint,))
    (found,) = running.look((endpoint,), states)
    return found


async def test_a_model_that_is_missing_is_named_and_taken_up_when_it_comes(tmp_path):
    endpoint = Endpoint("image", *free_ports(2))
    model = tmp_path / "mine.onnx"
    settings = {
        "POSTCARDS_IMAGE_ENGINE": "ddpm",
        "POSTCARDS_IMAGE_MODEL": str(model),
        "POSTCARDS_ON_LOAD_FAILURE": "wait",
        "POSTCARDS_LOAD_RETRY_SECONDS": "0.1",
    }
    assert (await finding(endpoint)).found == "free for the image service, which is not running"
    async with service(endpoint, **settings):

        async def refused():
            found = await finding(endpoint)
            return found if "does not serve" in found.found and found.level is Level.MISSING else None

        found = await eventually(refused)
        assert str(model) in found.found
        assert found.advice == "mend that: it tries again by itself"
        elsewhere = await running.look_at_composer(endpoint.address)
        assert elsewhere.level is Level.MISSING
        from postcards_image.engines.ddpm.loading import SHIPPED

        model.symlink_to(SHIPPED)

        async def serves() -> bool:
            return (await finding(endpoint)).found == "the image service is SERVING"

        await eventually(serves)
        # Asking why is no request: whoever serves by now begins nothing.
        from postcards_client.health import refusal

        method = "postcards.image.v1.ImageService/GenerateImage"
        assert await refusal(endpoint.address, method, within=5.0) == ("", "")


async def test_a_port_that_is_taken_by_another():
    first, metrics = free_ports(2)
    with socket.create_server(("127.0.0.1", metrics)):
        found = await finding(Endpoint("audio", first, metrics))
    assert found.level is Level.MISSING
    assert "is already in use" in found.found


async def test_nobody_elsewhere():
    found = await running.look_at_composer("127.0.0.1:1")
    assert found.level is Level.MISSING
    assert "gives no answer" in found.found
