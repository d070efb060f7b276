"""What core asks of a technology: the way to a phone, a trunk or another channel.

Upper rooms implement these Protocols and the daemon puts them into each tenant.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from stasisd.media.commands import Direction

from .assignment import Assignment
from .snapshots import Party

if TYPE_CHECKING:
    from .channel import Channel
    from .endpoint import Endpoint
    from .tenant import Tenant


class AllocationFailed(Exception):
    """The technology can't make a channel to this resource; the message says why."""


class OutOfReach(AllocationFailed):
    """This server may not connect there for a program; the message says what would allow it."""


class IdTaken(AllocationFailed):
    """A channel of this id exists already, or the same id was given twice."""


class DialFailed(Exception):
    """The far end did not answer."""

    def __init__(self, cause: int, status: str | None = None) -> None:
        """``cause`` is Q.850's; ``status`` overrides the dial status it implies."""
        super().__init__(cause)
        self.cause = cause
        self.status = status


class NewChannel(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel shall be like that a technology is asked for.

    The ids are made where they are None. ``formats`` are codec names, best first. ``originator``
    is the channel on whose behalf it is made; see :func:`.dialing.on_behalf_of`.
    """

    channel_id: str | None = None
    other_channel_id: str | None = None
    caller: Party = Party()
    connected: Party = Party()
    variables: tuple[Assignment, ...] = ()
    formats: tuple[str, ...] = ()
    language: str = ""
    originator: "Channel | None" = None


class Leg(Protocol):
    """A technology's side of one channel. No verb but ``dial`` may block."""

    async def dial(self) -> None:
        """Call the far end and return when it has answered.

        Tells ``channel.attempt`` when the call begins, and how it goes. Raises
        :class:`DialFailed`. Cancelled, the attempt is given up by ``hangup``.
        """

    def answer(self) -> None:
        """Tell the far end that the call is answered."""

    def ring(self) -> None:
        """Tell the far end that it rings here."""

    def ring_stop(self) -> None:
        """Take ``ring`` back, where the technology can."""

    def progress(self) -> None:
        """Open the way for media before the answer."""

    def busy(self) -> None:
        """Tell the far end that this side is busy."""

    def hold(self) -> None:
        """Ask the far end to stop sending."""

    def unhold(self) -> None:
        """Take ``hold`` back."""

    def hangup(self, cause: int) -> None:
        """End the far side, whatever its state. Called once, when the channel ends."""


@runtime_checkable
class ShowsConnected(Protocol):
    """A leg whose far end shows whom it talks to."""

    def show_connected(self) -> None:
        """The channel's connected party is another now."""


@runtime_checkable
class HasFormats(Protocol):
    """A leg whose far end speaks certain codecs only."""

    def formats(self) -> tuple[str, ...]:
        """Their names, best first: what was agreed on, or before that what may be."""


class CannotRedirect(Exception):
    """The far end can't be sent there; the message says why."""


@runtime_checkable
class Redirects(Protocol):
    """A leg that can also tell its far end to call somebody else instead."""

    def redirect(self, resource: str) -> None:
        """Send the far end to a resource of the same technology.

        The leg hangs its channel up at once, or when the far end has got there. Raises
        :class:`CannotRedirect`.
        """


class NoTransfer(Exception):
    """No transfer of the far end's is left to an application, or it is over already."""


@runtime_checkable
class ReportsTransfer(Protocol):
    """A leg whose far end can ask for a transfer, and then wants to know how that goes."""

    def leave_transfers(self, *, to_application: bool) -> None:
        """Whether an application does what the far end asks for from now on, or the server."""

    def transfer_progress(self, state: str) -> None:
        """Tell it one of ARI's states of a transfer. Raises :class:`NoTransfer`."""


class MediaPeer(msgspec.Struct, frozen=True, kw_only=True):
    """Something outside that a channel exchanges bare media with, without a call.

    ``format`` is a codec's name. ``server`` says that we wait for the peer to come to us.
    ``identity`` is what we call ourselves there, where the technology says that. The rest is of
    WebSockets: ``connection`` names one of the configuration instead of a host; ``secure`` is with
    TLS; ``query`` goes to the end of the path; ``json`` is the form of the texts; ``answers`` says
    that the peer's coming is its answer.
    """

    host: str = ""
    port: int = 0
    format: str
    server: bool = False
    identity: UUID | None = None
    connection: str | None = None
    secure: bool = False
    path: str = "/"
    query: str = ""
    json: bool = False
    answers: bool = True


@runtime_checkable
class MediaPeers(Protocol):
    """A technology whose channels go to media peers; ``formats`` are those it knows."""

    formats: tuple[str, ...]

    async def open_peer(self, tenant: "Tenant", peer: MediaPeer, new: NewChannel) -> "Channel":
        """Make a channel, not yet dialled, whose own end of the media is open already.

        Raises :class:`AllocationFailed`.
        """


@runtime_checkable
class Linker(Protocol):
    """A technology that can connect two bridges."""

    def link(self, tenant: "Tenant") -> "tuple[Channel, Channel]":
        """Make a pair of answered channels, not started yet, that hear each other.

        Raises :class:`AllocationFailed`.
        """


class Snooping(msgspec.Struct, frozen=True, kw_only=True):
    """What a snooping channel hears of another one, and into what it speaks.

    ``in`` is what that one's far end says, ``out`` what is said to it.
    """

    spy: Direction
    whisper: Direction


@runtime_checkable
class Snooper(Protocol):
    """A technology whose channels listen in on others."""

    def snoop(self, spied: "Channel", snooping: Snooping, new: NewChannel) -> "Channel":
        """Make a channel at another one's media, which is up and ends with that one.

        Raises :class:`AllocationFailed`.
        """


class Technology(Protocol):
    """One way to reach endpoints, e.g. ``PJSIP`` or ``Local``."""

    name: str

    def request(self, tenant: "Tenant", resource: str, new: NewChannel) -> "Channel":
        """Make a channel, not yet dialled, to what follows the slash of ``TECH/resource``.

        Raises :class:`AllocationFailed`.
        """


class NotReachable(Exception):
    """Nobody can be reached at the endpoint; the message says why."""


class BadMessage(Exception):
    """The message can't be sent as it is; the message of the error says why."""


@runtime_checkable
class Messenger(Protocol):
    """A technology that carries texts, and can ask a phone to call somebody.

    Both are on their way when the verb returns; nobody is told whether they arrive. ``sender`` is
    an address as the technology writes it, or a name. ``fields`` are more of what it can carry,
    e.g. SIP's headers. They raise :class:`NotReachable` and :class:`BadMessage`.
    """

    def send_text(
        self, endpoint: "Endpoint", sender: str, text: str, fields: Mapping[str, str]
    ) -> None:
        """Send a text to an endpoint."""

    def refer(
        self,
        endpoint: "Endpoint",
        sender: str,
        target: str,
        fields: Mapping[str, str],
        *,
        to_us: bool,
    ) -> None:
        """Ask an endpoint to call ``target``: an address, or an endpoint's name.

        ``to_us`` lets it call an endpoint through this server, instead of where that is.
        """


@runtime_checkable
class KnowsDevices(Protocol):
    """A technology whose devices are no endpoints; asked for the states of those without calls."""

    def knows(self, tenant: "Tenant", resource: str) -> bool:
        """Whether there is a device of this resource."""
