"""Tables to settings, by the settings' own types; collects every mistake on the way."""

import difflib
import enum
import json
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .errors import KeyPath, Mistake
from .values import Address, PortRange

S = TypeVar("S", bound=msgspec.Struct)

# Values written as text that a class of ours reads.
_PARSED: dict[Any, tuple[Callable[[str], Any], str]] = {
    Address: (Address.parse, "an IP address and a port such as 127.0.0.1:8088 or [::1]:8088"),
    PortRange: (PortRange.parse, "a range of ports such as 10000-20000"),
    Path: (Path, "a path"),
}
_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_SHOWN_LENGTH = 60
# What stands under these, or directly in these, may be a password.
_SECRETS = {"password"}
_SECRET_TABLES = {"users", "endpoints", "outbound", "operators"}


def decode(kind: type[S], table: dict[str, Any], path: KeyPath = ()) -> tuple[S, list[Mistake]]:
    """The settings of a table. Where there are mistakes, defaults stand in for the values."""
    hints = typing.get_type_hints(kind, include_extras=True)
    mistakes = [_unknown(path, key, hints) for key in table if key not in hints]
    values = {}
    for key, value in table.items():
        if key in hints:
            found, wrong = _value(hints[key], value, (*path, key))
            mistakes += wrong
            if not wrong:
                values[key] = found
    return kind(**values), mistakes


def show(value: object, path: KeyPath = ()) -> str:
    """A value as a message shows it, unless it could be a password."""
    if isinstance(value, dict):
        return "a table"
    if _SECRETS.intersection(path[-1:]) or _SECRET_TABLES.intersection(path[-2:-1]):
        return "a value that is not shown here"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "..."


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """A hint where something known is close, else nothing."""
    close = difflib.get_close_matches(wrong, right, n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def _unknown(path: KeyPath, key: str, known: Iterable[str]) -> Mistake:
    expected = "one of " + ", ".join(sorted(known))
    return Mistake((*path, key), expected, f"'{key}'", did_you_mean(key, known))


def _value(kind: Any, value: Any, path: KeyPath) -> tuple[Any, list[Mistake]]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = typing.get_args(kind)[0]  # X | None: TOML has no null, so X
    if kind in _PARSED:
        return _parsed(kind, value, path)
    if typing.get_origin(kind) is tuple:
        return _list(typing.get_args(kind)[0], value, path)
    of_structs = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    if not of_structs and typing.get_origin(kind) is not dict:
        return _single(kind, value, path)
    if not isinstance(value, dict):
        return None, [Mistake(path, "a table", show(value, path))]
    return decode(kind, value, path) if of_structs else _named(kind, value, path)


def _named(kind: Any, value: dict[str, Any], path: KeyPath) -> tuple[Any, list[Mistake]]:
    """A table whose keys are names that the configuration chooses."""
    _, kind = typing.get_args(kind)
    found = {key: _value(kind, item, (*path, key)) for key, item in value.items()}
    mistakes = [mistake for _, wrong in found.values() for mistake in wrong]
    return {key: item for key, (item, _) in found.items()}, mistakes


def _list(kind: Any, value: Any, path: KeyPath) -> tuple[Any, list[Mistake]]:
    if not isinstance(value, list):
        return None, [Mistake(path, "a list", show(value, path), "Write it in [brackets].")]
    found = [_value(kind, item, (*path, index)) for index, item in enumerate(value)]
    mistakes = [mistake for _, wrong in found for mistake in wrong]
    return tuple(item for item, _ in found), mistakes


def _parsed(kind: Any, value: Any, path: KeyPath) -> tuple[Any, list[Mistake]]:
    parse, expected = _PARSED[kind]
    if not isinstance(value, str) or not value:
        return None, [Mistake(path, expected, show(value, path), "Write it in quotes.")]
    try:
        return parse(value), []
    except ValueError as error:
        return None, [Mistake(path, expected, show(value, path), str(error).rstrip(".") + ".")]


def _single(kind: Any, value: Any, path: KeyPath) -> tuple[Any, list[Mistake]]:
    try:
        return msgspec.convert(value, kind), []
    except msgspec.ValidationError:
        expected, hint = _expectation(kind, value)
    return None, [Mistake(path, expected, show(value, path), hint)]


def _expectation(kind: Any, value: Any) -> tuple[str, str]:
    """What a type accepts, in words, and a hint."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        names = [member.value for member in kind]
        return "one of " + ", ".join(names), did_you_mean(str(value), names)
    if typing.get_origin(kind) is typing.Annotated:
        plain, meta = typing.get_args(kind)
        return f"{_PLAIN[plain]} from {meta.ge} to {meta.le}", ""
    return _PLAIN[kind], "Write it in quotes." if kind is str else ""
