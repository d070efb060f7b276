"""What systemd hears."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from stasisd.sd_notify import Notifier


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)
        yield listener


def heard(listener: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(listener.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_each_state_is_told(tmp_path: Path) -> None:
    with manager(str(tmp_path / "s")) as listener:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "s")})
        notifier.ready("serves\nREADY=0")
        notifier.reloading()
        notifier.stopping("3 calls")
        ready, reloading, stopping = heard(listener)
    assert ready == "READY=1\nSTATUS=serves READY=0"
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)
    assert stopping == "STOPPING=1\nSTATUS=3 calls"


def test_abstract_addresses() -> None:
    name = f"stasisd-test-{os.getpid()}"
    with manager(f"\0{name}") as listener:
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert heard(listener) == ["READY=1\nSTATUS="]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "x" * 500, "@"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    Notifier({"NOTIFY_SOCKET": address}).ready()


def test_a_full_socket_does_not_block(tmp_path: Path) -> None:
    with manager(str(tmp_path / "s")) as listener:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "s")})
        for _ in range(2_000):
            notifier.ready()
        assert 0 < len(heard(listener)) < 2_000


async def test_the_watchdog_is_fed_twice_an_interval(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "s"), "WATCHDOG_USEC": "4000000"}
    with manager(str(tmp_path / "s")) as listener:
        with trio.move_on_after(9):
            await Notifier(environment).feed_watchdog()
        assert heard(listener) == ["WATCHDOG=1"] * 5


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
async def test_the_watchdog_is_ours_or_off(
    environment: dict[str, str], seconds: float | None
) -> None:
    notifier = Notifier(environment)
    assert notifier.watchdog_seconds == seconds
    if seconds is None:
        await notifier.feed_watchdog()
