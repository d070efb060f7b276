"""Device states and mailboxes across a restart."""

from pathlib import Path

import trio

from stasisd.core.tenant import Tenant
from stasisd.store.database import Database, open_database
from stasisd.store.device_states import DeviceStates
from stasisd.store.mailboxes import Mailboxes
from tests.support.tenant import running_tenant


async def test_states_of_each_tenant(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.sqlite3") as database:
        ours = DeviceStates(database, "t")
        await ours.save({"Stasis:a": "BUSY", "Stasis:b": "INUSE"})
        await ours.save({"Stasis:a": None, "Stasis:b": "ONHOLD", "Stasis:none": None})
        assert await ours.load() == {"Stasis:b": "ONHOLD"}
        assert await DeviceStates(database, "u").load() == {}


async def test_mailboxes_of_each_tenant(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.sqlite3") as database:
        ours = Mailboxes(database, "t")
        await ours.save({"a": (1, 2), "b": (3, 4)})
        await ours.save({"a": None, "b": (0, 5)})
        assert await ours.load() == {"b": (0, 5)}
        assert await Mailboxes(database, "u").load() == {}


async def change(tenant: Tenant, database: Database) -> None:
    await tenant.keep_in(database)
    tenant.device_states.update("Stasis:a", "RINGING")
    tenant.mailboxes.update("m", 1, 2)
    await tenant.device_states.custom.saved()
    await tenant.mailboxes.kept.saved()


async def test_a_tenant_finds_them_again(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite3"
    with trio.fail_after(10):
        async with open_database(file) as database, running_tenant(tmp_path / "1") as tenant:
            await change(tenant, database)
        async with open_database(file) as database, running_tenant(tmp_path / "2") as tenant:
            await tenant.keep_in(database)
            assert tenant.device_states.get("Stasis:a") == "RINGING"
            assert tenant.mailboxes.get("m") is not None
