"""The byte stream below a connection: TCP, or TLS over TCP, and the ways to end it."""

from __future__ import annotations

import os
import socket
import struct
from typing import TypeAlias

import trio

Transport: TypeAlias = "trio.SocketStream | trio.SSLStream[trio.SocketStream]"

CHUNK = 64 * 1024
# SO_LINGER on, 0 seconds: close drops what is unsent, and the peer gets a reset.
_LINGER_OFF = struct.pack("ii", 1, 0)
# The address of clients at a socket of this machine, which have none.
UNIX = "unix"
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


def tcp_of(stream: Transport) -> trio.SocketStream:
    """Return the TCP stream at the bottom."""
    return stream.transport_stream if isinstance(stream, trio.SSLStream) else stream


def peer_of(stream: Transport) -> tuple[str, int]:
    """Return the client's address; ("", 0) when it has gone already, UNIX for a local one."""
    sock = tcp_of(stream).socket
    if sock.family == socket.AF_UNIX:
        return UNIX, 0
    try:
        host, port = sock.getpeername()[:2]
    except OSError:
        return "", 0
    return host, port


def abort(stream: Transport) -> None:
    """Cut the connection at once; whoever waits on it gets `trio.ClosedResourceError`."""
    sock = tcp_of(stream).socket
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    except OSError:  # closed already
        pass
    sock.close()


def _send_now(stream: trio.SocketStream, data: bytes) -> int:
    """Send what the kernel takes at once; returns how much. Raises `trio.BrokenResourceError`."""
    try:
        return os.write(stream.socket.fileno(), data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise trio.BrokenResourceError from error


async def send(stream: Transport, data: bytes, patience: float) -> bool:
    """Send all of it, or abort the connection: half of it can't be taken back.

    Never shielded: a peer that reads nothing holds us for `patience` seconds, a cancelled caller
    not at all. Returns False when the peer is gone. Waits only where the kernel's buffer is full:
    a turn of the scheduler would cost as much as the rest of a short response.
    """
    sent = False
    try:
        rest = data if isinstance(stream, trio.SSLStream) else data[_send_now(stream, data) :]
        if rest:
            with trio.move_on_after(patience):
                await stream.send_all(rest)
                sent = True
        else:
            sent = True
    except GONE:
        pass
    finally:
        if not sent:
            abort(stream)
    return sent


async def hang_up(stream: Transport, patience: float) -> None:
    """Say that nothing more will come, and wait for the peer to do the same (RFC 9112, 9.6).

    To close with unread bytes would reset the connection, and our last response with it.
    """
    try:
        with trio.move_on_after(patience):
            await tcp_of(stream).send_eof()
            while await stream.receive_some(CHUNK):
                pass
    except GONE:
        pass
