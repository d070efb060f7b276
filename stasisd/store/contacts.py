"""Registered SIP contacts, so that phones stay reachable across a restart (RFC 3261, 10.3)."""

import sqlite3
from collections.abc import Sequence

import msgspec

from .database import Database


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One binding of an address of record to a contact.

    `expires` is in seconds since 1970. `call_id` and `cseq` are of the REGISTER that last
    refreshed it; `transport` (`udp`, `tcp`) and `source_*` are how and whence that came.
    """

    tenant: str
    aor: str
    uri: str
    expires: float
    call_id: str
    cseq: int
    q: float = 1.0
    transport: str = "udp"
    source_host: str
    source_port: int
    user_agent: str = ""


_COLUMNS = (
    "tenant, aor, uri, expires, call_id, cseq, q, transport, source_host, source_port, user_agent"
)
_PUT = f"INSERT OR REPLACE INTO contacts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant
_SELECT = f"SELECT {_COLUMNS} FROM contacts"  # noqa: S608 - a constant


class Contacts:
    """The table of contacts. All methods raise the store's errors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def update(
        self, tenant: str, aor: str, *, put: Sequence[Contact] = (), remove: Sequence[str] = ()
    ) -> None:
        """Applies one REGISTER as a whole: contacts by `put`, URIs to `remove`."""
        rows = [msgspec.structs.astuple(contact) for contact in put]
        gone = [(tenant, aor, uri) for uri in remove]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "DELETE FROM contacts WHERE tenant = ? AND aor = ? AND uri = ?", gone
            )
            connection.executemany(_PUT, rows)

        await self._database.write(apply)

    async def clear(self, tenant: str, aor: str) -> None:
        """Removes all contacts of an address of record (`Contact: *`)."""
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM contacts WHERE tenant = ? AND aor = ?", (tenant, aor)
            )
        )

    async def of(self, tenant: str, aor: str, now: float) -> list[Contact]:
        """The contacts that haven't expired, the preferred (highest q) first."""
        where = " WHERE tenant = ? AND aor = ? AND expires > ? ORDER BY q DESC, uri"
        return await self._select(where, (tenant, aor, now))

    async def unexpired(self, now: float) -> list[Contact]:
        """Every contact of every tenant that hasn't expired: what a start needs."""
        return await self._select(" WHERE expires > ? ORDER BY tenant, aor, uri", (now,))

    async def purge(self, now: float) -> int:
        """Removes what has expired; returns how many."""
        return await self._database.write(
            lambda connection: (
                connection.execute("DELETE FROM contacts WHERE expires <= ?", (now,)).rowcount
            )
        )

    async def _select(self, where: str, values: tuple[object, ...]) -> list[Contact]:
        def query(connection: sqlite3.Connection) -> list[Contact]:
            rows = connection.execute(_SELECT + where, values)
            return [
                Contact(**dict(zip(Contact.__struct_fields__, row, strict=True))) for row in rows
            ]

        return await self._database.read(query)
