"""The example applications as programs, on unmodified clients, over HTTP on loopback.

A call takes as long as it takes, and `ari-client` comes from npm: `pytest -m phone`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from stasisd.bindings.documents import SwaggerDocuments
from stasisd.bindings.rest.door import Door
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from stasisd.operations import OPERATIONS
from tests.support.server import SERVER, Server, serving

from .caller import DIALPLAN, EXAMPLES, Call

pytestmark = pytest.mark.phone

# A whole call takes about 25 s.
PATIENCE = 90


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[str]:
    """Serve over HTTP, with documents. Gives the URL."""
    responder = AriResponder(
        server.performer,
        Door(server.authenticator),
        documents=SwaggerDocuments(OPERATIONS.values(), host="unused"),
        open_session=lambda hearing, grant: ServedSocket(
            open_session(server.performer, hearing, grant, server.tenures, WebSocketSettings())
        ),
        server=SERVER,
    )
    settings = HttpSettings(listen=(("127.0.0.1", 0),))
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(partial(serve, responder, settings, stop=stop))
        yield "http://{}:{}/".format(*addresses[0])
        stop.set()


class Program:
    """A running example."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self.output = ""

    async def says(self, text: str) -> None:
        """Wait until this stands in its output."""
        assert self._process.stdout is not None
        while text not in self.output:
            data = await self._process.stdout.receive_some()
            assert data, f"it ended, having said {self.output!r}"
            self.output += data.decode()


@asynccontextmanager
async def running(
    folder: Path, *command: str | Path, **environment: str
) -> AsyncIterator[tuple[Program, Call]]:
    """An example that is connected, and a call to it."""
    async with (
        serving(folder, DIALPLAN) as server,
        listening(server) as url,
        trio.open_nursery() as nursery,
    ):
        start = partial(
            trio.run_process,
            [*command, url, "conf", "conf"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, **environment},
        )
        with trio.fail_after(PATIENCE):
            program = Program(await nursery.start(start))
            await program.says("waits for calls")
            yield program, Call(server)
        nursery.cancel_scope.cancel()


async def test_asyncari(tmp_path: Path) -> None:
    example = EXAMPLES / "asyncari_demo.py"
    async with running(tmp_path, sys.executable, "-u", example) as (program, call):
        await call.control_and_record()
        await program.says(": over")


async def test_ari_client(tmp_path: Path, node_modules: Path) -> None:
    example = EXAMPLES / "ari_client_demo.js"
    async with running(tmp_path, "node", example, NODE_PATH=str(node_modules)) as (program, call):
        await call.control_and_record()
        await program.says(": over")


async def test_ari_client_when_the_caller_hangs_up(tmp_path: Path, node_modules: Path) -> None:
    example = EXAMPLES / "ari_client_demo.js"
    async with running(tmp_path, "node", example, NODE_PATH=str(node_modules)) as (program, call):
        await call.dial()
        await call.starts("sound:demo-menu")
        await call.hangup()
        await program.says("the caller hung up")
        await call.ended()
