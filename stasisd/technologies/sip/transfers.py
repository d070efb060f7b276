"""What a phone's REFER does to the calls of a tenant, and the statuses that answer it."""

from typing import TYPE_CHECKING

from stasisd.core import transfer
from stasisd.core.channel import Channel
from stasisd.core.transfer import CannotTransfer, NoSuchPlace
from stasisd.sip.events import ReferReceived
from stasisd.sip.uri import Uri

if TYPE_CHECKING:
    from .leg import Leg

# A channel's variable: where its phone's transfers look for extensions, if not in its own context.
CONTEXT = "TRANSFER_CONTEXT"
DIALLED = {"sip", "sips", "tel"}


class Refused(Exception):
    """A transfer can't be done: the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def transfer_call(leg: "Leg", asked: ReferReceived, other: "Leg | None") -> None:
    """Do what the phone asks for; ``other`` is the leg that is to be replaced.

    Raises :class:`Refused`. The legs end afterwards, when core's tasks of them do.
    """
    channel = leg.channel
    if channel is None or channel.hungup:
        raise Refused(480)
    try:
        if asked.attended:
            transfer.attended(channel, _replaced(leg, channel, other))
        else:
            transfer.blind(channel, _context(leg, channel), _extension(asked.refer_to.uri))
    except NoSuchPlace:
        raise Refused(404) from None
    except CannotTransfer as problem:
        channel.log.info("transfer refused", reason=str(problem))
        raise Refused(603) from None


def _replaced(leg: "Leg", channel: Channel, other: "Leg | None") -> Channel:
    """The other call, which must be this phone's, too."""
    if other is None or other.channel is None or other.account.key != leg.account.key:
        raise Refused(404)
    if other.channel.tenant is not channel.tenant or other.channel.hungup:
        raise Refused(404)
    return other.channel


def _context(leg: "Leg", channel: Channel) -> str:
    return channel.variables.get(CONTEXT) or leg.account.context


def _extension(uri: Uri) -> str:
    if uri.scheme not in DIALLED:
        raise Refused(416)
    if not uri.user:
        raise Refused(404)
    return uri.user
