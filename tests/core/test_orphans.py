"""What becomes of calls whose application has lost its last socket."""

import msgspec
import pytest
import trio

from stasisd.core.bus import Mailbox
from stasisd.core.listener import Role
from stasisd.core.orphans import VARIABLE, BadOrphans, Fate, Orphans, parse_orphans
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.mark.parametrize(
    ("text", "orphans"),
    [
        ("keep", Orphans()),
        ("hangup:5", Orphans(Fate.HANGUP, 5)),
        ("hangup", Orphans(Fate.HANGUP, 30)),
        ("continue:0", Orphans(Fate.CONTINUE, 0)),
    ],
)
def test_policies_that_can_be_read(text: str, orphans: Orphans) -> None:
    assert parse_orphans(text) == orphans


@pytest.mark.parametrize("text", ["", "Keep", "keep:5", "hangup:", "hangup:-1", "hangup:1.5", "x"])
def test_policies_that_are_none(text: str) -> None:
    with pytest.raises(BadOrphans):
        parse_orphans(text)


async def abandon(tenant: Tenant, policy: str) -> None:
    """A call in an application whose socket goes."""
    application = tenant.serve_application(APP)
    listener = application.connect(Mailbox(), everything=False)
    application.orphans = parse_orphans(policy)
    await call(tenant, "c")
    application.disconnect(listener)


async def test_they_are_kept_as_asterisk_keeps_them(tenant: Tenant) -> None:
    await abandon(tenant, "keep")
    await trio.sleep(3600)
    assert tenant.channels["c"].visit is not None


async def test_they_are_hung_up_in_time(tenant: Tenant) -> None:
    await abandon(tenant, "hangup:30")
    await trio.sleep(29)
    assert "c" in tenant.channels
    await trio.sleep(2)
    assert "c" not in tenant.channels
    assert APP not in tenant.applications


async def test_they_go_on_in_the_dialplan(tenant: Tenant) -> None:
    everybody = Listener(tenant)
    await abandon(tenant, "continue:1")
    await trio.sleep(2)
    await everybody.settle()
    channel = tenant.channels.get("c")
    assert channel is None or channel.visit is None
    assert "StasisEnd" not in everybody.names("c"), "which is for the application"


async def test_who_comes_back_in_time_finds_them(tenant: Tenant) -> None:
    await abandon(tenant, "hangup:30")
    await trio.sleep(20)
    listener = tenant.applications[APP].connect(Mailbox(), everything=False)
    await trio.sleep(60)
    assert "c" in tenant.channels
    tenant.applications[APP].disconnect(listener)
    await trio.sleep(29)
    assert "c" in tenant.channels, "the time begins anew"
    await trio.sleep(2)
    assert "c" not in tenant.channels


async def test_an_observer_does_not_serve_them(tenant: Tenant) -> None:
    await abandon(tenant, "hangup:30")
    tenant.applications[APP].connect(Mailbox(), everything=False, role=Role.OBSERVER)
    await trio.sleep(31)
    assert "c" not in tenant.channels


async def test_as_long_as_one_worker_is_there_nothing_is_an_orphan(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    application.orphans = parse_orphans("hangup:0")
    one = application.connect(Mailbox(), everything=False, role=Role.WORKER)
    two = application.connect(Mailbox(), everything=False, role=Role.WORKER)
    await call(tenant, "c")
    application.disconnect(one)
    await trio.sleep(10)
    assert "c" in tenant.channels
    application.disconnect(two)
    await trio.sleep(1)
    assert "c" not in tenant.channels


@pytest.mark.parametrize(
    ("usual", "own", "seconds"),
    [
        ("keep", "hangup:10", 10),
        ("hangup:30", "hangup:10", 10),
        ("hangup:10", "hangup:30", 30),
        ("hangup:10", "nonsense", 10),
        ("hangup:10", "", 10),
    ],
)
async def test_a_channel_may_have_a_policy_of_its_own(
    usual: str, own: str, seconds: int, tenant: Tenant
) -> None:
    application = tenant.serve_application(APP)
    listener = application.connect(Mailbox(), everything=False)
    application.orphans = parse_orphans(usual)
    (await call(tenant, "own")).set_variable(VARIABLE, own)
    await call(tenant, "other")
    application.disconnect(listener)
    await trio.sleep(seconds - 1)
    assert "own" in tenant.channels
    await trio.sleep(2)
    assert "own" not in tenant.channels
    await trio.sleep(60)
    assert ("other" in tenant.channels) == (usual == "keep")


async def test_a_channel_may_be_kept_where_the_others_go(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    listener = application.connect(Mailbox(), everything=False)
    application.orphans = parse_orphans("hangup:0")
    (await call(tenant, "own")).set_variable(VARIABLE, "keep")
    await call(tenant, "other")
    application.disconnect(listener)
    await trio.sleep(60)
    assert "own" in tenant.channels
    assert "other" not in tenant.channels


async def test_an_application_may_have_a_policy_of_its_own(tenant: Tenant) -> None:
    tenant.settings = msgspec.structs.replace(
        tenant.settings, orphans=parse_orphans("hangup:5"), own_orphans={APP: Orphans()}
    )
    for name in (APP, "other"):
        application = tenant.serve_application(name)
        listener = application.connect(Mailbox(), everything=False)
        await call(tenant, f"of-{name}", app=name)
        application.disconnect(listener)
    await trio.sleep(10)
    assert f"of-{APP}" in tenant.channels
    assert "of-other" not in tenant.channels


async def test_two_that_fall_behind_and_go_are_gone_once(tenant: Tenant) -> None:
    """What begins with the first of them is called off by who comes back."""
    application = tenant.serve_application(APP)
    application.orphans = parse_orphans("hangup:30")
    workers = [application.connect(Mailbox(), everything=False, role=Role.WORKER) for _ in range(2)]
    await call(tenant, "c")
    for worker in workers:
        worker.mailbox.end("it reads too slowly")
    for worker in workers:
        application.disconnect(worker)
        await trio.sleep(1)
    application.connect(Mailbox(), everything=False)
    await trio.sleep(60)
    assert "c" in tenant.channels
