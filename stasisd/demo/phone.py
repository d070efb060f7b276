"""A SIP phone: the sans-IO user agent of :mod:`stasisd.sip` on one UDP socket.

::

    async with open_phone("100", password, ("127.0.0.1", 5060)) as phone:
        await phone.register()
        call = await phone.call("1000")
        call.press("5")
        ending = await call.wait_ended()
"""

import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from stasisd.credentials.digest import Credentials
from stasisd.sip import events
from stasisd.sip.endpoint import Endpoint
from stasisd.sip.flow import Address, Flow
from stasisd.sip.registration import Policy
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import NameAddr, SipUri, Uri
from stasisd.technologies.sip.description import Description

from .call import Call
from .stream import Stream

CODECS = ("ulaw", "alaw")
PRODUCT = "stasisd demo phone"
_MAX_DATAGRAM = 65535
# Calls that come in and that nobody has taken; the next one is refused as busy.
_WAITING = 8
_BUSY_HERE, _USER_BUSY = 486, 17
# How long the last messages may take to leave.
_LEAVING_SECONDS = 1.0

# Called with ">" and what is sent, or "<" and what has come.
Trace = Callable[[str, bytes], None]


class RegistrationRefused(Exception):
    """The registrar did not take us; the message is its status and reason."""


class _Anyone:
    """A phone lets everyone call it, and is nobody's registrar."""

    def name_of(self, address: Uri, target: Uri) -> str:  # noqa: ARG002 - the protocol's signature
        return address.user

    def realm_of(self, name: str) -> str:
        return name

    def is_open(self, name: str, flow: Flow) -> bool:  # noqa: ARG002 - likewise
        return True

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:  # noqa: ARG002 - likewise
        return None

    def may_use(self, username: str, name: str) -> bool:  # noqa: ARG002 - likewise
        return False

    def policy(self, aor: str) -> Policy:  # noqa: ARG002 - likewise
        return Policy(max_contacts=0, remove_existing=False)


