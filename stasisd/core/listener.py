"""Who hears an application: one socket's mailbox, and its part among the others."""

import enum

import msgspec

from .bus import Mailbox


class Role(enum.Enum):
    """How a socket hears an application: alone, with other workers, or without taking calls."""

    SOLE = "sole"
    WORKER = "worker"
    OBSERVER = "observer"


class Listener(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A mailbox that hears an application. ``everything`` is all that happens in the tenant.

    ``worker`` is the name of a worker among those that share it.
    """

    mailbox: Mailbox
    everything: bool = False
    role: Role = Role.SOLE
    worker: str = ""

    @property
    def serves(self) -> bool:
        """Whether calls may come to it."""
        return self.role is not Role.OBSERVER and not self.mailbox.ended

    def replaces(self, other: "Listener") -> bool:
        """Whether the other one has to go when this one comes."""
        if Role.OBSERVER in {self.role, other.role}:
            return False
        return Role.SOLE in {self.role, other.role} or self.worker == other.worker

    def hears(self, workers: tuple[str, ...]) -> bool:
        """Whether what is for these workers, or for all where there are none, is for this one."""
        return self.role is not Role.WORKER or not workers or self.worker in workers


def without(listeners: tuple[Listener, ...], gone: Listener) -> tuple[Listener, ...]:
    """The others."""
    return tuple(listener for listener in listeners if listener is not gone)
