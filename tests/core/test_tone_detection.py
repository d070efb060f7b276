"""Tones that a channel is listened to for: what is asked, counted, told, and where it leads."""

from pathlib import Path

import pytest
import trio

from stasisd.core import events, variables
from stasisd.core.channel import Channel
from stasisd.core.tone_detection import BadDetection, ToneDetection, parse
from stasisd.core.variables import UnknownFunction
from stasisd.media.commands import Step, ToneSegment
from tests.support.clock import jumping_clock
from tests.support.conference import TONES, Conference
from tests.support.tenant import Listener, running_tenant
from tests.support.world import APP, dial_in

pytestmark = jumping_clock


# --- what is asked


@pytest.mark.parametrize(
    ("argument", "sides"),
    [
        ("440", (True, False)),
        ("440,500,r", (True, False)),
        ("440,500,t", (False, True)),
        ("440,500,rt", (True, False)),  # as in Asterisk
        ("440,500,s", (True, True)),
        ("440,500,d(20)", (True, True)),
    ],
)
def test_which_side_is_listened_to(argument: str, sides: tuple[bool, bool]) -> None:
    wanted = parse(argument)
    assert wanted is not None
    assert (wanted.incoming, wanted.outgoing) == sides


def test_what_is_asked_and_what_else_holds() -> None:
    bare = parse("440")
    assert bare is not None
    assert (bare.duration_ms, bare.decibels, bare.hits, bare.once) == (500, 16, 1, False)
    full = parse(" 2600 , 1000 ,rd(20)n(3)eg(got,s,1)h(5)")
    assert isinstance(full, ToneDetection)
    assert (full.frequency, full.duration_ms, full.decibels, full.hits) == (2600, 1000, 20, 3)
    assert (full.once, full.goto_in, full.goto_out) == (True, "got,s,1", "5")
    assert parse("0,,x") is None


@pytest.mark.parametrize(
    "argument",
    ["", "tone", "-5", "4000", "440+480", "440,0", "440,x", "440,500,b", "440,500,d(",
     "440,500,n(0)", "440,500,d(loud)", "440,500,r,t", "9" * 5000],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(argument: str, conference: Conference) -> None:
    with pytest.raises(BadDetection):
        parse(argument)
    channel = conference.phones["a"].channel
    with pytest.raises(UnknownFunction):
        variables.write(channel, f"TONE_DETECT({argument})", "")
    assert channel.sound.tone_detection is None


# --- what is told


def told(listener: Listener) -> list[str]:
    return [e.channel.id for e in listener.heard if isinstance(e, events.ChannelToneDetected)]


def ask(channel: Channel, argument: str) -> None:
    variables.write(channel, f"TONE_DETECT({TONES[channel.id]}{argument})", "")


def count(channel: Channel, side: str = "rx") -> str | None:
    return variables.read(channel, f"TONE_DETECT({side})")


async def test_a_tone_is_told_and_counted_while_it_is_listened_for(conference: Conference) -> None:
    listener = Listener(conference.tenant, APP)
    channel = conference.phones["a"].channel
    ask(channel, "")
    await conference.talk("a", "b")
    assert (count(channel), count(channel, "tx")) == ("1", "0")
    ask(channel, ",600")  # the counts go on
    await conference.talk("a")
    await listener.settle()
    assert (told(listener), count(channel)) == (["a", "a"], "2")
    variables.write(channel, "TONE_DETECT(0,,x)", "")
    with pytest.raises(UnknownFunction):
        count(channel)
    await conference.talk("a")
    await listener.settle()
    assert told(listener) == ["a", "a"]
    variables.write(channel, "TONE_DETECT(0,,x)", "")  # again: nothing happens


async def test_only_the_second_is_told_if_asked_and_then_no_more(conference: Conference) -> None:
    listener = Listener(conference.tenant, APP)
    channel = conference.phones["a"].channel
    ask(channel, ",500,rn(2)e")
    for _ in range(4):
        await conference.talk("a")
    await listener.settle()
    assert (told(listener), count(channel)) == (["a"], "2")
    ears = conference.links[-1].engine._parts.listened
    assert not ears._in._wanted.any()  # nor does anybody listen


async def test_what_goes_out_is_counted_apart(conference: Conference) -> None:
    channel, other = (conference.phones[name].channel for name in "ab")
    variables.write(channel, f"TONE_DETECT({TONES['b']},500,t)", "")
    bridge = conference.tenant.create_bridge("b")
    bridge.join(channel)
    bridge.join(other)
    await conference.talk("b")
    assert (count(channel), count(channel, "tx")) == ("0", "1")


async def test_it_waits_for_the_channels_media(conference: Conference) -> None:
    channel = conference.phones["a"].channel
    port, channel.port = channel.port, None
    nursery, channel.nursery = channel.nursery, None  # where the port is listened to already
    assert port is not None
    ask(channel, "")
    channel.attach(port)
    channel.nursery = nursery
    await conference.talk("a")
    assert count(channel) == "1"


# --- where it leads

DIALPLAN = """
[default]
exten => s,1,Answer()
 same => n,Set(TONE_DETECT(440,200,{options})=)
 same => n,Wait(5)
 same => n,NoOp(not sent)
 same => n,Hangup()
 same => n(here),NoOp(here)
 same => n,Hangup()
exten => visit,1,Answer()
 same => n,Set(TONE_DETECT(440,200,{options})=)
 same => n,Stasis(app)
 same => n,NoOp(not sent)
 same => n,Hangup()
 same => n(here),NoOp(here)
[other]
exten => got,1,NoOp(got)
 same => n,Wait(2)
 same => n,NoOp(stayed)
"""


def shown(listener: Listener) -> list[str]:
    """What NoOp showed."""
    return [
        event.dialplan_app_data
        for event in listener.of("c;2")
        if isinstance(event, events.ChannelDialplan) and event.dialplan_app == "NoOp"
    ]


async def went(folder: Path, exten: str, options: str) -> tuple[list[str], list[str]]:
    """What was shown just after a tone of a second, and what in the end."""
    async with running_tenant(folder, DIALPLAN.format(options=options)) as tenant:
        listener = Listener(tenant, APP, everything=True)
        dial_in(tenant, f"{exten}@default")
        await trio.sleep(1)
        near = tenant.channels["c"]
        assert near.port is not None
        await near.port.play((ToneSegment((Step((440,), 1000), Step((), 100))),)).wait_ended()
        await listener.settle(0.1)
        at_once = shown(listener)
        if (far := tenant.channels.get("c;2")) is not None and far.visit is not None:
            far.visit.leave()
        await listener.settle(10)
        assert not tenant.channels
        return at_once, shown(listener)


@pytest.mark.parametrize("exten", ["s", "visit"])
@pytest.mark.parametrize(
    ("options", "there"),
    [
        ("g(other,got,1)", ["got", "stayed"]),
        ("rg(here)", ["here"]),
        ("g(nowhere,s,1)", ["not sent"]),
        ("g(99)", ["not sent"]),
        ("th(other,got,1)", ["not sent"]),  # it does not go out
        ("h(other,got,1)", ["got", "stayed"]),  # as in Asterisk, where there is no g
    ],
)
async def test_where_a_tone_sends_the_channel(
    exten: str, options: str, there: list[str], tmp_path: Path
) -> None:
    at_once, in_the_end = await went(tmp_path, exten, options)
    assert in_the_end == there
    assert at_once == [text for text in there[:1] if text != "not sent"]
