"""Mailboxes of applications: how many messages wait. What the messages are is their affair."""

from .kept import Kept
from .snapshots import MailboxSnapshot

Counts = tuple[int, int]  # old, new


class Mailboxes:
    """All mailboxes of a tenant."""

    def __init__(self) -> None:
        self.kept: Kept[Counts] = Kept()

    def get(self, name: str) -> MailboxSnapshot | None:
        """A mailbox, or None."""
        counts = self.kept.values.get(name)
        return None if counts is None else MailboxSnapshot(name, *counts)

    def update(self, name: str, old: int, new: int) -> None:
        """Set how many messages there are; a mailbox that is new is made.

        Raises :class:`~.kept.Full`.
        """
        self.kept.put(name, (old, new))

    def delete(self, name: str) -> bool:
        """Remove a mailbox; says whether there was one."""
        return self.kept.remove(name) is not None
