"""A network namespace with a phone's end of a cable: some phones refuse the loopback interface.

The other end is an interface of ours, which goes away with the namespace, and the namespace with
the process that holds it: that ends when its standard input does, whatever becomes of us.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

PATIENCE = 10
# What the phone's end is called inside its namespace.
INTERFACE = "phone0"


class CannotConnect(Exception):
    """No cable can be laid here; the message says why."""


class Cable(msgspec.Struct, frozen=True):
    """``server`` and ``phone`` are the addresses of its ends."""

    server: str
    phone: str
    holder: int

    def inside(self, *command: str) -> list[str]:
        """A command as it is run at the phone's end."""
        return ["nsenter", f"--target={self.holder}", "--net", *command]


@contextmanager
def laid() -> Iterator[Cable]:
    """Lay a cable. Raises CannotConnect."""
    if os.geteuid() != 0:
        raise CannotConnect("a network namespace takes root")
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            raise CannotConnect(f"{program} is not installed")
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"ready\n":
            raise CannotConnect("no network namespace may be made")
        number = holder.pid % 250 + 1
        cable = Cable(f"10.77.{number}.1", f"10.77.{number}.2", holder.pid)
        name = f"stasisd{number}"
        try:
            _run(
                "ip",
                "link",
                "add",
                name,
                "type",
                "veth",
                "peer",
                "name",
                INTERFACE,
                "netns",
                str(holder.pid),
            )
            _run("ip", "address", "add", f"{cable.server}/24", "dev", name)
            _run("ip", "link", "set", name, "up")
            _run(*cable.inside("ip", "link", "set", "lo", "up"))
            _run(*cable.inside("ip", "address", "add", f"{cable.phone}/24", "dev", INTERFACE))
            _run(*cable.inside("ip", "link", "set", INTERFACE, "up"))
            # linphonec takes a machine without a way out for one without a network.
            route = ("ip", "route", "add", "default", "via", cable.server)
            _run(*cable.inside(*route))
            yield cable
        finally:
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait(PATIENCE)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode().strip()
        raise CannotConnect(f"{' '.join(command)}: {reason}") from None
