"""A daemon, applications on unmodified clients, and the phones that call them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import trio

from tests.support import program
from tests.support.handset import Handset, handset
from tests.support.listening import Listener

APPLICATIONS = Path(__file__).parent / "applications"
# Whoever is called by an application.
PARTY = "100"
DIALPLAN = """
[default]
exten => _[a-z].,1,Stasis(${EXTEN})
 same => n,Hangup()
"""
# How long an application may take to do the next thing, in seconds.
PATIENCE = 15

T = TypeVar("T")


class Client(msgspec.Struct, frozen=True):
    """How programs on one of the clients are run; they are in a folder of its name."""

    name: str
    command: str | Path
    environment: Mapping[str, str] = {}


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

    async def says(self, *wanted: str) -> None:
        """Wait until it has said these, one after the other; what it says between is passed."""
        for line in wanted:
            with trio.fail_after(PATIENCE):
                await self._says(line)

    async def _says(self, wanted: str) -> None:
        while True:
            while self.lines:
                if self.lines.pop(0) == wanted:
                    return
            assert not self._ended, f"it ended without saying {wanted!r}"
            await self._news.wait()

    async def ends(self) -> None:
        """Wait until it has ended by itself, and well."""
        with trio.fail_after(PATIENCE):
            assert await self.process.wait() == 0


class Stage:
    """The daemon, who watches it, and who has come; all leave at the end of the test."""

    def __init__(
        self,
        daemon: program.Program,
        http: httpx.AsyncClient,
        events: Listener,
        nursery: trio.Nursery,
    ) -> None:
        self.daemon = daemon
        self.events = events
        self._http = http
        self._nursery = nursery

    async def run(self, client: Client, name: str) -> Application:
        """Run an application, and wait until it is ready."""
        (path,) = (APPLICATIONS / client.name).glob(f"{name}.*")
        (host, port), _ = await self.daemon.addresses()
        environment = {
            **os.environ,
            "ARI_URL": f"http://{host}:{port}/",
            "ARI_HOST": host,
            "ARI_PORT": str(port),
            "ARI_USER": program.USER,
            "ARI_PASSWORD": program.PASSWORD,
            **client.environment,
        }
        command = [str(client.command), str(path)]
        application = await self._comes(_running(command, environment))
        await application.says("ready")
        return application

    async def phone(self, name: str) -> Handset:
        """A registered phone: one of `program.PHONES`."""
        _, server = await self.daemon.addresses()
        return await self._comes(handset(server, name))

    async def caller(self) -> Handset:
        return await self.phone("101")

    async def party(self) -> Handset:
        return await self.phone(PARTY)

    async def happens(self, kind: str, **ids: str) -> dict[str, Any]:
        """Wait for the next event of this type about objects of these ids."""
        with trio.fail_after(PATIENCE):
            return await self.events.until(kind, **ids)

    async def ask(self, path: str) -> Any:
        return (await self._http.get(path)).raise_for_status().json()

    async def _comes(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter a context that is left at the end of the test."""
        made: T = await self._nursery.start(_stays, context)
        return made


async def _stays(
    context: AbstractAsyncContextManager[T], *, task_status: trio.TaskStatus[T]
) -> None:
    async with context as made:
        task_status.started(made)
        await trio.sleep_forever()


@asynccontextmanager
async def _running(command: list[str], environment: dict[str, str]) -> AsyncIterator[Application]:
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(command, stdout=-1, env=environment)
        made = Application(process)
        nursery.start_soon(made.read)
        try:
            yield made
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def stage_at(folder: Path, host: str = "127.0.0.1") -> AsyncIterator[Stage]:
    """A daemon whose dialplan hands every call to the application that it is named for."""
    async with (
        program.running(folder, program.configuration(host), DIALPLAN) as daemon,
        daemon.listen("observer", everything=True) as events,
        await daemon.client() as http,
    ):
        async with trio.open_nursery() as nursery:
            yield Stage(daemon, http, events, nursery)
            nursery.cancel_scope.cancel()
        assert await daemon.end() == 0
