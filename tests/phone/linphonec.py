"""linphonec from Debian, unmodified, as a phone that a test holds in its hand.

It says what is in one WAV file and writes what it hears to another; commands are typed into it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from tests.support.program import PHONE_PASSWORD

from .cable import Cable

# The port has to be given: Debian's version opens none by itself.
CONFIG = """\
[sip]
sip_port=5070
sip_tcp_port=5070
[auth_info_0]
username=100
passwd={password}
realm=stasisd
[proxy_0]
reg_proxy=<sip:{host}:{port};transport={transport}>
reg_identity=sip:100@{host}:{port}
reg_sendregister=1
reg_expires=60
"""


def is_installed() -> bool:
    return shutil.which("linphonec") is not None


class Linphonec:
    """A running linphonec."""

    def __init__(self, process: trio.Process, folder: Path) -> None:
        self._process = process
        self.heard = folder / "heard.wav"

    async def type(self, line: str) -> None:
        """Type a command, or a key while there is a call."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(f"{line}\n".encode())


@asynccontextmanager
async def running(
    cable: Cable, server: tuple[str, int], folder: Path, says: Path, transport: str = "udp"
) -> AsyncIterator[Linphonec]:
    """Run linphonec with the account 100, at its end of the cable."""
    host, port = server
    settings = CONFIG.format(host=host, port=port, password=PHONE_PASSWORD, transport=transport)
    (folder / "linphonerc").write_text(settings)
    (folder / ".local" / "share" / "linphone").mkdir(parents=True)
    start = partial(
        trio.run_process,
        cable.inside("linphonec", "-c", str(folder / "linphonerc")),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        env=os.environ | {"HOME": str(folder)},
    )
    async with trio.open_nursery() as nursery:
        made = Linphonec(await nursery.start(start), folder)
        await made.type("soundcard use files")
        await made.type(f"play {says}")
        await made.type(f"record {made.heard}")
        yield made
        nursery.cancel_scope.cancel()
