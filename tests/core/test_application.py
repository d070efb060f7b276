"""Applications: who hears what, who takes over, and how long one lives."""

import trio

from stasisd.core import dialing, events
from stasisd.core.bus import Mailbox
from stasisd.core.technology import NewChannel
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener
from tests.support.world import APP, call

pytestmark = jumping_clock


async def test_a_replaced_socket_stays_open_and_silent(tenant: Tenant) -> None:
    first = Listener(tenant, APP)
    channel = await call(tenant, "c")
    second = Listener(tenant, APP)
    channel.set_variable("SEEN", "1")
    await first.settle()
    await second.settle()
    assert first.names()[-1] == "ApplicationReplaced"
    assert first.names().count("ApplicationReplaced") == 1
    assert not first.mailbox.ended
    assert second.names("c") == ["ChannelVarset"]
    assert tenant.applications[APP].is_served


async def test_the_end_of_a_replaced_socket_changes_nothing(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    old, new = Mailbox(), Mailbox()
    first = application.connect(old, everything=False)
    application.connect(new, everything=False)
    old.end()
    application.disconnect(first)
    application.disconnect(first)
    assert tenant.applications[APP] is application
    assert application.is_served


async def test_one_that_nobody_serves_and_nothing_needs_is_gone(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    application.disconnect(application.connect(Mailbox(), everything=False))
    assert APP not in tenant.applications


async def test_one_with_channels_survives_its_socket(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    subscription = application.connect(Mailbox(), everything=False)
    channel = await call(tenant, "c")
    bridge = tenant.create_bridge("b")
    application.follow(bridge.topics[0])
    application.disconnect(subscription)
    assert application.snapshot.channel_ids == ("c", "c;2")
    assert not application.is_served

    again = Listener(tenant, APP)
    assert tenant.applications[APP] is application
    bridge.destroy()
    channel.hangup()
    await again.settle()
    assert again.names("b") == ["BridgeDestroyed"]
    assert again.names("c")[-1] == "ChannelDestroyed"
    assert not application.follows("channel:c")


async def test_one_goes_with_the_last_that_it_follows(tenant: Tenant) -> None:
    application = tenant.serve_application(APP)
    subscription = application.connect(Mailbox(), everything=False)
    channel = await call(tenant, "c")
    application.disconnect(subscription)
    channel.hangup()
    await trio.sleep(1)
    assert APP not in tenant.applications


async def test_a_call_does_not_come_to_one_without_a_socket(tenant: Tenant) -> None:
    """It is known, since it follows a channel, but nobody would answer."""
    application = tenant.serve_application(APP)
    subscription = application.connect(Mailbox(), everything=False)
    await call(tenant, "c")
    application.disconnect(subscription)
    assert tenant.applications[APP] is application
    everybody = Listener(tenant)
    late = dialing.request(tenant, "Local/echo@conformance", NewChannel(channel_id="late"))
    dialing.originate(late, dialing.into_application(APP, ()))
    await everybody.until(events.ChannelDestroyed, id="late")
    assert "StasisStart" not in everybody.names("late")
    statuses = [e.value for e in everybody.of("late") if isinstance(e, events.ChannelVarset)]
    assert "FAILED" in statuses


async def test_one_that_was_given_up_does_not_take_its_successor_along(tenant: Tenant) -> None:
    old = tenant.serve_application(APP)
    subscription = old.connect(Mailbox(), everything=False)
    channel = await call(tenant, "c")
    for half in ("c", "c;2"):
        old.forget(f"channel:{half}")
    old.disconnect(subscription)
    successor = Listener(tenant, APP)
    channel.hangup()
    await successor.settle()
    assert tenant.applications[APP].is_served


async def test_a_subscription_outlives_the_visit(tenant: Tenant) -> None:
    """What is followed twice is followed until both have ended."""
    Listener(tenant, "mine")
    other = Listener(tenant, "other")
    channel = await call(tenant, "c", app="mine")
    application = tenant.applications["other"]
    application.follow(channel.topics[0])
    application.follow(channel.topics[0])
    application.unfollow(channel.topics[0])
    channel.set_variable("SEEN", "1")
    await other.settle()
    assert other.names() == ["ChannelVarset"]
    application.unfollow(channel.topics[0])
    application.unfollow(channel.topics[0])
    channel.set_variable("UNSEEN", "1")
    await other.settle()
    assert other.names() == ["ChannelVarset"]


async def test_one_of_another_name_hears_nothing(tenant: Tenant) -> None:
    other = Listener(tenant, "other")
    Listener(tenant, APP)
    await call(tenant, "c")
    await other.settle()
    assert other.heard == []


async def test_who_hears_everything_hears_what_is_for_all_once(tenant: Tenant) -> None:
    everything = Listener(tenant, "all", everything=True)
    Listener(tenant, APP)
    channel = await call(tenant, "c")
    tenant.applications["all"].follow(channel.topics[0])
    channel.set_variable("SEEN", "1")
    await everything.settle()
    seen = [e for e in everything.heard if isinstance(e, events.ChannelVarset)]
    assert [e.variable for e in seen] == ["STASISSTATUS", "SEEN"]
    assert "StasisStart" not in everything.names(), "which is for the application itself"
