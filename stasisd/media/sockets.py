"""Real sockets. UDP: one for RTP and one for RTCP per port, and two epolls.

A latched port's RTP socket is connected: the kernel drops what others send, and sending needs no
address. Those are read in batches, one packet of each that is readable; the level-triggered epoll
brings back the ones that have more. All other sockets are read with the sender's address.
"""

import ctypes
import os
import select
import socket
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .transport import Address, Stray

_EXPEDITED = 46 << 2  # DSCP of voice (RFC 3246)
_STRAYS = 32  # datagrams of unlatched sockets and RTCP read at a time
_LARGEST = 1500
_STREAM_READ = 8192
_STREAM_BUFFER = 16384
_UNSPECIFIED = bytes(16)  # a sockaddr of family AF_UNSPEC: dissolves a connection
_libc = ctypes.CDLL(None)

Send = Callable[[memoryview], object]


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpTransport:
    """The engine's transport over the network of this machine."""

    def __init__(self) -> None:
        self._rtp: dict[int, socket.socket] = {}
        self._rtcp: dict[int, socket.socket] = {}
        self._targets: dict[int, Address] = {}
        self._connected: set[int] = set()
        self._latched = select.epoll()
        self._others = select.epoll()
        self._readers: dict[int, tuple[int, Callable[[memoryview], int]]] = {}
        self._stray_of: dict[int, tuple[int, bool, socket.socket]] = {}
        self._senders: dict[int, Send] = {}
        self._rows: dict[int, memoryview] = {}
        self.unsent = 0

    def attach(self, received: NDArray[np.uint8], packets: NDArray[np.void]) -> None:
        """Learn where the RX and TX matrices are."""
        self._received = [memoryview(row) for row in received]
        self._packets = packets.view(np.uint8).reshape(len(packets), packets.itemsize)

    def open(self, slot: int, host: str, port: int) -> None:
        """Bind both sockets, or neither; raises OSError."""
        rtp = _bound(host, port)
        try:
            rtcp = _bound(host, port + 1)
        except OSError:
            rtp.close()
            raise
        self._rtp[slot], self._rtcp[slot] = rtp, rtcp
        self._rows[slot] = memoryview(self._packets[slot])
        for sock, is_rtcp in ((rtp, False), (rtcp, True)):
            self._stray_of[sock.fileno()] = (slot, is_rtcp, sock)
            self._others.register(sock, select.EPOLLIN)

    def close(self, slot: int) -> None:
        """Close both; the epolls forget them by themselves."""
        for sockets in (self._rtp, self._rtcp):
            sock = sockets.pop(slot)
            self._stray_of.pop(sock.fileno(), None)
            self._readers.pop(sock.fileno(), None)
            sock.close()
        self._connected.discard(slot)
        for table in (self._targets, self._senders, self._rows):
            table.pop(slot, None)

    def count(self) -> int:
        """How many sockets are open."""
        return len(self._rtp) + len(self._rtcp)

    def aim(self, slot: int, target: Address, *, latched: bool) -> None:
        """Send to `target` from now on; hear only it where `latched`, else everyone."""
        sock = self._rtp[slot]
        self._targets[slot] = target
        if slot in self._connected:
            self._loosen(slot, sock)
        if latched and self._fasten(slot, sock, target):
            return
        self._senders[slot] = lambda row: sock.sendto(row, target)

    def _fasten(self, slot: int, sock: socket.socket, target: Address) -> bool:
        try:
            sock.connect(target)
        except OSError:
            return False
        self._connected.add(slot)
        self._senders[slot] = sock.send
        self._others.unregister(sock)
        del self._stray_of[sock.fileno()]
        self._readers[sock.fileno()] = (slot, sock.recv_into)
        self._latched.register(sock, select.EPOLLIN)
        return True

    def _loosen(self, slot: int, sock: socket.socket) -> None:
        _libc.connect(sock.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))
        self._connected.discard(slot)
        self._latched.unregister(sock)
        del self._readers[sock.fileno()]
        self._stray_of[sock.fileno()] = (slot, False, sock)
        self._others.register(sock, select.EPOLLIN)

    def receive(self, slots: NDArray[np.int64], lengths: NDArray[np.int64]) -> int:
        """Read at most one packet of each latched port; how many were read."""
        rows, readers = self._received, self._readers
        found: list[int] = []
        sizes: list[int] = []
        for fd, _ in self._latched.poll(0, len(rows)):
            slot, recv_into = readers[fd]
            try:
                sizes.append(recv_into(rows[len(found)]))
            except OSError:  # nothing there after all, or the far end's port is closed
                continue
            found.append(slot)
        count = len(found)
        slots[:count], lengths[:count] = found, sizes
        return count

    def strays(self) -> list[Stray]:
        """Read one datagram of each other socket that has any."""
        strays = []
        for fd, _ in self._others.poll(0, _STRAYS):
            slot, is_rtcp, sock = self._stray_of[fd]
            try:
                data, sender = sock.recvfrom(_LARGEST)
            except OSError:
                continue
            strays.append(Stray(slot, is_rtcp, data, (sender[0], sender[1])))
        return strays

    def send(self, slots: list[int]) -> None:
        """Send each slot's row of the TX matrix; what the kernel refuses is lost, as on a wire."""
        senders, rows = self._senders, self._rows
        for slot in slots:
            try:
                senders[slot](rows[slot])
            except OSError:
                self.unsent += 1

    def send_one(self, slot: int, data: bytes) -> None:
        """Send one RTP packet that is not in the matrix."""
        try:
            self._senders[slot](memoryview(data))
        except OSError:
            self.unsent += 1

    def send_rtcp(self, slot: int, data: bytes) -> None:
        """Send one RTCP packet to the port after the RTP target."""
        host, port = self._targets[slot]
        try:
            self._rtcp[slot].sendto(data, (host, port + 1))
        except (OSError, OverflowError):
            self.unsent += 1


class StreamSocket:
    """A connected stream socket of which we were given the descriptor; closed when it goes."""

    def __init__(self, descriptor: int) -> None:
        """Raises OSError for what is no socket; the descriptor is ours in any case."""
        try:
            self._sock = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._sock.setblocking(False)
        # A far end that is ahead of time waits in its own memory, not in ours.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STREAM_BUFFER)
        if self._sock.family in {socket.AF_INET, socket.AF_INET6}:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes | None:
        """What has come, b"" where nothing has; None once the far end is gone."""
        try:
            return self._sock.recv(_STREAM_READ) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def send(self, data: bytes) -> int:
        """Send some of `data`; how much was taken. An error shows when we read."""
        try:
            return self._sock.send(data)
        except OSError:
            return 0

    def close(self) -> None:
        """End it."""
        self._sock.close()
