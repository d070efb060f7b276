"""Phones register: what is told of it, and what outlives the daemon."""

from pathlib import Path

import pytest

from stasisd.core.events import (
    ContactStatusChange,
    DeviceStateChanged,
    EndpointStateChange,
    PeerStatusChange,
)
from stasisd.core.technology import AllocationFailed, NewChannel
from stasisd.sip.events import Registered, RegistrationFailed
from stasisd.store.errors import DatabaseFailed
from tests.support.clock import jumping_clock
from tests.technologies.sip.phones import request
from tests.technologies.sip.world import InlineDatabase, World, running

pytestmark = jumping_clock

ONLINE = ["EndpointStateChange", "PeerStatusChange", "ContactStatusChange"]


def told(world: World) -> list[str]:
    return [name for name in world.events.names() if name != "DeviceStateChanged"]


def is_online(world: World, name: str = "100") -> bool:
    return world.tenant.endpoints["PJSIP", name].snapshot.state == "online"


async def test_a_phone_comes_and_goes(world: World) -> None:
    phone = await world.plug("100")
    assert isinstance(await phone.register(), Registered)
    await world.events.settle()
    assert told(world) == ONLINE
    state, peer, contact, device = world.events.heard
    assert isinstance(state, EndpointStateChange)
    assert isinstance(peer, PeerStatusChange)
    assert isinstance(contact, ContactStatusChange)
    assert isinstance(device, DeviceStateChanged)
    assert (state.endpoint.state, peer.peer_status) == ("online", "Reachable")
    assert contact.contact.contact_status == "NonQualified"
    assert contact.contact.uri == "sip:100@192.0.2.1:5060"
    world.events.heard.clear()

    assert await phone.unregister() == Registered(phone._registration, 0)  # type: ignore[arg-type] # is set
    await world.events.settle()
    assert told(world) == ONLINE
    assert world.events.heard[1].peer_status == "Unreachable"  # type: ignore[attr-defined] # see above
    assert world.events.heard[2].contact.contact_status == "Removed"  # type: ignore[attr-defined] # see above


async def test_a_refresh_is_not_told(world: World) -> None:
    phone = await world.phone("100")
    await world.events.settle(1000)  # a few times 300 s
    assert told(world) == []
    assert is_online(world)
    await phone.unregister()


async def test_a_phone_that_vanishes_expires(world: World) -> None:
    phone = await world.phone("100")
    world.switch.drops = lambda data: data.startswith(b"REGISTER")
    await world.events.settle(299)
    assert is_online(world)
    await world.events.settle(2)
    assert told(world) == ONLINE
    assert not is_online(world)
    await phone.wait(RegistrationFailed)


async def test_another_spelling_is_the_same_contact(world: World) -> None:
    raw = world.raw()
    for cseq, spelling in enumerate(("transport=UDP", "transport=udp"), 1):
        raw.send(request("REGISTER", cseq=cseq, contact=f"<sip:open@192.0.2.50;{spelling}>"))
        assert (await raw.final()).status == 200
    await world.events.settle()
    assert told(world) == [*ONLINE, *ONLINE, *ONLINE]
    assert list(world.tenant.endpoints["PJSIP", "open"].contacts) == [
        "sip:open@192.0.2.50;transport=udp"
    ]


async def test_a_wrong_password_is_refused(world: World) -> None:
    phone = await world.plug("100", password="wrong")
    failed = await phone.register()
    assert isinstance(failed, RegistrationFailed)
    assert failed.status == 401
    assert not is_online(world)


async def test_an_unknown_name_looks_like_a_wrong_password(world: World) -> None:
    phone = await world.plug("999")
    failed = await phone.register()
    assert isinstance(failed, RegistrationFailed)
    assert failed.status == 401


async def test_nobody_registers_in_another_name(world: World) -> None:
    phone = await world.plug("101", username="100")
    failed = await phone.register()
    assert isinstance(failed, RegistrationFailed)
    assert failed.status == 403
    assert not is_online(world, "101")


async def test_contacts_survive_a_restart(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with running(tmp_path / "1", database=database) as first:
        await first.phone("100")
        await first.stop()
    async with running(tmp_path / "2", database=database) as second:
        assert is_online(second)
        assert not is_online(second, "101")
        phone = await second.plug("100")  # at the same address
        channel = second.sip.request(second.tenant, "100", NewChannel())
        channel.destroy()
        # Time is another clock's here, but the end of the registration is not.
        await second.events.settle(301)
        assert not is_online(second)
        assert phone.heard == []
    async with running(tmp_path / "3", database=database) as third:
        assert not is_online(third)


async def test_the_last_registration_before_the_end_is_kept(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with running(tmp_path / "1", database=database) as first:
        phone = await first.plug("100")
        await phone.register()
        await first.stop()
    async with running(tmp_path / "2", database=database) as second:
        assert is_online(second)


async def test_a_contact_on_a_connection_does_not_survive(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with running(tmp_path / "1", database=database) as first:
        await first.phone("100", transport="tcp")
        assert is_online(first)
        await first.stop()
    async with running(tmp_path / "2", database=database) as second:
        assert not is_online(second)


async def test_a_contact_ends_with_its_connection(world: World) -> None:
    phone = await world.phone("100", transport="tcp")
    assert is_online(world)
    world.switch.cut(phone.address[0])
    await world.events.settle()
    assert told(world) == ONLINE
    assert not is_online(world)


async def test_what_cannot_be_saved_is_still_registered(world: World) -> None:
    world.database.failing = DatabaseFailed("the disk is full")
    await world.phone("100")
    assert is_online(world)
    world.database.failing = None


async def test_damaged_and_foreign_contacts_are_passed_over(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with running(tmp_path / "1", database=database) as first:
        await first.phone("100")
        await first.stop()
    for changes in ("uri = 'no uri'", "tenant = 'other'", "aor = 'gone'"):
        (row,) = database.connection.execute("SELECT * FROM contacts").fetchall()
        database.connection.execute(f"UPDATE contacts SET {changes}")
        async with running(tmp_path / changes[:3], database=database) as second:
            assert not is_online(second)
        database.connection.execute("DELETE FROM contacts")
        marks = ", ".join("?" * len(row))
        database.connection.execute(f"INSERT INTO contacts VALUES ({marks})", row)


@pytest.mark.parametrize("name", ["999", "100"])
async def test_who_is_not_registered_cannot_be_called(world: World, name: str) -> None:
    with pytest.raises(AllocationFailed):
        world.sip.request(world.tenant, name, NewChannel())
