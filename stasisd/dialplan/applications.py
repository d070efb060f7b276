"""The applications that a dialplan can run: small coroutines, each of which can be cancelled."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from stasisd.core import broadcast, bus, causes, dialing, events, playback, stasis, variables
from stasisd.core.channel import Channel
from stasisd.core.playback import NotPlayable
from stasisd.core.tones import US

from .arguments import split_arguments
from .regular import RegularExpressionError, compile_regular, search

Application = Callable[[Channel, str], Awaitable[None]]

# How long Answer waits for the first sound of a channel it answered, in seconds.
ANSWER_WAIT = 0.5
# How long StasisBroadcast waits for a claim, in milliseconds.
PATIENCE_MS = 500
MOST_PATIENCE_MS = 60_000
# What Dial's options mean here.
GO_ON, RING = "g", "r"

CAUSES = {
    "normal_clearing": causes.NORMAL_CLEARING,
    "user_busy": causes.USER_BUSY,
    "no_answer": causes.NO_ANSWER,
    "call_rejected": causes.CALL_REJECTED,
    "congestion": causes.CONGESTION,
}


async def answer(channel: Channel, arguments: str) -> None:
    """``Answer([milliseconds])``: answer, and wait until the caller can be heard."""
    was_up = channel.is_up
    channel.answer()
    if not was_up:
        with trio.move_on_after(ANSWER_WAIT):
            await channel.heard.wait()
    if arguments:
        await trio.sleep(seconds(channel, arguments) / 1000)


async def hangup(channel: Channel, arguments: str) -> None:
    """``Hangup([cause])``: end the channel, with a Q.850 cause by number or name.

    Without one, it is that of the last call that ``Dial`` made, if any.
    """
    channel.cause = _cause(channel, arguments)
    channel.release(channel.cause)
    await trio.lowlevel.checkpoint()


def _cause(channel: Channel, text: str) -> int:
    if not text:
        return channel.dial_cause or causes.NORMAL_CLEARING
    if is_number(text) and 0 < int(text) <= causes.HIGHEST:
        return int(text)
    return CAUSES.get(text.lower(), causes.NORMAL_CLEARING)


async def stasis_application(channel: Channel, arguments: str) -> None:
    """``Stasis(application[,argument...])``: give the channel to an ARI application."""
    name, *args = split_arguments(arguments) or ("",)
    await stasis.visit(channel, name, tuple(args))


async def stasis_broadcast(channel: Channel, arguments: str) -> None:
    """``StasisBroadcast([milliseconds[,filter[,argument:...[,yes]]]])``: offer the channel to all
    ARI applications whose name the regular expression ``filter`` finds, and give it to the first
    that claims it within the time (500); ``yes`` tells the others that it was claimed.
    """
    timeout, pattern, args, tell = (*split_arguments(arguments), "", "", "", "")[:4]
    await broadcast.broadcast(
        channel,
        _patience(channel, timeout) / 1000,
        _named_like(channel, pattern),
        tuple(args.split(":")) if args else (),
        tell_claimed=tell.strip().lower() in {"yes", "true", "1"},
    )


def _patience(channel: Channel, text: str) -> int:
    """Milliseconds that a broadcast waits for a claim."""
    if not text or (is_number(text) and int(text) <= MOST_PATIENCE_MS):
        return int(text or PATIENCE_MS)
    channel.log.warning("StasisBroadcast: no such time", milliseconds=text, most=MOST_PATIENCE_MS)
    return PATIENCE_MS


def _named_like(channel: Channel, pattern: str) -> Callable[[str], bool]:
    """Whether a name has the pattern somewhere; one that can't be read has all names."""
    if not pattern:
        return lambda _name: True
    try:
        program = compile_regular(pattern)
    except RegularExpressionError as error:
        channel.log.warning("StasisBroadcast: no such pattern", pattern=pattern, error=str(error))
        return lambda _name: True
    return lambda name: search(program, name) is not None


async def dial(channel: Channel, arguments: str) -> None:
    """``Dial(TECH/resource[,seconds[,options]])``: call somebody and connect the two.

    DIALSTATUS says how it went. When the call was answered and is over, so is the caller's
    channel, unless the option ``g`` says to go on. ``r`` lets the caller hear ringing at once.
    """
    address, limit, options, *_ = (*split_arguments(arguments), "", "", "")
    if channel.hungup:
        return
    if RING in options:
        channel.ring()
    status = await dialing.call_and_bridge(
        channel, address, seconds=seconds(channel, limit) if limit else dialing.DEFAULT_TIMEOUT
    )
    channel.set_variable("DIALSTATUS", status)
    if status == "ANSWER" and GO_ON not in options and not channel.jumped:
        channel.release()
        await trio.lowlevel.checkpoint()


