"""The control socket: HTTP's interface again, for who runs on this machine as the same user."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

SOCKET = "control.sock"  # in the state folder
MODE = 0o600
BACKLOG = 64


class CannotControlError(Exception):
    """The control socket can't be made; the message says where and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the control socket {path} can't be made: {reason}")


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Another name of a socket, while the block runs: the kernel takes no more than 107 bytes.

    Raises OSError.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@contextmanager
def listening(path: Path) -> Iterator[trio.SocketListener]:
    """Listen at a path, for this user alone; what a daemon that was killed has left is replaced.

    Raises `CannotControlError`, also where another daemon listens there.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with made:
        try:
            with short(path) as name:
                _remove_dead(name)
                _bind(made, name)
        except OSError as error:
            raise CannotControlError(path, error.strerror or str(error)) from None
        try:
            yield trio.SocketListener(trio.socket.from_stdlib_socket(made))
        finally:
            path.unlink(missing_ok=True)


def _bind(made: socket.socket, name: str) -> None:
    """With the mode from the start: between bind and chmod anybody could connect."""
    before = os.umask(0o777 & ~MODE)
    try:
        made.bind(name)
    finally:
        os.umask(before)
    made.listen(BACKLOG)
    made.setblocking(False)


def _remove_dead(name: str) -> None:
    """Remove a socket that nobody listens at. Raises OSError where somebody does."""
    if is_listening(name):
        raise OSError(errno.EADDRINUSE, "another daemon of this state folder runs")
    Path(name).unlink(missing_ok=True)


def is_listening(name: str) -> bool:
    """Whether somebody takes connections there. Raises OSError where that can't be tried."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
