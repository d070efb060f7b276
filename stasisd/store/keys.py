"""Root keys that were made at run time or have an end, and what was revoked.

The keys of the first start are in the file of secrets; one of them is here, too, once it has an
end. The database is readable for the daemon's user alone.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec

from .database import Database
from .errors import DatabaseFailed


class StoredKey(msgspec.Struct, frozen=True):
    """A key, when it was made and until when it verifies (None: for ever)."""

    secret: bytes
    made: float
    until: float | None = None

    def __repr__(self) -> str:
        return f"StoredKey(made={self.made}, until={self.until})"


class Keys:
    """One tenant's keys by their ids, the oldest first; '' is the operator. Raises the store's."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def load(self) -> dict[str, StoredKey]:
        """All of them."""
        return await self._database.read(lambda connection: _keys(connection, self._tenant))

    async def save(self, changed: Mapping[str, StoredKey | None]) -> None:
        """Puts keys; one that is None is forgotten, which no caller wants but the tenant's end."""
        gone = [(self._tenant, key_id) for key_id, key in changed.items() if key is None]
        put = [
            (self._tenant, key_id, key.secret, key.made, key.until)
            for key_id, key in changed.items()
            if key is not None
        ]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM root_keys WHERE tenant = ? AND id = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO root_keys VALUES (?, ?, ?, ?, ?)", put)

        await self._database.write(apply)


class Revocations:
    """What a tenant has revoked, and when: ``token/ID`` and ``user/NAME``. Raises the store's."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def load(self) -> dict[str, float]:
        """All of it."""
        return await self._database.read(lambda connection: _revocations(connection, self._tenant))

    async def save(self, changed: Mapping[str, float | None]) -> None:
        """Puts what was revoked; nothing is ever taken back but with the tenant."""
        gone = [(self._tenant, name) for name, at in changed.items() if at is None]
        put = [(self._tenant, name, at) for name, at in changed.items() if at is not None]

        def apply(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM revocations WHERE tenant = ? AND name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO revocations VALUES (?, ?, ?)", put)

        await self._database.write(apply)


def read_beside(path: Path, tenant: str) -> tuple[dict[str, StoredKey], dict[str, float]]:
    """A tenant's keys and revocations, for a command that runs beside the daemon. Blocks.

    Empty where there is no database yet, or it is an earlier version's. Raises DatabaseFailed.
    """
    if not path.exists():
        return {}, {}
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'root_keys'")
            if tables.fetchone() is None:
                return {}, {}
            return _keys(connection, tenant), _revocations(connection, tenant)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DatabaseFailed(str(error)) from error


def _keys(connection: sqlite3.Connection, tenant: str) -> dict[str, StoredKey]:
    rows = connection.execute(
        "SELECT id, secret, made, until FROM root_keys WHERE tenant = ? ORDER BY made, id",
        (tenant,),
    )
    return {key_id: StoredKey(secret, made, until) for key_id, secret, made, until in rows}


def _revocations(connection: sqlite3.Connection, tenant: str) -> dict[str, float]:
    rows = connection.execute("SELECT name, at FROM revocations WHERE tenant = ?", (tenant,))
    return dict(rows.fetchall())
