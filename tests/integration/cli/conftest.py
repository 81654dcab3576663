"""The `postcards` command, run against a composer that plays a script."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import pytest

from command_runs import Run
from fake_composer import composer, refused

__all__ = ["composer", "refused"]


@pytest.fixture
def postcards(composer, tmp_path) -> Callable[..., Awaitable[Run]]:
    """Runs `postcards` with arguments against the fake composer."""

    async def run(*arguments: str, address: str | None = None) -> Run:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postcards_cli",
            *arguments,
            env={**os.environ, "POSTCARDS_ADDRESS": composer.address if address is None else address},
            cwd=tmp_path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Run(process.returncode, out.decode(), err.decode())

    return run
