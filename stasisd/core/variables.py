"""Channel variables as they are read and written by name: plain ones, and functions of a few
properties of the channel itself, e.g. ``CALLERID(num)`` and ``CHANNEL(uniqueid)``.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from .assignment import Assignment
from .snapshots import Party
from .technology import ReportsTransfer
from .tone_detection import BadDetection, parse

if TYPE_CHECKING:
    from .channel import Channel

FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\((.*)\)", re.DOTALL)

LONGEST_PARTY = 256  # characters of a caller's name or number

Reader = Callable[["Channel", str], str]
Writer = Callable[["Channel", str, str], None]


class UnknownFunction(Exception):
    """There is no such function, or it can't be read, or written, in this way."""


def _read_party(party: Party, part: str) -> str:
    if part in {"", "all"}:
        return f'"{party.name}" <{party.number}>'
    if part == "name":
        return party.name
    if part in {"num", "number"}:
        return party.number
    raise UnknownFunction(part)


def _changed_party(party: Party, part: str, value: str) -> Party:
    if part in {"", "all"}:
        return parse_caller(value)
    if part == "name":
        return msgspec.structs.replace(party, name=_printable(value))
    if part in {"num", "number"}:
        return msgspec.structs.replace(party, number=_printable(value))
    raise UnknownFunction(part)


def parse_caller(text: str) -> Party:
    """Read ``"Name" <number>``, ``Name <number>`` or a bare number.

    What can't be printed is left out: it would break out of a header.
    """
    text = _printable(text.strip())
    head, bracket, rest = text.partition("<")
    number, closed, tail = rest.partition(">")
    name = head.strip().removeprefix('"').removesuffix('"').strip()
    if bracket and closed and not tail and '"' not in name:
        return Party(name=name, number=number.strip())
    bare = text.strip('"')
    is_number = re.fullmatch(r"[0-9*#+() -]+", bare) is not None
    return Party(number=bare) if is_number else Party(name=bare)


def _printable(text: str) -> str:
    """At most so much of a text as a phone could show."""
    return "".join(c for c in text[:LONGEST_PARTY] if c.isprintable())


def _read_callerid(channel: "Channel", argument: str) -> str:
    return _read_party(channel.snapshot.caller, argument)


def _write_callerid(channel: "Channel", argument: str, value: str) -> None:
    channel.set_parties(caller=_changed_party(channel.snapshot.caller, argument, value))


def _read_connectedline(channel: "Channel", argument: str) -> str:
    return _read_party(channel.snapshot.connected, argument)


def _write_connectedline(channel: "Channel", argument: str, value: str) -> None:
    """``CONNECTEDLINE(PART[,i])``; with ``i`` the far end is not told."""
    part, _, option = argument.partition(",")
    party = _changed_party(channel.snapshot.connected, part.strip(), value)
    channel.set_parties(connected=party, shown=option.strip() != "i")


CHANNEL_PROPERTIES: dict[str, Callable[["Channel"], str]] = {
    "uniqueid": lambda channel: channel.id,
    "musicclass": lambda channel: channel.music_class,
    "linkedid": lambda channel: channel.linked_id,
    "name": lambda channel: channel.name,
    "state": lambda channel: channel.state,
    "language": lambda channel: channel.snapshot.language,
    "accountcode": lambda channel: channel.snapshot.accountcode,
    "channeltype": lambda channel: channel.name.partition("/")[0],
    "context": lambda channel: channel.snapshot.dialplan.context,
    "exten": lambda channel: channel.snapshot.dialplan.exten,
}


def _read_channel(channel: "Channel", argument: str) -> str:
    if argument not in CHANNEL_PROPERTIES:
        raise UnknownFunction(argument)
    return CHANNEL_PROPERTIES[argument](channel)


def _write_channel(channel: "Channel", argument: str, value: str) -> None:
    if argument == "musicclass":
        channel.music_class = value
        return
    if argument not in {"language", "accountcode"}:
        raise UnknownFunction(argument)
    channel.change(**{argument: value})


# What talk detection takes for silence where it is not told: milliseconds, mean magnitude.
TALK_SILENCE_MS = 2500
TALK_THRESHOLD = 256
MOST_MAGNITUDE = 32768
LONGEST_MS = 2**31 - 1


