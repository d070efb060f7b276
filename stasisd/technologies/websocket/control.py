"""The texts on a media WebSocket: commands of the program, events for it. Sans-IO.

Two forms, of which each channel speaks one. Plain: a word, and in some a value after a space;
events have ``name:value`` pairs after the word. JSON: an object with ``command`` or ``event``.
Names and fields are those of Asterisk's ``chan_websocket``.
"""

from collections.abc import Mapping

import msgspec

COMMANDS = frozenset({
    "ANSWER", "HANGUP", "START_MEDIA_BUFFERING", "STOP_MEDIA_BUFFERING", "MARK_MEDIA",
    "FLUSH_MEDIA", "PAUSE_MEDIA", "CONTINUE_MEDIA", "GET_STATUS", "REPORT_QUEUE_DRAINED",
})  # fmt: skip
LONGEST = 1024  # characters of a command
# Events whose only value stands in plain text without its name.
BARE = frozenset({"MEDIA_BUFFERING_COMPLETED", "MEDIA_MARK_PROCESSED"})
# Events whose plain form says nothing more.
WORDS = frozenset({"MEDIA_XON", "MEDIA_XOFF", "QUEUE_DRAINED"})
# What only JSON can say.
JSON_ONLY = frozenset({"channel_variables"})

Value = str | int | bool | Mapping[str, str]
Fields = Mapping[str, Value]


class BadCommand(Exception):
    """No command; the message is for the program."""


class Command(msgspec.Struct, frozen=True):
    """What the program wants; ``correlation_id`` comes back in the event that answers."""

    name: str
    correlation_id: str = ""


def read(text: str, *, json: bool) -> Command:
    """The command in a text. Raises BadCommand."""
    if len(text) > LONGEST:
        raise BadCommand(f"A command has at most {LONGEST} characters")
    command = _read_json(text) if json else _read_plain(text)
    if command.name not in COMMANDS:
        raise BadCommand(f"Unknown command, expected one of {', '.join(sorted(COMMANDS))}")
    return command


def _read_plain(text: str) -> Command:
    name, _, value = text.strip().partition(" ")
    return Command(name.upper(), value)


def _read_json(text: str) -> Command:
    try:
        said = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise BadCommand("Unable to parse JSON command") from None
    name, value = said.get("command"), said.get("correlation_id")
    if not isinstance(name, str):
        raise BadCommand("Unable to parse JSON command: 'command' must be a text")
    return Command(name.upper(), value if isinstance(value, str) else "")


def write(event: str, fields: Fields, *, json: bool) -> str:
    """An event as text."""
    if json:
        return msgspec.json.encode({"event": event, **fields}).decode()
    if event in WORDS:
        return event
    if event in BARE:
        return f"{event} {fields['correlation_id']}".rstrip()
    said = (f"{name}:{_plain(value)}" for name, value in fields.items() if name not in JSON_ONLY)
    return " ".join((event, *said))


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
