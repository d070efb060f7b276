"""The sockets under the SIP user agent: bytes in, bytes out, and nothing understood.

Sending is synchronous, so that it can stand in ``finally``: a datagram leaves at once, a stream's
bytes go into a bounded queue that its own task writes. What can't be sent is lost, as on any
network; the user agent retransmits or gives up.
"""

import itertools
import socket

import msgspec
import structlog
import trio

from stasisd.sip.flow import Address, Flow

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


class Heard(msgspec.Struct, frozen=True):
    """Bytes that came in on a flow; none at all mean that its connection is over."""

    flow: Flow
    data: bytes


class Connected(msgspec.Struct, frozen=True):
    """The connection that a flow asked for is open, under this number; None where it failed."""

    flow: Flow
    connection: int | None


class Sockets:
    """All sockets of one user agent; their tasks live in the nursery given."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._heard: list[Heard | Connected] = []
        self._news = trio.Event()
        self._udp: dict[Address, socket.socket] = {}
        self._tcp: dict[Address, trio.SocketListener] = {}
        self._queues: dict[int, trio.MemorySendChannel[bytes]] = {}
        self._numbers = itertools.count(1)

    def listen_udp(self, host: str, port: int) -> Address:
        """Bind a UDP socket and start to read it. Raises CannotListen."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
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
        self._tcp[address] = listener
        self._nursery.start_soon(self._accept, listener, address)
        return address

    def close(self) -> None:
        """Close what listens. Connections end with the nursery."""
        for made in self._udp.values():
            made.close()
        for listener in self._tcp.values():
            listener.socket.close()

    async def receive(self) -> list[Heard | Connected]:
        """Wait for what comes in and take all of it, in order."""
        await self._news.wait()
        self._news = trio.Event()
        heard, self._heard = self._heard, []
        return heard

    def _hear(self, what: Heard | Connected) -> None:
        self._heard.append(what)
        self._news.set()

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
        except (OSError, KeyError) as error:
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
        while True:
            await trio.lowlevel.wait_readable(made)
            for _ in range(BURST):
                try:
                    data, remote = made.recvfrom(MAX_DATAGRAM)
                except BlockingIOError:
                    break
                except ConnectionError:  # an ICMP error of something sent before
                    continue
                if data:
                    self._hear(Heard(Flow("udp", local, remote[:2]), data))

    async def _accept(self, listener: trio.SocketListener, local: Address) -> None:
        while True:
            stream = await listener.accept()
            if len(self._queues) >= MAX_CONNECTIONS:
                await trio.aclose_forcefully(stream)
                continue
            self._nursery.start_soon(self._carry, stream, local)

    async def _connect(self, wish: Flow) -> None:
        host, port = wish.remote
        stream = None
        with trio.move_on_after(CONNECT_SECONDS):
            try:
                stream = await trio.open_tcp_stream(host, port)
            except OSError as error:
                log.debug("cannot connect", to=wish.remote, reason=str(error))
        if stream is None:
            self._hear(Connected(wish, None))
        else:
            await self._carry(stream, wish.local, wish)

    async def _carry(
        self, stream: trio.SocketStream, local: Address, wish: Flow | None = None
    ) -> None:
        """Read and write one connection until it ends."""
        try:
            remote: Address = stream.socket.getpeername()[:2]
        except OSError:
            await trio.aclose_forcefully(stream)
            return
        number = next(self._numbers)
        flow = Flow("tcp", local, wish.remote if wish is not None else remote, number)
        queue, waiting = trio.open_memory_channel[bytes](QUEUED_WRITES)
        self._queues[number] = queue
        if wish is not None:
            self._hear(Connected(wish, number))
        try:
            async with stream, trio.open_nursery() as nursery:
                nursery.start_soon(_write, stream, waiting, nursery.cancel_scope)
                await self._read(stream, flow)
                nursery.cancel_scope.cancel()
        finally:
            del self._queues[number]
            self._hear(Heard(flow, b""))

    async def _read(self, stream: trio.SocketStream, flow: Flow) -> None:
        while True:
            try:
                data = await stream.receive_some(READ_SIZE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            self._hear(Heard(flow, data))


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


def _cannot(host: str, port: int, transport: str, error: OSError) -> str:
    return f"SIP cannot listen on {host} port {port} ({transport}): {error.strerror}"
