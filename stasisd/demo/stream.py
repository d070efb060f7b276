"""The sound of one call: a UDP socket, and 20 ms frames by absolute deadlines."""

import secrets

import numpy as np
import trio

from stasisd.media import codecs
from stasisd.media.commands import Remote
from stasisd.rtp import packet, telephone_event
from stasisd.sip.flow import Address

from .hearing import RATE, Heard, Samples
from .speaking import FRAME, Origin, Speaking

_MAX_DATAGRAM = 2048
_NOTHING: Samples = np.zeros(0, np.int16)


class StreamOver(Exception):
    """The call ended while somebody was listening to it or speaking."""

    def __init__(self) -> None:
        super().__init__("the call is over")


class Stream:
    """RTP in both directions, from the moment at which the far end's address is known.

    ``heard`` and ``said`` begin at that moment, and remain when the stream has ended. ``keys`` are
    those that the far end pressed.
    """

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._socket = sock
        self.address: Address = sock.getsockname()[:2]
        self.keys = ""
        self._speaking: Speaking | None = None
        self._heard = Heard(0.0)
        self._events = telephone_event.Receiver()
        self._ended_at: float | None = None
        self._scope = trio.CancelScope()
        self._frame = trio.lowlevel.ParkingLot()

    @classmethod
    async def open(cls, host: str) -> "Stream":
        """Bind a socket to a free port, for the offer. Raise OSError."""
        sock = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
        try:
            await sock.bind((host, 0))
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def settle(self, remote: Remote, nursery: trio.Nursery) -> None:
        """Start to send and to hear, or go on in another way."""
        if self._speaking is not None:
            self._speaking.remote = remote
            return
        origin = Origin(secrets.randbits(32), secrets.randbits(16), secrets.randbits(32))
        self._speaking = Speaking(remote, origin)
        self._heard = Heard(trio.current_time())
        nursery.start_soon(self._run, self._speaking)

    def end(self) -> None:
        """Stop, and wake who waits for sound. Idempotent."""
        if self._ended_at is None:
            self._ended_at = trio.current_time()
            self._scope.cancel()
            if self._speaking is None:  # else its tasks may be about to use it
                self._socket.close()
            self._frame.unpark_all()

    # What the caller's side wants.

    @property
    def speaking(self) -> Speaking:
        """The sending direction; raise StreamOver where there is none any more, or not yet."""
        if self._speaking is None or self._ended_at is not None:
            raise StreamOver
        return self._speaking

    @property
    def heard(self) -> Samples:
        """All that was heard until now, a copy."""
        if self._speaking is None:
            return _NOTHING
        now = trio.current_time() if self._ended_at is None else self._ended_at
        return self._heard.samples(now).copy()

    @property
    def said(self) -> Samples:
        """All that was said until now."""
        return _NOTHING if self._speaking is None else self._speaking.said

    async def listen(self, seconds: float) -> Samples:
        """Hear the next seconds. Raise StreamOver."""
        begin = len(self.heard)
        end = begin + round(seconds * RATE)
        while len(heard := self.heard) < end:
            await self._next_frame()
        return heard[begin:end]

    async def wait_said(self) -> None:
        """Wait until all has been said and pressed. Raise StreamOver."""
        while not self.speaking.idle:
            await self._next_frame()

    async def _next_frame(self) -> None:
        if self._ended_at is not None:
            raise StreamOver
        await self._frame.park()

    # The network's side.

    async def _run(self, speaking: Speaking) -> None:
        try:
            with self._socket, self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send, speaking)
                    nursery.start_soon(self._receive, speaking)
        finally:
            self.end()

    async def _send(self, speaking: Speaking) -> None:
        deadline = trio.current_time()
        while True:
            for data in speaking.next_frame():
                await _lossy(self._socket, data, speaking.remote.address)
            self._end_lost_keys()
            self._frame.unpark_all()
            deadline += FRAME / RATE
            await trio.sleep_until(deadline)

    async def _receive(self, speaking: Speaking) -> None:
        while True:
            try:
                data = await self._socket.recv(_MAX_DATAGRAM)
                self._take(packet.parse(data), speaking.remote)
            except (packet.MalformedPacket, telephone_event.MalformedEvent, ConnectionError):
                continue

    def _take(self, received: packet.Packet, remote: Remote) -> None:
        now = trio.current_time()
        if received.payload_type == remote.payload_type:
            octets = np.frombuffer(received.payload, np.uint8)
            samples = codecs.decode(octets, codecs.NUMBERS[remote.codec])
            self._heard.receive(received.ssrc, received.timestamp, samples, now)
        elif received.payload_type in {remote.telephone_event, remote.telephone_event_in}:
            event = telephone_event.parse(received.payload)
            self._pressed(self._events.receive(event, received.ssrc, received.timestamp, now))

    def _end_lost_keys(self) -> None:
        if self._events.pending:
            self._pressed(self._events.expire(trio.current_time()))

    def _pressed(self, digits: list[telephone_event.Digit]) -> None:
        self.keys += "".join(digit.digit for digit in digits)


async def _lossy(sock: trio.socket.SocketType, data: bytes, target: Address) -> None:
    """Send a datagram; one that can't be sent is lost, as on any network."""
    try:
        await sock.sendto(data, target)
    except OSError:
        await trio.lowlevel.checkpoint()
