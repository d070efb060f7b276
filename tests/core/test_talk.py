"""Who talks: told of a channel where it was asked for."""

import pytest

from stasisd.core import events, variables
from stasisd.core.channel import Channel
from stasisd.core.variables import UnknownFunction
from tests.support.clock import jumping_clock
from tests.support.conference import Conference
from tests.support.tenant import Listener
from tests.support.world import APP

pytestmark = jumping_clock


@pytest.fixture
def channel(conference: Conference) -> Channel:
    return conference.phones["a"].channel


def told(listener: Listener) -> list[tuple[str, str]]:
    return [
        (type(event).__name__, event.channel.id)
        for event in listener.heard
        if isinstance(event, events.ChannelTalkingStarted | events.ChannelTalkingFinished)
    ]


async def test_talk_is_told_with_its_duration(conference: Conference, channel: Channel) -> None:
    listener = Listener(conference.tenant, APP)
    variables.write(channel, "TALK_DETECT(set)", "500")
    await conference.talk("a", "b")
    await listener.settle(2)
    assert told(listener) == [("ChannelTalkingStarted", "a"), ("ChannelTalkingFinished", "a")]
    finished = listener.heard[-1]
    assert isinstance(finished, events.ChannelTalkingFinished)
    assert finished.duration == pytest.approx(1500, abs=100)


async def test_nothing_is_told_after_remove_and_below_the_threshold(
    conference: Conference, channel: Channel
) -> None:
    listener = Listener(conference.tenant, APP)
    variables.write(channel, "TALK_DETECT(set)", ",20000")
    await conference.talk("a")
    variables.write(channel, "TALK_DETECT(set)", "")
    variables.write(channel, "TALK_DETECT(remove)", "")
    await conference.talk("a")
    await listener.settle(5)
    assert told(listener) == []


async def test_it_waits_for_the_channels_media(conference: Conference, channel: Channel) -> None:
    listener = Listener(conference.tenant, APP)
    port, channel.port = channel.port, None
    nursery, channel.nursery = channel.nursery, None  # where the port is listened to already
    assert port is not None
    variables.write(channel, "TALK_DETECT(set)", "500")
    channel.attach(port)
    channel.nursery = nursery
    await conference.talk("a")
    await listener.settle()
    assert ("ChannelTalkingStarted", "a") in told(listener)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALK_DETECT(set)", "no"),
        ("TALK_DETECT(set)", "0"),
        ("TALK_DETECT(set)", "-5"),
        ("TALK_DETECT(set)", "500,32769"),
        ("TALK_DETECT(set)", "99999999999"),
        ("TALK_DETECT(other)", "500"),
        ("TALK_DETECT()", ""),
    ],
)
async def test_what_makes_no_sense_is_refused(channel: Channel, name: str, value: str) -> None:
    with pytest.raises(UnknownFunction):
        variables.write(channel, name, value)
    assert channel.sound.talk_detection is None


async def test_it_can_not_be_read(channel: Channel) -> None:
    with pytest.raises(UnknownFunction):
        variables.read(channel, "TALK_DETECT(set)")
