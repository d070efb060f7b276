"""Originating a Local channel into an application, as a real Asterisk was seen to do it."""

from stasisd.core import dialing, events
from stasisd.core.technology import NewChannel
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left

pytestmark = jumping_clock


def originate(tenant: Tenant, address: str, app: str, channel_id: str = "c") -> str:
    channel = dialing.request(tenant, address, NewChannel(channel_id=channel_id))
    dialing.originate(channel, dialing.into_application(app, ()), follower=app)
    return channel.id


async def test_an_application_hears_both_halves_in_order(tenant: Tenant) -> None:
    listener = Listener(tenant, "app")
    originate(tenant, "Local/echo@conformance", "app")
    await listener.until(events.StasisStart)
    assert listener.names("c") == [
        "Dial", "ChannelStateChange", "Dial", "ChannelVarset", "StasisStart",
    ]  # fmt: skip
    assert listener.names("c;2") == ["ChannelDialplan", "ChannelStateChange"]
    echo = await listener.until(events.ChannelDialplan)
    assert isinstance(echo, events.ChannelDialplan)
    assert echo.dialplan_app == "Echo"

    tenant.channels["c"].hangup(soft=True, shown=32)
    del listener.heard[:]
    await listener.settle()
    assert listener.names("c") == [
        "ChannelHangupRequest", "StasisEnd", "ChannelVarset", "ChannelDestroyed",
    ]  # fmt: skip
    assert listener.names("c;2") == [
        "ChannelHangupRequest", "ChannelHangupRequest", "ChannelDestroyed",
    ]  # fmt: skip
    assert_nothing_left(tenant)
