"""Phones that ask to be transferred: REFER, and what the server says to it."""

import re
from typing import TypeVar

from stasisd.core import events as core
from stasisd.core.channel import Channel
from stasisd.sip.events import CallId
from tests.technologies.sip.phones import Phone
from tests.technologies.sip.world import World

E = TypeVar("E", bound=core.Event)


def refer(phone: Phone, call: CallId, target: str, *fields: tuple[str, str]) -> None:
    """Send a REFER in a call, with headers that our own agent would not send."""
    agent = phone.agent
    dialog = agent._parts.calls.get(call).dialog
    agent._parts.calls.get(call).referring = True  # so that it takes the NOTIFY requests
    made = dialog.request("REFER", (("Refer-To", target), *fields))
    branch = agent._parts.stack.transactions.new_branch()
    sent = agent._parts.stack.transactions.with_via(made, phone.flow, branch)
    agent._parts.stack.transport.send(bytes(sent), phone.flow)
    phone.line.flush()


def replaces(phone: Phone, call: CallId) -> str:
    """A Refer-To for the far end of another call."""
    dialog = phone.agent._parts.calls.get(call).dialog
    value = f"{dialog.call_id};to-tag={dialog.remote.tag};from-tag={dialog.local.tag}"
    escaped = value.replace(";", "%3B").replace("=", "%3D").replace("@", "%40")
    return f"<sip:whoever@192.0.2.100?Replaces={escaped}>"


def answers(world: World) -> list[int]:
    texts = [t for t in world.switch.sent("SIP/2.0 ") if re.search(r"CSeq: \d+ REFER", t)]
    return [int(text.split()[1]) for text in texts]


def told(world: World) -> list[str]:
    return [t.split("\r\n\r\n")[1].strip() for t in world.switch.sent("NOTIFY ")]


async def connected(world: World, caller: Phone, callee: Phone) -> tuple[CallId, CallId]:
    """A call from one phone to another, through the dialplan."""
    call = caller.dial(callee.name)
    received = await callee.rings()
    callee.answer(received)
    await caller.answered()
    await world.events.settle(0.2)
    return call, received.call


def all_of(world: World, kind: type[E]) -> list[E]:
    """What was heard of one kind."""
    return [event for event in world.events.heard if isinstance(event, kind)]


async def entered(world: World) -> Channel:
    """The next channel that the application has."""
    start = await world.events.until(core.StasisStart)
    assert isinstance(start, core.StasisStart)
    return world.tenant.channels[start.channel.id]


async def in_application(world: World, phone: Phone) -> tuple[CallId, Channel]:
    """An answered call of a phone, which an application has."""
    call = phone.dial("1001")
    channel = await entered(world)
    await phone.answered()
    await world.events.settle(0.1)
    return call, channel
