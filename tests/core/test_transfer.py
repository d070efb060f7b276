"""Transfers out of bridges of the dialplan with more than two parties, which no phone's Dial makes
by itself.
"""

import pytest
import trio.testing

from stasisd.core import dialing, events, transfer
from stasisd.core.bridge import Bridge
from stasisd.core.channel import Channel
from stasisd.core.snapshots import DIALS
from stasisd.core.technology import NewChannel
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left

pytestmark = jumping_clock


async def party(tenant: Tenant, name: str) -> Channel:
    """A channel that is up, in no application."""

    async def live(channel: Channel) -> None:
        await dialing.dial(channel, seconds=-1)
        await channel.attempt.detached.wait()
        await dialing.stay(channel)

    channel = dialing.request(tenant, "Local/echo@conformance", NewChannel(channel_id=name))
    tenant.start(channel, live)
    await trio.testing.wait_all_tasks_blocked()
    return channel


async def conference(tenant: Tenant, *names: str) -> tuple[Bridge, list[Channel]]:
    bridge = tenant.create_bridge(bridge_class=DIALS, creator="Dial")
    parties = [await party(tenant, name) for name in names]
    for channel in parties:
        bridge.join(channel)
    return bridge, parties


def ids(bridge: Bridge) -> list[str]:
    return [channel.id for channel in bridge.channels]


async def test_who_sends_several_on_is_replaced_by_the_way_there(tenant: Tenant) -> None:
    bridge, (first, *others) = await conference(tenant, "a", "b", "c")
    listener = Listener(tenant)
    transfer.blind(first, "conformance", "echo")
    await listener.until(events.ChannelDestroyed, id="a")
    (told,) = [e for e in listener.heard if isinstance(e, events.BridgeBlindTransfer)]
    assert (told.transferee, told.result) == (None, "Success")
    assert told.replace_channel is not None
    assert ids(bridge) == ["b", "c", told.replace_channel.id]
    for channel in others:
        channel.hangup()
    await listener.settle(5)
    assert_nothing_left(tenant)
    assert bridge.destroyed


@pytest.mark.parametrize(
    ("here", "there", "together", "merged"),
    [
        ("ab", "xy", ["y", "b"], False),
        ("abc", "xy", ["b", "c", "y"], False),
        ("ab", "xyz", ["y", "z", "b"], False),
        ("abc", "xyz", ["y", "z", "b", "c"], True),
    ],
)
async def test_two_conferences_become_one(
    tenant: Tenant, here: str, there: str, together: list[str], merged: bool
) -> None:
    """A call of two moves; where both have more parties, one conference takes in the other."""
    one, (first, *_) = await conference(tenant, *here)
    other, (second, *_) = await conference(tenant, *there)
    listener = Listener(tenant)
    transfer.attended(first, second)
    await listener.settle(1)
    (told,) = [e for e in listener.heard if isinstance(e, events.BridgeAttendedTransfer)]
    (left,) = [bridge for bridge in (one, other) if not bridge.destroyed]
    assert (told.destination_type, told.destination_bridge) == ("bridge", left.id)
    assert ids(left) == together
    found = [e for e in listener.heard if isinstance(e, events.BridgeMerged)]
    assert [(e.bridge.id, e.bridge_from.id) for e in found] == [(other.id, one.id)] * merged
    for channel in list(left.channels):
        channel.hangup()
    await listener.settle(5)
    assert_nothing_left(tenant)


async def test_a_call_within_one_bridge_is_not_put_together(tenant: Tenant) -> None:
    bridge, (first, second, _) = await conference(tenant, "a", "b", "c")
    with pytest.raises(transfer.CannotTransfer, match="in one bridge"):
        transfer.attended(first, second)
    assert ids(bridge) == ["a", "b", "c"]