def _write_talk_detect(channel: "Channel", argument: str, value: str) -> None:
    """``TALK_DETECT(set)=SILENCE_MS,THRESHOLD``, each with its default; or ``(remove)``."""
    if argument == "remove":
        channel.sound.detect_talk(None)
        return
    silence, _, threshold = value.partition(",")
    if argument != "set":
        raise UnknownFunction(argument)
    channel.sound.detect_talk(
        _within(silence, LONGEST_MS, TALK_SILENCE_MS),
        _within(threshold, MOST_MAGNITUDE, TALK_THRESHOLD),
    )


def _within(text: str, most: int, default: int) -> int:
    """A whole number from 1 on, or the default where there is none."""
    text = text.strip()
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= most:
        raise UnknownFunction(text)
    return int(text)


# Who does what a phone asks for by REFER, by the value of PJSIP_TRANSFER_HANDLING.
TRANSFER_HANDLING = {"": False, "core": False, "ari-only": True}


def _write_transfer_handling(channel: "Channel", _argument: str, value: str) -> None:
    """``PJSIP_TRANSFER_HANDLING()=ari-only`` leaves transfers to applications, ``core`` to us."""
    leg: object = channel.leg
    if not isinstance(leg, ReportsTransfer) or value not in TRANSFER_HANDLING:
        raise UnknownFunction(value)
    leg.leave_transfers(to_application=TRANSFER_HANDLING[value])


def _write_tone_detect(channel: "Channel", argument: str, _value: str) -> None:
    """``TONE_DETECT(FREQUENCY,MILLISECONDS,OPTIONS)=``: what is to be listened for."""
    try:
        channel.sound.detect_tone(parse(argument))
    except BadDetection as bad:
        raise UnknownFunction(f"TONE_DETECT: {bad}") from None


def _read_tone_detect(channel: "Channel", argument: str) -> str:
    """How many tones came in (``rx``) or went out (``tx``), while there is something listened for.

    As in Asterisk any text with a ``t`` means the latter.
    """
    wanted = channel.sound.tone_detection
    if wanted is None or not {"t", "r"} & set(argument):
        raise UnknownFunction(f"TONE_DETECT({argument})")
    return str(wanted.heard_out if "t" in argument else wanted.heard_in)


def _read_nothing(_channel: "Channel", argument: str) -> str:
    raise UnknownFunction(argument)


FUNCTIONS: dict[str, tuple[Reader, Writer]] = {
    "CALLERID": (_read_callerid, _write_callerid),
    "CONNECTEDLINE": (_read_connectedline, _write_connectedline),
    "CHANNEL": (_read_channel, _write_channel),
    "TALK_DETECT": (_read_nothing, _write_talk_detect),
    "PJSIP_TRANSFER_HANDLING": (_read_nothing, _write_transfer_handling),
    "TONE_DETECT": (_read_tone_detect, _write_tone_detect),
}

# Variables that no one sets: they show where and what the channel is.
BUILT_IN: dict[str, Callable[["Channel"], str]] = {
    "EXTEN": lambda channel: channel.snapshot.dialplan.exten,
    "CONTEXT": lambda channel: channel.snapshot.dialplan.context,
    "PRIORITY": lambda channel: str(channel.snapshot.dialplan.priority),
    "CHANNEL": lambda channel: channel.name,
    "UNIQUEID": lambda channel: channel.id,
    "HANGUPCAUSE": lambda channel: str(channel.cause or channel.dial_cause or 0),
}


def _function(name: str) -> tuple[Reader, Writer, str] | None:
    match = FUNCTION.fullmatch(name)
    if match is None:
        return None
    if match[1].upper() not in FUNCTIONS:
        raise UnknownFunction(match[1])
    return (*FUNCTIONS[match[1].upper()], match[2].strip())


def read(channel: "Channel", name: str) -> str | None:
    """The value of a variable or function, or None where no such variable is set.

    Raises :class:`UnknownFunction`.
    """
    function = _function(name)
    if function is not None:
        reader, _, argument = function
        return reader(channel, argument)
    if name in channel.variables:
        return channel.variables[name]
    if name in BUILT_IN:
        return BUILT_IN[name](channel)
    return channel.tenant.globals.get(name)


def assign(channel: "Channel", assignment: Assignment) -> None:
    """Set a variable or function, and report it where it says so. Raises UnknownFunction."""
    name, value = assignment.name, assignment.value
    _function(name)
    if assignment.reported or name in channel.reported:
        channel.report(name, value)
    write(channel, name, value)


def write(channel: "Channel", name: str, value: str) -> None:
    """Set a variable or function. Raises :class:`UnknownFunction`."""
    function = _function(name)
    if function is not None:
        _, writer, argument = function
        writer(channel, argument, value)
    else:
        channel.set_variable(name, value)
