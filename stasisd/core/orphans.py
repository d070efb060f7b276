"""What becomes of an application's calls when the last socket that served it is gone."""

import enum
import re

import msgspec

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
