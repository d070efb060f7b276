"""The mailboxes that applications keep: how many old and new messages each has."""

import sqlite3
from collections.abc import Mapping

from .database import Database

Counts = tuple[int, int]  # old, new


class Mailboxes:
    """One tenant's rows of the table. All methods raise the store's errors."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def load(self) -> dict[str, Counts]:
        """The counts by mailbox."""

        def query(connection: sqlite3.Connection) -> dict[str, Counts]:
            rows = connection.execute(
                "SELECT name, old_messages, new_messages FROM mailboxes"
                " WHERE tenant = ? ORDER BY name",
                (self._tenant,),
            )
            return {name: (old, new) for name, old, new in rows}

        return await self._database.read(query)

    async def save(self, changed: Mapping[str, Counts | None]) -> None:
        """Puts the counts; removes the mailboxes that are None."""
        gone = [(self._tenant, name) for name, counts in changed.items() if counts is None]
        put = [
            (self._tenant, name, *counts) for name, counts in changed.items() if counts is not None
        ]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM mailboxes WHERE tenant = ? AND name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO mailboxes VALUES (?, ?, ?, ?)", put)

        await self._database.write(apply)
