"""Telling systemd how we are: the protocol of sd_notify(3), over a datagram socket.

Outside systemd everything here does nothing.
"""

import os
import socket
import time
from collections.abc import Mapping

import trio

MICROSECONDS = 1_000_000


class Notifier:
    """Speaks to the service manager that the environment names. Never blocks, never fails."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`."""
        address = environment.get("NOTIFY_SOCKET", "")
        # A name that starts with @ is in the abstract namespace, unix(7).
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds = _watchdog_seconds(environment)

    def ready(self, status: str = "") -> None:
        """The daemon serves, at first or again after `reloading`; `status` is a line for people."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again; `ready` must follow."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str = "") -> None:
        """The daemon ends."""
        self._send("STOPPING=1", f"STATUS={status}")

    async def feed_watchdog(self) -> None:
        """Says for ever, twice in each interval, that the event loop turns; a task of its own."""
        if self.watchdog_seconds is None:
            return
        while True:
            self._send("WATCHDOG=1")
            await trio.sleep(self.watchdog_seconds / 2)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(line.replace("\n", " ") for line in lines)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(message.encode(), self._address)
            except OSError:
                pass  # a manager that doesn't listen is no reason to end calls


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """The interval within which systemd wants to hear from this process, if it does."""
    interval = environment.get("WATCHDOG_USEC", "")
    pid = environment.get("WATCHDOG_PID", "")
    if not interval.isdecimal() or pid not in {"", str(os.getpid())}:
        return None
    return int(interval) / MICROSECONDS or None
