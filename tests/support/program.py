"""The daemon as its users have it: the program, with a folder and addresses of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio

from .listening import Listener, listening

# asyncari puts the password into its URLs as it is, so no space is in it.
USER, PASSWORD = "stasis", "a-password-of-the-tests"
PHONE_PASSWORD = "another password of the tests"
PHONES = ("100", "101", "102")
COMMAND = (sys.executable, "-m", "stasisd", "serve", "--config")
# How long a start, or an end that nothing delays, may take, in seconds.
PATIENCE = 20


def configuration(host: str = "127.0.0.1", rtp_ports: str = "20000-29999", more: str = "") -> str:
    """A configuration on free ports; ``more`` are further tables."""
    phones = "".join(
        f'[tenants.default.endpoints.{name}]\npassword = "{PHONE_PASSWORD}"\n' for name in PHONES
    )
    return (
        f'[http]\nbind = ["127.0.0.1:0"]\n'
        f'[sip]\nbind = "{host}:0"\n'
        f'[media]\nbind = "{host}"\nrtp_ports = "{rtp_ports}"\n'
        f'[tenants.default.users.{USER}]\npassword = "{PASSWORD}"\n{phones}{more}'
    )


class Program:
    """A running daemon."""

    def __init__(self, process: trio.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.log: list[dict[str, Any]] = []
        self._news = trio.Event()
        self._ended = trio.Event()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def recordings(self) -> Path:
        return self.folder / "state" / "stasisd" / "recordings"

    def worker(self) -> int:
        """The process id of the media process."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/children")
        (child,) = [int(pid) for thread in threads for pid in thread.read_text().split()]
        return child

    async def read_log(self) -> None:
        """Read what the daemon writes, until it ends."""
        assert self.process.stderr is not None
        rest = b""
        async for data in self.process.stderr:
            *lines, rest = (rest + data).split(b"\n")
            self.log += [_entry(line) for line in lines]
            self._tell()
        self._ended.set()
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def logs(self, event: str) -> dict[str, Any]:
        """Wait until this event stands in the log."""
        while True:
            for entry in self.log:
                if entry["event"] == event:
                    return entry
            assert not self._ended.is_set(), f"it ended without {event!r}: {self.log}"
            await self._news.wait()

    async def addresses(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Wait until the daemon is up: where HTTP and SIP listen."""
        up = await self.logs("stasisd is up")
        return _address(up["http"][0]), _address(up["sip"][0])

    async def url(self) -> str:
        """The URL of the HTTP server, without a path."""
        (host, port), _ = await self.addresses()
        return f"http://{host}:{port}"

    async def client(self) -> httpx.AsyncClient:
        """A client of ARI; its paths begin behind ``/ari``."""
        url = f"{await self.url()}/ari"
        return httpx.AsyncClient(base_url=url, auth=(USER, PASSWORD), timeout=PATIENCE)

    @asynccontextmanager
    async def listen(self, app: str, *, everything: bool = False) -> AsyncIterator[Listener]:
        """Listen to an application's events, or to everybody's."""
        url = await self.url()
        async with listening(url, app, USER, PASSWORD, everything=everything) as listener:
            yield listener

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit code."""
        self.process.send_signal(number)
        return await self.process.wait()


def _entry(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"event": line.decode(errors="replace"), "level": "none"}


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def environment(folder: Path) -> dict[str, str]:
    """The environment of a daemon that keeps its state in this folder."""
    given = {key: value for key, value in os.environ.items() if key != "STATE_DIRECTORY"}
    return given | {"XDG_STATE_HOME": str(folder / "state")}


@asynccontextmanager
async def running(folder: Path, text: str, dialplan: str | None = None) -> AsyncIterator[Program]:
    """Run the daemon on this configuration; killed at the end if it still runs."""
    file = folder / "stasisd.toml"
    file.write_text(text)
    if dialplan is not None:
        (folder / "extensions.conf").write_text(dialplan)
    start = partial(
        trio.run_process,
        [*COMMAND, str(file)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        check=False,
        env=environment(folder),
        deliver_cancel=_kill,
    )
    async with trio.open_nursery() as nursery:
        program = Program(await nursery.start(start), folder)
        nursery.start_soon(program.read_log)
        with trio.fail_after(PATIENCE):
            await program.addresses()
        yield program
        nursery.cancel_scope.cancel()


async def _kill(process: trio.Process) -> None:
    process.kill()


async def run_to_its_end(folder: Path, text: str) -> subprocess.CompletedProcess[bytes]:
    """Run a daemon that can't start, or is misconfigured."""
    file = folder / "stasisd.toml"
    file.write_text(text)
    with trio.fail_after(PATIENCE):
        return await trio.run_process(
            [*COMMAND, str(file)],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=environment(folder),
        )
