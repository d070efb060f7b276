"""Who is in a bridge, what is told of it, and how each leaves."""

import pytest
import trio

from stasisd.core import events
from stasisd.core.bridge import Bridge, Joining
from stasisd.core.bridge_kind import BridgeKind
from stasisd.core.snapshots import Party
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left
from tests.support.world import APP, call

pytestmark = jumping_clock

HOLDING = BridgeKind(holding=True)


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
    for channel in (one, other):
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
    # Who is left alone keeps the name of who left, as in Asterisk.
    assert peers(listener, staying)[-1] != ""
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


# --- several parties


def technologies(listener: Listener) -> list[tuple[str, str]]:
    return [
        (type(event).__name__, event.bridge.technology)
        for event in listener.heard
        if isinstance(event, events.BridgeEvent)
    ]


async def test_the_technology_follows_the_number_of_parties(tenant: Tenant) -> None:
    listener = Listener(tenant, APP, everything=True)
    bridge = tenant.create_bridge("b")
    channels = [await call(tenant, f"c{n}") for n in range(3)]
    for channel in channels:
        bridge.join(channel)
    assert bridge.snapshot.technology == "softmix"
    bridge.leave(channels[0])
    assert bridge.snapshot.technology == "simple_bridge"
    bridge.destroy()
    await listener.settle()
    # An event shows the technology before it is adapted, as in Asterisk.
    assert technologies(listener) == [
        ("BridgeCreated", "simple_bridge"),
        ("ChannelEnteredBridge", "simple_bridge"),
        ("ChannelEnteredBridge", "simple_bridge"),
        ("ChannelEnteredBridge", "simple_bridge"),
        ("ChannelLeftBridge", "softmix"),
        ("ChannelLeftBridge", "simple_bridge"),
        ("ChannelLeftBridge", "simple_bridge"),
        ("BridgeDestroyed", "simple_bridge"),
    ]


async def test_a_destroyed_bridge_keeps_its_technology(tenant: Tenant) -> None:
    listener = Listener(tenant, APP, everything=True)
    bridge = tenant.create_bridge("b")
    for n in range(3):
        bridge.join(await call(tenant, f"c{n}"))
    bridge.destroy()
    await listener.settle()
    assert set(technologies(listener)[4:]) == {
        ("ChannelLeftBridge", "softmix"),
        ("BridgeDestroyed", "softmix"),
    }


async def test_peers_are_named_and_who_makes_it_a_conference_first(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    channels = [await call(tenant, f"c{n}") for n in range(4)]
    a, b, c, d = (channel.name for channel in channels)
    for channel in channels:
        bridge.join(channel)
    bridge.leave(channels[2])
    await listener.settle()
    assert peers(listener, "c0") == [b, f"{c},{b}", f"{c},{b},{d}", f"{b},{d}"]
    assert peers(listener, "c1") == [a, f"{c},{a}", f"{c},{a},{d}", f"{a},{d}"]
    assert peers(listener, "c2") == [f"{a},{b}", f"{a},{b},{d}", ""]
    assert peers(listener, "c3") == [f"{c},{a},{b}", f"{a},{b}"]


async def test_at_most_ten_peers_are_named(tenant: Tenant) -> None:
    Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    for n in range(13):
        bridge.join(await call(tenant, f"c{n}"))
    named = {c.id: c.variables["BRIDGEPEER"].split(",") for c in bridge.channels}
    assert {len(names) for names in named.values()} == {10}
    assert all(tenant.channels[one].name not in names for one, names in named.items())


async def test_who_joins_again_leaves_first(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    channel = await call(tenant, "c")
    bridge.join(channel)
    bridge.join(channel, Joining(speaks=False))
    await listener.settle()
    assert [name for name, _ in of_bridge(listener)] == [
        "ChannelEnteredBridge",
        "ChannelLeftBridge",
        "ChannelEnteredBridge",
    ]
    assert bridge.channels == [channel]
    assert peers(listener, "c") == []


async def test_two_learn_who_the_other_is(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    one, other = await call(tenant, "c1"), await call(tenant, "c2")
    one.set_parties(caller=Party("Alice", "100"))
    bridge.join(one)
    bridge.join(other)
    await listener.settle()
    assert other.snapshot.connected == Party("Alice", "100")
    assert one.snapshot.connected == Party()
    assert "ChannelConnectedLine" in listener.names("c2")
    assert "ChannelConnectedLine" not in listener.names("c1")


async def test_who_joins_quietly_tells_nobody_who_it_is(tenant: Tenant) -> None:
    Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    one, other = await call(tenant, "c1"), await call(tenant, "c2")
    one.set_parties(caller=Party("Alice", "100"))
    bridge.join(one)
    bridge.join(other, Joining(quiet=True))
    assert other.snapshot.connected == Party()


# --- holding


async def test_a_holding_bridge_names_no_peers(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b", kind=HOLDING)
    for n in range(3):
        bridge.join(await call(tenant, f"c{n}"))
    await listener.settle()
    assert (bridge.snapshot.technology, bridge.snapshot.bridge_type) == (
        "holding_bridge",
        "holding",
    )
    assert not any("BRIDGEPEER" in channel.variables for channel in bridge.channels)


async def test_a_second_announcer_has_to_leave_at_once(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge, elsewhere = tenant.create_bridge("b", kind=HOLDING), tenant.create_bridge("e")
    announcer, other = await call(tenant, "c1"), await call(tenant, "c2")
    bridge.join(announcer, Joining(role="announcer"))
    elsewhere.join(other)
    bridge.join(other, Joining(role="announcer"))
    await listener.settle()
    moves = [name for name in listener.names("c2") if name.endswith("Bridge")]
    assert moves == ["ChannelEnteredBridge", "ChannelLeftBridge"] * 2
    assert (other.bridge, bridge.channels, elsewhere.channels) == (None, [announcer], [])
    bridge.join(announcer, Joining(role="announcer"))  # again, itself
    bridge.leave(announcer)
    bridge.join(other, Joining(role="announcer"))
    assert bridge.channels == [other]


# --- variables and video


def shown(bridge: Bridge) -> dict[str, str]:
    return dict(bridge.snapshot.bridgevars)


async def test_variables_are_shown_where_asked(tenant: Tenant) -> None:
    bridge = tenant.create_bridge("b")
    bridge.set_variable("A", "1", show=True)
    bridge.set_variable("B", "2")
    assert bridge.variables == {"A": "1", "B": "2"}
    assert shown(bridge) == {"A": "1"}
    bridge.set_variable("A", "3")
    assert shown(bridge) == {}
    bridge.set_variable("A", "")
    assert bridge.variables == {"B": "2"}


async def test_the_video_source_is_told_and_goes_with_its_channel(tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    bridge = tenant.create_bridge("b")
    one, other = await call(tenant, "c1"), await call(tenant, "c2")
    for channel in (one, other):
        bridge.join(channel)
    bridge.show_video_of(one)
    bridge.show_video_of(one)
    bridge.show_video_of(other)
    bridge.leave(other)
    bridge.show_talkers_video()
    await listener.settle()
    told = [e for e in listener.heard if isinstance(e, events.BridgeVideoSourceChanged)]
    assert [(e.bridge.video_source_id, e.old_video_source_id) for e in told] == [
        ("c1", None),
        ("c2", "c1"),
        ("", "c2"),
    ]
    assert [e.bridge.video_mode for e in told] == ["single"] * 3
    assert bridge.snapshot.video_mode == "talker"