class Phone:
    """One phone with one account; made by :func:`open_phone`."""

    def __init__(
        self,
        credentials: Credentials,
        server: Address,
        sock: trio.socket.SocketType,
        nursery: trio.Nursery,
        trace: Trace | None = None,
    ) -> None:
        """``sock`` is bound to the address at which the server can reach us."""
        self.name = credentials.username
        self.address: Address = sock.getsockname()[:2]
        self._credentials = credentials
        self._server = server
        self._socket = sock
        self._nursery = nursery
        self._trace = trace
        self._flow = Flow("udp", self.address, server)
        self._endpoint = Endpoint(
            Settings(transports=(Transport("udp", self.address),), product=PRODUCT),
            _Anyone(),
            token=lambda: secrets.token_hex(8),
            secret=secrets.token_bytes(32),
        )
        self._calls: dict[events.CallId, Call] = {}
        # What happens to calls that came in before somebody takes them.
        self._early: dict[events.CallId, list[events.Event]] = {}
        self._registration: events.RegistrationId | None = None
        self._registered: events.Registered | events.RegistrationFailed | None = None
        self._news = trio.lowlevel.ParkingLot()
        self._kicked = trio.Event()
        self._came, self._come = trio.open_memory_channel[events.CallReceived](_WAITING)

    # What can be done.

    async def register(self, seconds: int = 300) -> int:
        """Register, and stay registered; for how many seconds at a time is returned.

        Raise RegistrationRefused.
        """
        self._registered = None
        self._registration = self._endpoint.register(
            self._server_uri(),
            NameAddr(self._server_uri(self.name)),
            self._flow,
            trio.current_time(),
            credentials=self._credentials,
            expires=seconds,
        )
        return await self._wait_registered()

    async def unregister(self) -> None:
        """Take the registration back. Raise RegistrationRefused."""
        if self._registration is not None:
            self._registered = None
            self._endpoint.unregister(self._registration, trio.current_time())
            await self._wait_registered()

    async def dial(self, number: str) -> Call:
        """Call a number, without waiting for the answer."""
        stream, description = await self._open_stream()
        call_id = self._endpoint.invite(
            self._server_uri(number),
            NameAddr(self._server_uri(number)),
            NameAddr(self._server_uri(self.name)),
            self._flow,
            description.offer(),
            trio.current_time(),
            credentials=self._credentials,
        )
        return self._add(call_id, stream, description)

    async def call(self, number: str) -> Call:
        """Call a number and wait for the answer. Raise CallRefused."""
        call = await self.dial(number)
        try:
            await call.wait_answered()
        except BaseException:
            call.hang_up()
            raise
        return call

    async def wait_call(self) -> Call:
        """Wait for somebody to call; answer, ring or hang up then."""
        came = await self._come.receive()
        stream, description = await self._open_stream()
        call = self._add(came.call, stream, description, came.body)
        for event in self._early.pop(came.call, ()):
            call.take(event)
        return call

    async def _open_stream(self) -> tuple[Stream, Description]:
        stream = await Stream.open(self.address[0])
        return stream, Description(stream.address, str(secrets.randbits(32)), CODECS)

    def _add(
        self, call_id: events.CallId, stream: Stream, description: Description, offer: bytes = b""
    ) -> Call:
        call = Call(
            self._endpoint,
            call_id,
            stream,
            description,
            changed=self._kick,
            nursery=self._nursery,
            offer=offer,
        )
        self._calls[call_id] = call
        self._kick()
        return call

    def _server_uri(self, user: str = "") -> SipUri:
        host, port = self._server
        return SipUri(host, user, port)

    async def _wait_registered(self) -> int:
        self._kick()
        while self._registered is None:
            await self._news.park()
        if isinstance(self._registered, events.RegistrationFailed):
            raise RegistrationRefused(f"{self._registered.status} {self._registered.reason}")
        return self._registered.expires

    # The network's side.

    async def run(self) -> None:
        """Speak SIP until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._receive)
            while True:
                self._kicked = trio.Event()
                await self.flush()
                due = self._endpoint.next_timeout()
                with trio.move_on_at(math.inf if due is None else due):
                    await self._kicked.wait()

    def _kick(self) -> None:
        self._kicked.set()

    async def _receive(self) -> None:
        while True:
            try:
                data, remote = await self._socket.recvfrom(_MAX_DATAGRAM)
            except ConnectionError:  # an ICMP error of something sent before
                continue
            self._traced("<", data)
            flow = Flow("udp", self.address, remote[:2])
            self._endpoint.receive(data, flow, trio.current_time())
            self._take_events()
            self._kick()

    async def flush(self) -> None:
        """Do what is due, and send what is to be sent."""
        for flow, data in self._endpoint.datagrams_to_send(trio.current_time()):
            self._traced(">", data)
            try:
                await self._socket.sendto(data, flow.remote)
            except OSError:  # lost, as on any network; the user agent sends it again
                await trio.lowlevel.checkpoint()
        self._take_events()

    def hang_up(self) -> None:
        """Leave all calls."""
        for call in self._calls.values():
            call.hang_up()

    def _traced(self, direction: str, data: bytes) -> None:
        if self._trace is not None:
            self._trace(direction, data)

    def _take_events(self) -> None:
        for event in self._endpoint.events():
            self._take(event)
        self._news.unpark_all()

    def _take(self, event: events.Event) -> None:
        match event:
            case events.Registered() | events.RegistrationFailed():
                self._registered = event
            case events.CallReceived():
                self._came_in(event)
            case events.CallProgressed() | events.CallAnswered() | events.CallRejected():
                self._tell(event.call, event)
            case events.OfferAnswered() | events.OfferReceived() | events.CallEnded():
                self._tell(event.call, event)

    def _tell(self, call_id: events.CallId, event: events.Event) -> None:
        if call_id in self._early:
            self._early[call_id].append(event)
        elif call_id in self._calls:
            self._calls[call_id].take(event)

    def _came_in(self, event: events.CallReceived) -> None:
        try:
            self._came.send_nowait(event)
        except trio.WouldBlock:
            self._endpoint.reject(event.call, _BUSY_HERE, _USER_BUSY, trio.current_time())
        else:
            self._early[event.call] = []


@asynccontextmanager
async def open_phone(
    name: str,
    password: str,
    server: Address,
    *,
    host: str = "127.0.0.1",
    trace: Trace | None = None,
) -> AsyncIterator[Phone]:
    """A phone while the block runs; then it leaves its calls, and stays registered.

    ``host`` is the address of this machine that the server can reach. Raise OSError.
    """
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock:
        await sock.bind((host, 0))
        async with trio.open_nursery() as nursery:
            phone = Phone(Credentials(name, password), server, sock, nursery, trace)
            nursery.start_soon(phone.run)
            try:
                yield phone
            finally:
                phone.hang_up()
                with trio.move_on_after(_LEAVING_SECONDS, shield=True):
                    await phone.flush()
                nursery.cancel_scope.cancel()
