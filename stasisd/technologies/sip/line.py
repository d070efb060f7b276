"""The SIP user agent on its sockets and its clock: verbs go in, what happened comes out.

The agent's verbs are synchronous; :meth:`Line.flush` after them sends what comes of them, also
from ``finally``. One task receives.
"""

import secrets
from collections.abc import Callable

import structlog
import trio

from stasisd.core.tenant import Tenant
from stasisd.sip import events
from stasisd.sip.endpoint import Endpoint as UserAgent
from stasisd.sip.flow import Address, Flow
from stasisd.sip.settings import Directory, Settings, Transport

from .inbox import Connected, Heard, Inbox
from .settings import SipSettings
from .sockets import Sockets, Wire, interface_towards

log = structlog.get_logger(__name__)

ANY_INTERFACE = {"0.0.0.0", "::"}  # noqa: S104 - to compare with, not to bind
# An address for documentation (RFC 5737): the way there is the way to everybody.
ELSEWHERE = ("192.0.2.1", 9)

OpenWire = Callable[[trio.Nursery, Inbox], Wire]


class Line:
    """``agent`` and ``transports`` are there once it is open."""

    def __init__(self, settings: SipSettings, open_wire: OpenWire = Sockets) -> None:
        """``open_wire`` makes the sockets, whose tasks live in the nursery that it gets."""
        self._settings = settings
        self._open_wire = open_wire
        self._inbox = Inbox()
        self._wire: Wire
        self.agent: UserAgent
        self.transports: tuple[Transport, ...] = ()

    async def open(self, directory: Directory, nursery: trio.Nursery) -> None:
        """Listen. Raises CannotListen."""
        self._wire = self._open_wire(nursery, self._inbox)
        self.transports = await self._listen()
        self.agent = UserAgent(
            Settings(
                transports=self.transports,
                algorithms=self._settings.algorithms,
            ),
            directory,
            token=lambda: secrets.token_hex(8),
            secret=secrets.token_bytes(32),
        )

    async def _listen(self) -> tuple[Transport, ...]:
        given, made = self._settings, []
        port = given.port
        # A port that was found free serves both transports. TCP looks for it: nearly all that
        # programs are given at random, and may still linger, are ports of TCP.
        if given.tcp:
            local = await self._wire.listen_tcp(given.host, port)
            port = local[1]
            made.append(Transport("tcp", local, self._advertised(local)))
        if given.udp:
            local = self._wire.listen_udp(given.host, port)
            made.insert(0, Transport("udp", local, self._advertised(local)))
        return tuple(made)

    def _advertised(self, local: Address) -> Address:
        """What Via and Contact say: one address for all peers."""
        if self._settings.advertised_address is not None:
            return self._settings.advertised_address, local[1]
        if local[0] in ANY_INTERFACE:
            return interface_towards(ELSEWHERE), local[1]
        return local

    def local(self, transport: str) -> Address | None:
        """Where this transport listens, if it does."""
        return next((t.local for t in self.transports if t.protocol == transport), None)

    def reachable_host(self, flow: Flow) -> str:
        """Our address as somebody on this flow reaches it."""
        if self._settings.advertised_address is not None:
            return self._settings.advertised_address
        host = flow.local[0]
        return interface_towards(flow.remote) if host in ANY_INTERFACE else host

    def host_of(self, tenant: Tenant, flow: Flow) -> str:
        """The host in a tenant's addresses, as somebody on this flow is told them."""
        host = next(iter(tenant.settings.domains), None) or self.reachable_host(flow)
        return f"[{host}]" if ":" in host else host

    def now(self) -> float:
        """The user agent's clock."""
        return trio.current_time()

    def flush(self) -> None:
        """Send what the user agent wants sent; its events come out of ``receive``."""
        self._send()
        self._inbox.wake()

    def _send(self) -> None:
        for flow, data in self.agent.datagrams_to_send(self.now()):
            self._wire.send(flow, data)

    async def receive(self) -> list[events.Event]:
        """Wait until something comes or is due, and take what happened by it, which may be nothing.

        Nothing happens to a call when its BYE is answered, but who waits for that wants to look.
        """
        if happened := self._happened():
            return happened
        due = self.agent.next_timeout()
        with trio.move_on_at(float("inf") if due is None else due):
            await self._inbox.wait()
        for heard in self._inbox.take():
            self._hear(heard)
        self.agent.handle_timeout(self.now())
        return self._happened()

    def _happened(self) -> list[events.Event]:
        # Sent first: what is said on a connection precedes its end.
        self._send()
        return [event for event in self.agent.events() if not self._is_mine(event)]

    def _is_mine(self, event: events.Event) -> bool:
        """Do what the user agent wants of its sockets, if that is what the event says."""
        match event:
            case events.ConnectionWanted():
                self._wire.connect(event.flow)
            case events.CloseWanted():
                self._wire.disconnect(event.flow)
            case _:
                return False
        return True

    def _hear(self, heard: Heard | Connected) -> None:
        try:
            self._pass_on(heard)
        except Exception:  # the barrier: nothing that comes in may raise; a bug costs one message
            log.exception("a bug: SIP could not be taken in", source=heard.flow.remote)

    def _pass_on(self, heard: Heard | Connected) -> None:
        if isinstance(heard, Heard) and heard.data:
            self.agent.receive(heard.data, heard.flow, self.now())
        elif isinstance(heard, Connected) and heard.connection is not None:
            self.agent.flow_opened(heard.flow, heard.connection)
        else:
            self.agent.flow_closed(heard.flow, self.now())
