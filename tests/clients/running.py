"""A daemon, an application on an unmodified client, and a caller of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.support import program
from tests.support.listening import Listener

DIALPLAN = """
[applications]
exten => _[a-z].,1,Stasis(${EXTEN})
 same => n,Hangup()
[parties]
exten => other,1,Wait(1)
 same => n,Answer()
 same => n,Wait(60)
"""


class Application:
    """A running application: what it says, line by line."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._news = trio.Event()
        self._ended = False

    async def read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        async for data in self.process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            self.lines += [line.decode() for line in lines]
            self._tell()
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def says(self, line: str) -> None:
        """Wait until it says this; what it said before is passed over."""
        while True:
            while self.lines:
                if self.lines.pop(0) == line:
                    return
            assert not self._ended, f"it ended without saying {line!r}"
            await self._news.wait()


class Stage:
    """The daemon, and who watches it."""

    def __init__(self, daemon: program.Program, http: httpx.AsyncClient, all_: Listener) -> None:
        self.daemon = daemon
        self.http = http
        self.events = all_

    @asynccontextmanager
    async def application(self, *command: str | Path, **more: str) -> AsyncIterator[Application]:
        """Run an application, and wait until it is ready."""
        host, port = (await self.daemon.addresses())[0]
        environment = {
            **os.environ,
            "ARI_URL": f"http://{host}:{port}/",
            "ARI_HOST": host,
            "ARI_PORT": str(port),
            "ARI_USER": program.USER,
            "ARI_PASSWORD": program.PASSWORD,
            **more,
        }
        async with trio.open_nursery() as nursery:
            process = await trio.lowlevel.open_process(
                [str(part) for part in command],
                stdout=-1,
                env=environment,
            )
            made = Application(process)
            nursery.start_soon(made.read)
            try:
                await made.says("ready")
                yield made
            finally:
                process.kill()
                with trio.CancelScope(shield=True):
                    await process.wait()
                nursery.cancel_scope.cancel()

    async def call(self, application: str, name: str = "caller") -> None:
        """Let a channel call an application: `name` is the caller's end, `name;2` the other."""
        await self.ask(
            "POST", f"channels/{name}", endpoint=f"Local/{application}@applications", app="callers"
        )

    async def press(self, digits: str, name: str = "caller") -> None:
        await self.ask("POST", f"channels/{name}/dtmf", dtmf=digits)

    async def hang_up(self, name: str = "caller") -> None:
        await self.ask("DELETE", f"channels/{name}")

    async def ask(self, method: str, path: str, **parameters: str) -> Any:
        reply = await self.http.request(method, path, params=parameters)
        assert reply.is_success, (method, path, reply.status_code, reply.text)
        return reply.json() if reply.content else None


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A daemon whose dialplan hands every call of `applications` to the one it is named for."""
    with trio.fail_after(60):
        async with (
            program.running(folder, program.configuration(), DIALPLAN) as daemon,
            daemon.listen("callers"),
            daemon.listen("observer", everything=True) as all_,
            await daemon.client() as http,
        ):
            yield Stage(daemon, http, all_)
            assert await daemon.end() == 0
