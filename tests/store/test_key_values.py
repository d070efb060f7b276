"""Text by tenant, family and key."""

from pathlib import Path

from stasisd.store.database import open_database
from stasisd.store.key_values import KeyValues


async def test_values_by_tenant_family_and_key(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.sqlite3") as database:
        values = KeyValues(database)
        assert await values.get("t", "f", "k") is None
        await values.put("t", "f", "k", "it's ☎")
        await values.put("t", "f", "a", "")
        await values.put("t", "g", "k", "other family")
        await values.put("u", "f", "k", "other tenant")
        assert await values.family("t", "f") == {"a": "", "k": "it's ☎"}
        assert await values.remove("t", "f", "k")
        assert not await values.remove("t", "f", "k")
    async with open_database(tmp_path / "a.sqlite3") as database:
        assert await KeyValues(database).family("t", "f") == {"a": ""}
        assert await KeyValues(database).get("u", "f", "k") == "other tenant"
