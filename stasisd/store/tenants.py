"""Tenants that were made at run time, and which are suspended."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from .database import Database

# Every table that says whose a row is.
TABLES = (
    "contacts",
    "key_values",
    "device_states",
    "mailboxes",
    "sip_objects",
    "root_keys",
    "revocations",
)


class StoredTenant(msgspec.Struct, frozen=True):
    """One tenant; ``settings`` is None for one of the configuration file."""

    settings: dict[str, Any] | None
    suspended: bool = False


class Tenants:
    """The table of tenants, by name. All methods raise the store's errors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> dict[str, StoredTenant]:
        """All that is known of them."""

        def query(connection: sqlite3.Connection) -> dict[str, StoredTenant]:
            rows = connection.execute("SELECT name, settings, suspended FROM tenants ORDER BY name")
            return {
                name: StoredTenant(
                    None if settings is None else msgspec.json.decode(settings), bool(suspended)
                )
                for name, settings, suspended in rows
            }

        return await self._database.read(query)

    async def save(self, changed: Mapping[str, StoredTenant | None]) -> None:
        """Puts tenants; removes those that are None, with all that was kept of them."""
        gone = [(name,) for name, tenant in changed.items() if tenant is None]
        put = [
            (name, _text(tenant.settings), int(tenant.suspended))
            for name, tenant in changed.items()
            if tenant is not None
        ]

        def apply(connection: sqlite3.Connection) -> None:
            for table in TABLES:
                connection.executemany(f"DELETE FROM {table} WHERE tenant = ?", gone)  # noqa: S608 - a constant
            connection.executemany("DELETE FROM tenants WHERE name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO tenants VALUES (?, ?, ?)", put)

        await self._database.write(apply)


def _text(settings: dict[str, Any] | None) -> str | None:
    return None if settings is None else msgspec.json.encode(settings).decode()
