"""The sockets under the SIP user agent: bytes in, bytes out, and nothing understood.

Sending is synchronous, so that it can stand in ``finally``: a datagram leaves at once, a stream's
bytes go into a bounded queue that its own task writes. What can't be sent is lost, as on any
network; the user agent retransmits or gives up. Each task closes the socket it serves.
"""

import functools
import itertools
import socket
from typing import Protocol

import structlog
import trio

from stasisd.sip.flow import Address, Flow

from .inbox import Connected, Heard, Inbox

log = structlog.get_logger(__name__)

MAX_DATAGRAM = 65535
# Datagrams taken in one go before other tasks get their turn.
BURST = 64
READ_SIZE = 16 * 1024
QUEUED_WRITES = 256
CONNECT_SECONDS = 10.0
WRITE_SECONDS = 20.0
MAX_CONNECTIONS = 1000


class CannotListen(Exception):
    """An address can't be bound; the message says which and why."""


class Wire(Protocol):
    """What a user agent needs of a network; what comes in goes to an inbox."""

    def listen_udp(self, host: str, port: int) -> Address:
        """Take datagrams at an address; port 0 is any that is free. Raises CannotListen."""

    async def listen_tcp(self, host: str, port: int) -> Address:
        """Take connections at an address; likewise."""

    def send(self, flow: Flow, data: bytes) -> None:
        """Send on a flow, which for TCP has a connection. Never blocks or raises."""

    def connect(self, wish: Flow) -> None:
        """Open a connection for a flow that has none; Connected tells how it went."""

    def disconnect(self, flow: Flow) -> None:
        """Close a connection when what was queued for it is written."""


class Sockets:
    """All sockets of one user agent; their tasks live in the nursery given."""

    def __init__(self, nursery: trio.Nursery, inbox: Inbox) -> None:
        self._nursery = nursery
        self._inbox = inbox
        self._udp: dict[Address, socket.socket] = {}
        self._queues: dict[int, trio.MemorySendChannel[bytes]] = {}
        self._numbers = itertools.count(1)

    def listen_udp(self, host: str, port: int) -> Address:
        """Bind a UDP socket and start to read it. Raises CannotListen."""
        made = socket.socket(_family(host), socket.SOCK_DGRAM)
        made.setblocking(False)
        try:
            made.bind((host, port))
        except OSError as error:
            made.close()
            raise CannotListen(_cannot(host, port, "UDP", error)) from None
        address: Address = made.getsockname()[:2]
        self._udp[address] = made
        self._nursery.start_soon(self._read_udp, made, address)
        return address

    async def listen_tcp(self, host: str, port: int) -> Address:
        """Bind a TCP socket and start to accept. Raises CannotListen."""
        try:
            (listener,) = await trio.open_tcp_listeners(port, host=host)
        except OSError as error:
            raise CannotListen(_cannot(host, port, "TCP", error)) from None
        address: Address = listener.socket.getsockname()[:2]
        accept = functools.partial(self._accept, local=address)
        self._nursery.start_soon(trio.serve_listeners, accept, [listener])
        return address

    # --- out

    def send(self, flow: Flow, data: bytes) -> None:
        """Send on a flow, which for TCP has a connection."""
        if flow.transport == "udp":
            self._send_datagram(flow, data)
        elif flow.connection is not None:
            self._enqueue(flow.connection, data)

    def connect(self, wish: Flow) -> None:
        """Open a connection for a flow that has none; Connected tells how it went."""
        self._nursery.start_soon(self._connect, wish)

    def disconnect(self, flow: Flow) -> None:
        """Close a connection when what was queued for it is written."""
        queue = self._queues.get(flow.connection or 0)
        if queue is not None:
            queue.close()

    def _send_datagram(self, flow: Flow, data: bytes) -> None:
        try:
            self._udp[flow.local].sendto(data, flow.remote)
        except (OSError, KeyError, OverflowError) as error:
            log.debug("datagram not sent", to=flow.remote, reason=str(error))

    def _enqueue(self, connection: int, data: bytes) -> None:
        queue = self._queues.get(connection)
        if queue is None:
            return
        try:
            queue.send_nowait(data)
        except trio.WouldBlock:  # a peer that takes nothing: its connection ends
            queue.close()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    # --- in

    async def _read_udp(self, made: socket.socket, local: Address) -> None:
        with made:
            while True:
                await trio.lowlevel.wait_readable(made)
                for _ in range(BURST):
                    try:
                        data, remote = made.recvfrom(MAX_DATAGRAM)
                    except ConnectionError:  # an ICMP error of something sent before
                        continue
                    except OSError:  # no more for now
                        break
                    if data:
                        self._inbox.put(Heard(Flow("udp", local, remote[:2]), data))

    async def _accept(self, stream: trio.SocketStream, local: Address) -> None:
        if len(self._queues) >= MAX_CONNECTIONS:
            await trio.aclose_forcefully(stream)
            return
        try:
            remote: Address = stream.socket.getpeername()[:2]
        except OSError:  # gone already
            await trio.aclose_forcefully(stream)
            return
        flow = Flow("tcp", local, remote, next(self._numbers))
        await self._carry(stream, flow, self._open_queue(flow))

    async def _connect(self, wish: Flow) -> None:
        stream = None
        with trio.move_on_after(CONNECT_SECONDS):
            try:
                stream = await trio.open_tcp_stream(*wish.remote)
            except (OSError, OverflowError) as error:
                log.debug("cannot connect", to=wish.remote, reason=str(error))
        if stream is None:
            self._inbox.put(Connected(wish, None))
            return
        flow = Flow("tcp", wish.local, wish.remote, next(self._numbers))
        waiting = self._open_queue(flow)
        self._inbox.put(Connected(wish, flow.connection))
        await self._carry(stream, flow, waiting)

    def _open_queue(self, flow: Flow) -> trio.MemoryReceiveChannel[bytes]:
        assert flow.connection is not None
        queue, waiting = trio.open_memory_channel[bytes](QUEUED_WRITES)
        self._queues[flow.connection] = queue
        return waiting

    async def _carry(
        self, stream: trio.SocketStream, flow: Flow, waiting: trio.MemoryReceiveChannel[bytes]
    ) -> None:
        """Read and write one connection until it ends."""
        assert flow.connection is not None
        try:
            async with stream, trio.open_nursery() as nursery:
                nursery.start_soon(_write, stream, waiting, nursery.cancel_scope)
                await self._read(stream, flow)
                nursery.cancel_scope.cancel()
        finally:
            del self._queues[flow.connection]
            self._inbox.put(Heard(flow, b""))

    async def _read(self, stream: trio.SocketStream, flow: Flow) -> None:
        while True:
            try:
                data = await stream.receive_some(READ_SIZE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            self._inbox.put(Heard(flow, data))


async def _write(
    stream: trio.SocketStream,
    waiting: trio.MemoryReceiveChannel[bytes],
    whole: trio.CancelScope,
) -> None:
    """Write what is queued; end the connection where nobody takes it."""
    async for data in waiting:
        with trio.move_on_after(WRITE_SECONDS) as patience:
            try:
                await stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                break
        if patience.cancelled_caught:
            break
    whole.cancel()


def interface_towards(remote: Address) -> str:
    """The address of the interface that leads to somebody: the routing table knows."""
    with socket.socket(_family(remote[0]), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote[0], remote[1] or 9))
        except OSError:
            return "127.0.0.1"
        host: str = probe.getsockname()[0]
        return host


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _cannot(host: str, port: int, transport: str, error: OSError) -> str:
    return f"SIP cannot listen on {host} port {port} ({transport}): {error.strerror}"
