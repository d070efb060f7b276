"""What becomes of an application's calls when the last socket that served it is gone.

The application has a policy, and a channel one of its own in a variable of this name, if it wants.
"""

import enum
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import trio

if TYPE_CHECKING:
    from .application import Application
    from .channel import Channel

VARIABLE = "STASIS_ORPHANS"

DEFAULT_SECONDS = 30
_TEXT = re.compile(r"(keep)|(continue|hangup)(?::([0-9]{1,5}))?")


class Fate(enum.Enum):
    """``KEEP`` them waiting for a socket, let them ``CONTINUE`` in the dialplan, or ``HANGUP``."""

    KEEP = "keep"
    CONTINUE = "continue"
    HANGUP = "hangup"


class BadOrphans(ValueError):
    """The text is no policy for orphans."""


class Orphans(msgspec.Struct, frozen=True):
    """The fate, and the seconds that a socket may take to come back before it."""

    fate: Fate = Fate.KEEP
    seconds: int = 0


def parse_orphans(text: str) -> Orphans:
    """Read ``keep``, ``continue``, ``hangup``, or one with seconds: ``hangup:30``.

    Raises :class:`BadOrphans`.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise BadOrphans("expected keep, continue:SECONDS or hangup:SECONDS")
    if found[1]:
        return Orphans()
    return Orphans(Fate(found[2]), int(found[3] or DEFAULT_SECONDS))


def policies(application: "Application") -> set[Orphans]:
    """Those that do something, of the application and of the channels that it has."""
    usual = application.orphans
    found = {usual, *(_policy_of(channel, usual) for channel in _channels_of(application))}
    return {policy for policy in found if policy.fate is not Fate.KEEP}


async def see_to(application: "Application", policy: Orphans, returned: trio.Event) -> None:
    """See to the channels of this policy in time, unless a socket comes back before."""
    with trio.move_on_after(policy.seconds):
        await returned.wait()
        return
    for channel in list(_channels_of(application)):
        if _policy_of(channel, application.orphans) == policy:
            _end(channel, policy.fate)


def _channels_of(application: "Application") -> "Iterator[Channel]":
    for channel in application.tenant.channels.values():
        if channel.visit is not None and channel.visit.application is application:
            yield channel


def _policy_of(channel: "Channel", usual: Orphans) -> Orphans:
    text = channel.variables.get(VARIABLE)
    if not text:
        return usual
    try:
        return parse_orphans(text)
    except BadOrphans as bad:
        channel.log.warning("not understood", variable=VARIABLE, value=text, why=str(bad))
        return usual


def _end(channel: "Channel", fate: Fate) -> None:
    assert channel.visit is not None, "it is in the application"
    application = channel.visit.application.name
    channel.log.warning("orphaned", application=application, fate=fate.value)
    if fate is Fate.CONTINUE:
        channel.visit.leave()
    else:
        channel.hangup(soft=True)
