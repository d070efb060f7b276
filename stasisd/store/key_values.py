"""Text by tenant, family and key: what Asterisk's database functions ask for."""

from .database import Database


class KeyValues:
    """The table of values. All methods raise the store's errors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, family: str, key: str) -> str | None:
        """The value, or None."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT value FROM key_values WHERE tenant = ? AND family = ? AND key = ?",
                (tenant, family, key),
            ).fetchone()
        )
        return None if row is None else str(row[0])

    async def put(self, tenant: str, family: str, key: str, value: str) -> None:
        """Sets the value."""
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO key_values VALUES (?, ?, ?, ?)",
                (tenant, family, key, value),
            )
        )

    async def remove(self, tenant: str, family: str, key: str) -> bool:
        """Removes the value; says whether there was one."""
        return await self._database.write(
            lambda connection: (
                connection.execute(
                    "DELETE FROM key_values WHERE tenant = ? AND family = ? AND key = ?",
                    (tenant, family, key),
                ).rowcount
                > 0
            )
        )

    async def family(self, tenant: str, family: str) -> dict[str, str]:
        """All values of a family, by key in order."""
        return await self._database.read(
            lambda connection: dict(
                connection.execute(
                    "SELECT key, value FROM key_values WHERE tenant = ? AND family = ?"
                    " ORDER BY key",
                    (tenant, family),
                ).fetchall()
            )
        )
