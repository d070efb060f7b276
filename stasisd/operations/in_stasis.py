"""The conditions that most operations on channels share."""

from stasisd.core.channel import Channel
from stasisd.core.stasis import Visit

from .errors import Conflict, WrongState

# States in which there is no far end yet to do something to.
BEFORE_THE_CALL = {"Down", "Rsrved"}


def held(channel: Channel) -> Visit:
    """The channel's visit to the application that holds it. Raises :class:`Conflict`."""
    if channel.visit is None:
        raise Conflict("Channel not in Stasis application")
    return channel.visit


def in_stasis(channel: Channel) -> Visit:
    """The same, of a channel whose call has begun. Raises :class:`WrongState` besides."""
    visit = held(channel)
    if channel.state in BEFORE_THE_CALL:
        raise WrongState("Channel in invalid state")
    return visit
