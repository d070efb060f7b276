"""The parts that this server is made of, as clients that ask for modules want to know them."""

from collections.abc import Awaitable, Callable

import msgspec


class ReloadFailed(Exception):
    """What a component reads anew can't be used; the message says why. The old one goes on."""


class Component(msgspec.Struct, frozen=True, eq=False):
    """One part. ``users`` counts what uses it now; ``reload``, where there is something to read
    anew, raises :class:`ReloadFailed`.
    """

    name: str
    description: str
    users: Callable[[], int] = lambda: 0
    reload: Callable[[], Awaitable[None]] | None = None
