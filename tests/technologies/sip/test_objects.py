"""Endpoints that are made while the daemon runs: phones register and call with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasisd.core.configuration import BadObject
from stasisd.core.events import StasisStart
from stasisd.sip.events import Registered, RegistrationFailed
from stasisd.technologies.sip.settings import key
from tests.support.clock import jumping_clock
from tests.technologies.sip.world import InlineDatabase, World, running

pytestmark = jumping_clock


@pytest.fixture
def database() -> InlineDatabase:
    return InlineDatabase()


@pytest.fixture
async def world(tmp_path: Path, database: InlineDatabase) -> AsyncIterator[World]:
    async with running(tmp_path, database=database) as made:
        await load(made)
        yield made


async def load(world: World) -> None:
    await world.sip.objects.load(world.tenant, world.database)  # type: ignore[arg-type] # as good as one


def put(world: World, object_type: str, object_id: str, **fields: str) -> None:
    world.sip.objects.put(world.tenant, object_type, object_id, fields)


def provision(world: World, name: str = "200", **fields: str) -> None:
    """What a program that provisions phones does, in its usual order."""
    put(world, "auth", f"{name}-auth", auth_type="userpass", username=name, password="secret")
    put(world, "aor", name, max_contacts="1")
    given = {"aors": name, "auth": f"{name}-auth", "context": "phones", "allow": "!all,alaw,ulaw"}
    put(world, "endpoint", name, transport="transport-udp", **given | fields)


async def test_a_phone_registers_and_calls(world: World) -> None:
    provision(world, callerid='"Ada" <1815>')
    assert world.tenant.endpoints["PJSIP", "200"].snapshot.state == "offline"
    phone = await world.plug("200")
    assert isinstance(await phone.register(), Registered)
    assert world.tenant.endpoints["PJSIP", "200"].snapshot.state == "online"
    call = phone.dial("1000")
    start = await world.events.until(StasisStart)
    assert isinstance(start, StasisStart)
    assert (start.channel.caller.name, start.channel.caller.number) == ("Ada", "1815")
    phone.hang_up(call)
    await world.events.settle(1)
    await phone.unregister()


async def test_an_endpoint_needs_its_password_and_address(world: World) -> None:
    put(world, "endpoint", "200", aors="200", auth="200-auth", context="phones")
    put(world, "aor", "200", max_contacts="1")
    phone = await world.plug("200", password="")
    refused = await phone.register()
    assert isinstance(refused, RegistrationFailed)
    assert refused.status == 401
    world.sip.objects.delete(world.tenant, "aor", "200")
    put(world, "auth", "200-auth", password="secret")
    phone = await world.plug("200")
    refused = await phone.register()
    assert isinstance(refused, RegistrationFailed)
    assert refused.status == 403
    put(world, "aor", "200", max_contacts="1")
    assert isinstance(await phone.register(), Registered)
    await phone.unregister()


async def test_a_password_changes_at_once(world: World) -> None:
    provision(world)
    put(world, "auth", "200-auth", password="another")
    assert isinstance(await (await world.plug("200")).register(), RegistrationFailed)
    phone = await world.plug("200", password="another")
    assert isinstance(await phone.register(), Registered)
    await phone.unregister()


async def test_an_endpoint_that_is_deleted_is_gone(world: World, database: InlineDatabase) -> None:
    provision(world)
    phone = await world.plug("200")
    await phone.register()
    world.sip.objects.delete(world.tenant, "endpoint", "200")
    assert ("PJSIP", "200") not in world.tenant.endpoints
    assert world.sip.line.agent.bindings("default/200", world.sip.line.now()) == ()
    assert isinstance(await phone.register(), RegistrationFailed)
    await world.events.settle(1)
    assert database.connection.execute("SELECT * FROM contacts").fetchall() == []


async def test_they_outlive_the_daemon(tmp_path: Path, database: InlineDatabase) -> None:
    async with running(tmp_path / "1", database=database) as world:
        await load(world)
        provision(world)
        await world.sip.objects.kept(world.tenant).saved()
    async with running(tmp_path / "2", database=database) as world:
        await load(world)
        phone = await world.plug("200")
        assert isinstance(await phone.register(), Registered)
        await phone.unregister()


async def test_what_is_shown(world: World) -> None:
    provision(world)
    objects, tenant = world.sip.objects, world.tenant
    auth = objects.get(tenant, "auth", "200-auth")
    assert auth == {"auth_type": "userpass", "username": "200"}
    endpoint = objects.get(tenant, "endpoint", "200")
    assert endpoint is not None
    assert endpoint["allow"] == "alaw,ulaw"
    assert endpoint["transport"] == "transport-udp"
    of_file = objects.get(tenant, "endpoint", "100")
    assert of_file is not None
    assert (of_file["context"], of_file["aors"]) == ("phones", "100")
    assert objects.is_fixed(tenant, "endpoint", "100")
    assert objects.get(tenant, "auth", "100") == {"auth_type": "userpass", "username": "100"}
    assert objects.get(tenant, "auth", "open") is None
    assert objects.get(tenant, "endpoint", "nobody") is None


@pytest.mark.parametrize(
    ("object_type", "object_id", "fields", "said"),
    [
        ("endpoint", "200", {"colour": "red"}, "no field 'colour'"),
        ("endpoint", "200", {"allow": "opus"}, "allow lists codecs of"),
        ("endpoint", "200", {"allow": "!all"}, "allow lists codecs of"),
        ("endpoint", "200", {"aors": "201"}, "aors has to be '200'"),
        ("endpoint", "200", {"callerid": "a\r\nb"}, "no control characters"),
        ("endpoint", "2 0", {}, "an id has"),
        ("aor", "200", {"max_contacts": "-1"}, "max_contacts is a number"),
        ("aor", "200", {"max_contacts": "101"}, "max_contacts is a number up to 100"),
        ("auth", "200", {"auth_type": "google"}, "auth_type is userpass"),
    ],
)
async def test_what_an_object_can_not_be(
    world: World, object_type: str, object_id: str, fields: dict[str, str], said: str
) -> None:
    with pytest.raises(BadObject, match=said):
        put(world, object_type, object_id, **fields)
    assert world.sip.objects.get(world.tenant, object_type, object_id) is None


async def test_flags_are_read_and_shown_as_asterisk_has_them(world: World) -> None:
    provision(world, send_pai="yes", send_rpid="0", send_connected_line="Off")
    account = world.sip._directory.find(key("default", "200"))
    assert account is not None
    assert (account.send_pai, account.send_rpid, account.send_connected_line) == (
        True, False, False,
    )  # fmt: skip
    shown = world.sip.objects.get(world.tenant, "endpoint", "200")
    assert shown is not None
    flags = [shown[name] for name in ("send_pai", "send_rpid", "send_connected_line")]
    assert flags == ["true", "false", "no"]
    with pytest.raises(BadObject):
        put(world, "endpoint", "200", send_pai="perhaps")
