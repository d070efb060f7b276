"""The states that applications gave to devices of their own."""

import sqlite3
from collections.abc import Mapping

from .database import Database


class DeviceStates:
    """One tenant's rows of the table. All methods raise the store's errors."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def load(self) -> dict[str, str]:
        """The states by device."""
        return await self._database.read(
            lambda connection: dict(
                connection.execute(
                    "SELECT name, state FROM device_states WHERE tenant = ? ORDER BY name",
                    (self._tenant,),
                ).fetchall()
            )
        )

    async def save(self, changed: Mapping[str, str | None]) -> None:
        """Puts the states; removes those that are None."""
        gone = [(self._tenant, name) for name, state in changed.items() if state is None]
        put = [(self._tenant, name, state) for name, state in changed.items() if state is not None]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM device_states WHERE tenant = ? AND name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO device_states VALUES (?, ?, ?)", put)

        await self._database.write(apply)
