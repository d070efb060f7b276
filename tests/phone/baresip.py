"""baresip from Debian, unmodified, as a phone that a test holds in its hand.

It says what is in one WAV file, and its sndfile module writes what it hears to another; its
ctrl_tcp module takes commands and tells events, each JSON in a netstring.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from tests.support.program import PHONE_PASSWORD

from .cable import Cable

# The control port of the phone 100; those of the others follow.
CONTROL_PORT = 24444
MODULES = Path("/usr/lib/baresip/modules")
CONFIG = """\
poll_method epoll
audio_source aufile,{says}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
snd_path {folder}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{port}
"""


def is_installed() -> bool:
    return shutil.which("baresip") is not None and (MODULES / "ctrl_tcp.so").exists()


class Baresip:
    """A running baresip."""

    def __init__(self, folder: Path, control: trio.SocketStream) -> None:
        self._folder = folder
        self.events: list[dict[str, Any]] = []
        self._control = control
        self._news = trio.Event()

    async def read(self) -> None:
        """Read events and responses until baresip ends."""
        rest = b""
        async for data in self._control:
            rest += data
            while (split := _netstring(rest)) is not None:
                message, rest = split
                self.events.append(json.loads(message))
            self._news.set()
            self._news = trio.Event()

    async def command(self, name: str, parameters: str = "") -> None:
        message = json.dumps({"command": name, "params": parameters})
        await self._control.send_all(f"{len(message)}:{message},".encode())

    async def happens(self, kind: str) -> dict[str, Any]:
        """Wait until baresip has told an event of this type, and take it with all before it."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event.get("type") == kind:
                    return event
            await self._news.wait()

    async def dial(self, uri: str) -> None:
        """Call, and wait for the answer."""
        await self.command("dial", uri)
        await self.happens("CALL_ESTABLISHED")

    def heard(self) -> Path:
        """The file with what it hears in its only call."""
        (file,) = self._folder.glob("dump-*-dec.wav")
        return file

    async def press(self, key: str) -> None:
        """Send a key by RFC 4733."""
        await self.command("sndcode", key)


def _netstring(data: bytes) -> tuple[bytes, bytes] | None:
    length, colon, rest = data.partition(b":")
    if not colon or len(rest) <= int(length):
        return None
    return rest[: int(length)], rest[int(length) + 1 :]


@asynccontextmanager
async def running(
    cable: Cable,
    server: tuple[str, int],
    folder: Path,
    says: Path,
    *,
    transport: str = "udp",
    name: str = "100",
) -> AsyncIterator[Baresip]:
    """Run baresip with an account, at its end of the cable; each in a folder of its own."""
    port = CONTROL_PORT + int(name) - 100
    settings = CONFIG.format(says=says, folder=folder, modules=MODULES, host=cable.phone, port=port)
    (folder / "config").write_text(settings)
    account = f"<sip:{name}@{server[0]}:{server[1]};transport={transport}>"
    (folder / "accounts").write_text(
        f'{account};auth_user={name};auth_pass="{PHONE_PASSWORD}";regint=60;audio_codecs=PCMU\n'
    )
    (folder / "contacts").write_text("")
    start = partial(
        trio.run_process,
        cable.inside("baresip", "-f", str(folder)),
        stdin=b"",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(start)
        async with await _connected(cable.phone, port) as control:
            made = Baresip(folder, control)
            nursery.start_soon(made.read)
            yield made
            nursery.cancel_scope.cancel()


async def _connected(host: str, port: int) -> trio.SocketStream:
    """Its control connection; while it starts, nobody listens."""
    while True:
        try:
            return await trio.open_tcp_stream(host, port)
        except OSError:
            await trio.sleep(0.05)
