"""The example applications of the documentation, run as they are beside a daemon."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from tests.support import program

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ASYNCARI = EXAMPLES / "asyncari_demo.py"
ARI_CLIENT = EXAMPLES / "ari_client_demo.js"


@asynccontextmanager
async def example(
    daemon: program.Program, *command: str | Path, **environment: str
) -> AsyncIterator[None]:
    """Run an example; it has to be told nothing, and ends with us."""
    credentials = {"ARI_URL": f"{await daemon.url()}/", "ARI_PASSWORD": program.PASSWORD}
    start = partial(
        trio.run_process,
        command,
        stdout=subprocess.DEVNULL,
        env=os.environ | credentials | environment,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(start)
        await applications(daemon)
        yield
        nursery.cancel_scope.cancel()


async def applications(daemon: program.Program) -> None:
    """Wait until the example is connected: another process, so that no event can be awaited."""
    async with await daemon.client() as ari:
        while (await ari.get("/applications/demo")).status_code != 200:  # noqa: ASYNC110
            await trio.sleep(0.1)
