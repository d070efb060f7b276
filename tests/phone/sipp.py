"""sipp from Debian plays a scenario of the folder ``scenarios`` against the daemon.

One of them by hand, beside a running stasisd:

    sipp 127.0.0.1:5060 -sf tests/phone/scenarios/register.xml -m 1 -au 100 -ap PASSWORD \
        -key expires 60
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import trio

from tests.support.program import PHONE_PASSWORD

SCENARIOS = Path(__file__).parent / "scenarios"
HOST = "127.0.0.1"
# For a whole scenario, in seconds.
PATIENCE = 60
TRANSPORTS = {"udp": "u1", "tcp": "t1"}


class Failed(AssertionError):
    """The daemon did not do what the scenario says; the message is sipp's."""


def is_installed() -> bool:
    return shutil.which("sipp") is not None


def free_port() -> int:
    """A port that the registration and the calls of one phone can share."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


async def play(
    scenario: str,
    server: tuple[str, int],
    folder: Path,
    *,
    transport: str = "udp",
    port: int = 0,
    milliseconds: int = 0,
    echoes: bool = False,
    **keys: str | int,
) -> None:
    """Play one scenario once, as the phone 100, in a folder for its files. Raises Failed.

    ``keys`` are what the scenario has in brackets: ``[exten]`` is ``exten``. A pause whose length
    it does not say lasts ``milliseconds``. A phone that ``echoes`` sends back what it hears.
    """
    errors = folder / f"{scenario}.errors"
    command = [
        *("sipp", f"{server[0]}:{server[1]}", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", "1"),
        *("-i", HOST, "-mi", HOST, "-t", TRANSPORTS[transport]),
        *("-au", "100", "-ap", PHONE_PASSWORD, "-nostdin", "-timeout", str(PATIENCE)),
        *("-d", str(milliseconds), "-timeout_error", "-trace_err", "-error_file", str(errors)),
        *(("-p", str(port)) if port else ()),
        *(("-rtp_echo",) if echoes else ()),
    ]
    for name, value in keys.items():
        command += ["-key", name, str(value)]
    done = await trio.run_process(
        command, stdin=b"", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False, cwd=folder,
    )  # fmt: skip
    if done.returncode:
        told = errors.read_text(errors="replace") if errors.exists() else "no reason told"
        raise Failed(f"{scenario}: {told}")
