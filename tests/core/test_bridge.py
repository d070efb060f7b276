"""Two parties who hear each other, and how each leaves."""

import pytest
import trio

from stasisd.core import events
from stasisd.core.bridge import BridgeFull
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left
from tests.support.world import APP, call

pytestmark = jumping_clock


def peers(listener: Listener, channel_id: str) -> list[str]:
    """The values that BRIDGEPEER of a channel had."""
    return [
        event.value
        for event in listener.of(channel_id)
        if isinstance(event, events.ChannelVarset) and event.variable == "BRIDGEPEER"
    ]


def of_bridge(listener: Listener) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (type(event).__name__, event.bridge.channels)
        for event in listener.heard
        if isinstance(event, events.BridgeEvent)
    ]


async def test_two_join_leave_and_the_bridge_ends(tenant: Tenant) -> None:
    listener = Listener(tenant, APP, everything=True)
    one, other = await call(tenant, "c1"), await call(tenant, "c2")
    bridge = tenant.create_bridge("b")
    for channel in (one, one, other):
        bridge.join(channel)
    bridge.leave(one)
    bridge.leave(one)
    bridge.destroy()
    bridge.destroy()
    await listener.settle()
    assert of_bridge(listener) == [
        ("BridgeCreated", ()),
        ("ChannelEnteredBridge", ("c1",)),
        ("ChannelEnteredBridge", ("c1", "c2")),
        ("ChannelLeftBridge", ("c2",)),
        ("ChannelLeftBridge", ()),
        ("BridgeDestroyed", ()),
    ]
    assert peers(listener, "c1") == [other.name, ""]
    assert peers(listener, "c2") == [one.name, ""]
    assert not tenant.bridges


async def test_a_third_is_refused_and_changes_nothing(tenant: Tenant) -> None:
    tenant.serve_application(APP)
    Listener(tenant, APP)
    bridge, elsewhere = tenant.create_bridge("b"), tenant.create_bridge("e")
    for name in ("c1", "c2"):
        bridge.join(await call(tenant, name))
    third = await call(tenant, "c3")
    elsewhere.join(third)
    with pytest.raises(BridgeFull):
        bridge.join(third)
    assert third.bridge is elsewhere
    assert bridge.snapshot.channels == ("c1", "c2")


async def test_who_joins_another_leaves_the_first(tenant: Tenant) -> None:
    Listener(tenant, APP)
    first, second = tenant.create_bridge("b1"), tenant.create_bridge("b2")
    channel = await call(tenant, "c")
    first.join(channel)
    second.join(channel)
    assert (first.snapshot.channels, second.snapshot.channels) == ((), ("c",))


@pytest.mark.parametrize("leaving", ["c1", "c2"])
async def test_a_hangup_inside_leaves_the_other(leaving: str, tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    for name in ("c1", "c2"):
        bridge.join(await call(tenant, name))
    staying = {"c1": "c2", "c2": "c1"}[leaving]
    tenant.channels[leaving].hangup()
    await listener.settle()
    assert [channel.id for channel in bridge.channels] == [staying]
    assert tenant.channels[staying].bridge is bridge
    assert peers(listener, staying)[-1] == ""
    kinds = listener.names(leaving)
    assert kinds.index("ChannelLeftBridge") < kinds.index("StasisEnd")
    tenant.channels[staying].hangup()
    await listener.settle()
    assert not bridge.channels
    assert_nothing_left(tenant)


async def test_an_application_follows_a_bridge_while_it_has_a_channel_in_it(
    tenant: Tenant,
) -> None:
    Listener(tenant, APP)
    application = tenant.applications[APP]
    bridge = tenant.create_bridge("b")
    one, other = await call(tenant, "c1"), await call(tenant, "c2")
    bridge.join(one)
    bridge.join(other)
    bridge.leave(one)
    assert application.follows("bridge:b")
    bridge.leave(other)
    assert not application.follows("bridge:b")


async def test_an_application_whose_channel_hung_up_hears_of_its_bridge_until_the_end(
    tenant: Tenant,
) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    channel = await call(tenant, "c")
    bridge.join(channel)
    channel.hangup()
    await listener.until(events.ChannelLeftBridge)
    await trio.sleep(1)
    bridge.destroy()
    await listener.until(events.BridgeDestroyed)
    assert not tenant.applications[APP].follows("bridge:b")


async def test_who_leaves_the_application_leaves_its_bridge(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    channel = await call(tenant, "c")
    bridge.join(channel)
    assert channel.visit is not None
    channel.visit.leave()
    await listener.settle()
    assert not bridge.channels