async def play(channel: Channel, arguments: str) -> None:
    """``Playback(sound[&sound...][,noanswer])``: play prompts one after another."""
    sounds, options, *_ = (*split_arguments(arguments), "", "")
    if "noanswer" not in options:
        channel.answer()
    uris = tuple(name if ":" in name else f"sound:{name}" for name in sounds.split("&") if name)
    status = "FAILED"
    if uris:
        try:
            playing = playback.play(channel, uris)
        except NotPlayable:
            channel.log.info("nothing can be played to an ended channel")
        else:
            await playing.finished.wait()
            status = "SUCCESS" if playing.snapshot.state == "done" else "FAILED"
    channel.set_variable("PLAYBACKSTATUS", status)


async def echo(channel: Channel, _arguments: str) -> None:
    """``Echo()``: send back what the caller says, until the caller presses #."""
    if channel.port is None:
        return
    channel.port.echo(True)
    try:
        await wait_digit(channel, "#")
    finally:
        channel.port.echo(False)


async def wait(channel: Channel, arguments: str) -> None:
    """``Wait(seconds)``: do nothing for a while."""
    await trio.sleep(seconds(channel, arguments))


async def ringing(channel: Channel, _arguments: str) -> None:
    """``Ringing()``: let the caller hear ringing."""
    channel.ring()


async def busy(channel: Channel, arguments: str) -> None:
    """``Busy([seconds])``: tell the caller that this side is busy, wait, and hang up."""
    channel.cause = causes.USER_BUSY
    if channel.is_up and channel.port is not None:
        channel.port.indicate(US["busy"])
    elif not channel.is_up:
        channel.leg.busy()
    if arguments:
        await trio.sleep(seconds(channel, arguments))
    else:
        await trio.sleep_forever()
    channel.release(causes.USER_BUSY)
    await trio.lowlevel.checkpoint()


async def no_op(_channel: Channel, _arguments: str) -> None:
    """``NoOp([text])``: nothing, but that the event shows the text."""


async def set_variable(channel: Channel, arguments: str) -> None:
    """``Set(name=value)``: set a variable or function."""
    name, equals, value = arguments.partition("=")
    if not equals:
        channel.log.warning("Set needs name=value", arguments=arguments)
        return
    try:
        variables.write(channel, name.strip(), value)
    except variables.UnknownFunction as unknown:
        channel.log.warning("Set: no such function", name=name, part=str(unknown))


async def go_to(channel: Channel, arguments: str) -> None:
    """``Goto([[context,]extension,]priority)``: go on elsewhere; a label serves as priority."""
    *place, target = split_arguments(arguments) or ("",)
    here = channel.snapshot.dialplan
    # What is left out at the front stays as it is.
    exten = place.pop() if place else here.exten
    context = place.pop() if place else here.context
    if is_number(target):
        priority: int | None = int(target)
    else:
        priority = channel.tenant.router.priority_of(context, exten, target)
    if priority is None:
        channel.log.warning("Goto: no such label", label=target, context=context, exten=exten)
        channel.release(causes.INTERWORKING)
        await trio.lowlevel.checkpoint()
        return
    channel.jump(context, exten, priority)


APPLICATIONS: dict[str, Application] = {
    "answer": answer,
    "busy": busy,
    "dial": dial,
    "echo": echo,
    "goto": go_to,
    "hangup": hangup,
    "noop": no_op,
    "playback": play,
    "ringing": ringing,
    "set": set_variable,
    "stasis": stasis_application,
    "stasisbroadcast": stasis_broadcast,
    "wait": wait,
}


def is_number(text: str) -> bool:
    """Whether this is a whole number as dialplans use them, for priorities and causes."""
    return len(text) <= 9 and text.isascii() and text.isdigit()


def seconds(channel: Channel, text: str) -> float:
    """A duration as dialplans write it; what can't be read is nothing, and is logged."""
    try:
        value = float(text or 0)
    except ValueError:
        channel.log.warning("not a number of seconds", text=text)
        return 0.0
    return value if 0 <= value < 10**9 else 0.0


@contextmanager
def hearing(channel: Channel) -> Iterator[bus.Mailbox]:
    """A mailbox of what happens to the channel while the block runs."""
    mailbox = bus.Mailbox()
    mailbox.subscribe(channel.tenant.bus, channel.topics[:1])
    try:
        yield mailbox
    finally:
        mailbox.end()


async def wait_digit(channel: Channel, wanted: str) -> str:
    """Wait until the caller presses one of these keys."""
    with hearing(channel) as mailbox:
        while True:
            for delivery in await mailbox.receive():
                if isinstance(delivery, bus.Ended):
                    await trio.sleep_forever()  # too many events: only the hangup ends it
                elif (
                    isinstance(delivery[1], events.ChannelDtmfReceived)
                    and delivery[1].digit in wanted
                ):
                    return delivery[1].digit
