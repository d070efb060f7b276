"""Several companies on one SIP port: a host selects the tenant, and nothing else is reached."""

from pathlib import Path

import pytest

from stasisd.core.events import StasisStart
from stasisd.core.technology import AllocationFailed, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.sip.events import MessageReceived, Registered, RegistrationFailed
from stasisd.sip.message import Response
from stasisd.sip.uri import SipUri, parse_uri
from stasisd.technologies.sip.directory import Directory
from stasisd.technologies.sip.settings import SipSettings
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import APP, InlineDatabase, World, running

pytestmark = jumping_clock

ACME, GLOBEX = "acme.example", "globex.example"


async def two(world: World) -> tuple[Tenant, Tenant]:
    """Two companies, each with a phone 100 whose password is the company's name."""
    return await world.host("acme", ACME), await world.host("globex", GLOBEX)


def online(tenant: Tenant) -> bool:
    return tenant.endpoints["PJSIP", "100"].snapshot.state == "online"


async def test_a_phone_registers_with_the_tenant_of_its_domain(world: World) -> None:
    acme, globex = await two(world)
    phone = await world.plug("100", domain=ACME, password="acme")
    assert isinstance(await phone.register(), Registered)
    assert [online(tenant) for tenant in (world.tenant, acme, globex)] == [False, True, False]
    await phone.unregister()


async def test_one_tenants_password_is_worth_nothing_at_another(world: World) -> None:
    await two(world)
    for domain, password in ((GLOBEX, "acme"), (None, "acme"), (ACME, "secret")):
        phone = await world.plug("100", domain=domain, password=password)
        refused = await phone.register()
        assert isinstance(refused, RegistrationFailed)
        assert refused.status == 401


async def test_both_call_the_same_extension_and_application(world: World) -> None:
    tenants = await two(world)
    for tenant, domain in zip(tenants, (ACME, GLOBEX), strict=True):
        heard = Listener(tenant, APP)
        phone = await world.plug("100", domain=domain, password=tenant.name)
        call = phone.dial("1000")
        start = await heard.until(StasisStart)
        assert isinstance(start, StasisStart)
        assert list(tenant.channels) == [start.channel.id]
        assert start.channel.name.startswith("PJSIP/100-")
        phone.hang_up(call)
        await heard.settle(1)
    assert world.events.names() == []


async def test_dialling_100_rings_the_own_100(world: World) -> None:
    acme, _ = await two(world)
    await world.host("initech", "initech.example", names=("100", "101"))
    theirs = await world.plug("100", domain=ACME, password="acme")
    await theirs.register()
    mine = await world.plug("100", domain="initech.example", password="initech")
    await mine.register()
    caller = await world.plug("101", domain="initech.example", password="initech")
    call = caller.dial("100")
    ringing = await mine.rings()
    # Called back, the caller is reached, too.
    assert isinstance(ringing.from_.uri, SipUri)
    assert ringing.from_.uri.host == "initech.example"
    assert acme.channels == {}
    caller.hang_up(call)
    await world.events.settle(40)
    assert [type(event).__name__ for event in theirs.heard] == []


async def test_a_channel_to_anothers_phone_can_not_be_had(world: World) -> None:
    acme, globex = await two(world)
    phone = await world.plug("100", domain=ACME, password="acme")
    await phone.register()
    absent = pytest.raises(AllocationFailed, match="not registered")
    with absent:
        world.sip.request(globex, "100", NewChannel())
    world.sip.request(acme, "100", NewChannel()).release(16)
    await phone.unregister()


async def test_texts_stay_within_a_tenant(world: World) -> None:
    acme, globex = await two(world)
    phones: list[Phone] = []
    for tenant, domain in ((acme, ACME), (globex, GLOBEX)):
        phones.append(await world.plug("100", domain=domain, password=tenant.name))
        await phones[-1].register()
        phones[-1].heard.clear()
    world.sip.send_text(acme.endpoints["PJSIP", "100"], "pjsip:desk", "hello", {})
    text = await phones[0].wait(MessageReceived)
    assert str(text.from_.uri) == f"sip:desk@{ACME}:5060"
    assert phones[1].heard == []


async def test_the_challenge_names_the_realm_of_the_domain(world: World) -> None:
    await two(world)
    stranger = world.raw()
    for host, realm in ((ACME, ACME), ("unknown.example", "stasisd")):
        stranger.send(
            f"REGISTER sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK{host}\r\n"
            f"From: <sip:100@{host}>;tag=a\r\nTo: <sip:100@{host}>\r\nCall-ID: {host}\r\n"
            "CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        challenge = await stranger.message()
        assert isinstance(challenge, Response)
        assert f'realm="{realm}"' in (challenge.headers.get("WWW-Authenticate") or "")


async def test_registrations_outlive_the_daemon_each_in_its_tenant(tmp_path: Path) -> None:
    database = InlineDatabase()
    async with running(tmp_path / "1", database=database, check=False) as world:
        await two(world)
        phone = await world.plug("100", domain=ACME, password="acme")
        await phone.register()
        await world.events.settle(1)
    rows = database.connection.execute("SELECT tenant, aor FROM contacts").fetchall()
    assert rows == [("acme", "100")]
    async with running(tmp_path / "2", database=database, start=False) as world:
        acme, globex = await two(world)
        await world.start()
        assert (online(acme), online(globex)) == (True, False)


def directory(**domains: tuple[str, ...]) -> Directory:
    made = Directory(SipSettings())
    for tenant, hosts in domains.items():
        made.serve(tenant, hosts)
    return made


@pytest.mark.parametrize(
    ("address", "target", "expected"),
    [
        ("sip:100@acme.example", "sip:acme.example", "acme/100"),
        ("sip:100@ACME.example.", "sip:192.0.2.1", "acme/100"),
        ("sip:100@192.168.1.7", "sip:acme.example", "acme/100"),
        ("sip:100@globex.example", "sip:acme.example", "globex/100"),
        ("sip:100@192.168.1.7", "sip:192.0.2.1", "rest/100"),
        ("tel:+100", "sip:acme.example", "acme/+100"),
        ("sip:acme/100@192.0.2.1", "sip:192.0.2.1", "rest/acme/100"),
    ],
)
def test_which_tenant_an_address_is_of(address: str, target: str, expected: str) -> None:
    known = directory(acme=("acme.example",), globex=("globex.example",), rest=())
    assert known.name_of(parse_uri(address), parse_uri(target)) == expected


def test_other_hosts_are_nobodys_where_each_tenant_has_a_domain() -> None:
    known = directory(acme=("acme.example",))
    name = known.name_of(parse_uri("sip:100@192.0.2.1"), parse_uri("sip:192.0.2.1"))
    assert name == "/100"
    assert known.realm_of(name) == "stasisd"
    assert known.ha1("100", "stasisd", "MD5") is None
