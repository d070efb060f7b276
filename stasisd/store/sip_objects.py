"""Configuration of SIP that was made at run time: endpoints, their passwords and bounds."""

import sqlite3
from collections.abc import Mapping

import msgspec

from .database import Database

Fields = dict[str, str]


class SipObjects:
    """One tenant's rows of the table, by ``type/id``. All methods raise the store's errors."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def load(self) -> dict[str, Fields]:
        """The fields by object."""

        def query(connection: sqlite3.Connection) -> dict[str, Fields]:
            rows = connection.execute(
                "SELECT name, fields FROM sip_objects WHERE tenant = ? ORDER BY name",
                (self._tenant,),
            )
            return {name: msgspec.json.decode(fields, type=Fields) for name, fields in rows}

        return await self._database.read(query)

    async def save(self, changed: Mapping[str, Fields | None]) -> None:
        """Puts the objects; removes those that are None."""
        gone = [(self._tenant, name) for name, fields in changed.items() if fields is None]
        put = [
            (self._tenant, name, msgspec.json.encode(fields).decode())
            for name, fields in changed.items()
            if fields is not None
        ]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM sip_objects WHERE tenant = ? AND name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO sip_objects VALUES (?, ?, ?)", put)

        await self._database.write(apply)
