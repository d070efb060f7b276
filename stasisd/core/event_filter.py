"""Which types of events an application wants: all but some, or some and no others."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

# One entry as the client gave it: an object that names a type.
Entry = Mapping[str, Any]


class BadFilter(Exception):
    """What was given is no filter; the message says why."""


class EventFilter:
    """Frozen. Two lists of types; an empty one of the allowed allows all."""

    def __init__(self, allowed: tuple[Entry, ...] = (), disallowed: tuple[Entry, ...] = ()) -> None:
        self.allowed = allowed
        self.disallowed = disallowed

    def permits(self, event_type: str) -> bool:
        """Whether an event of this type is wanted: to disallow it outweighs to allow it."""
        if event_type in self._refused:
            return False
        return not self._wanted or event_type in self._wanted

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return _types(self.allowed)

    @cached_property
    def _refused(self) -> frozenset[str]:
        return _types(self.disallowed)

    def changed(self, given: Mapping[str, Any]) -> "EventFilter":
        """The filter with the lists given in place of its own; one that is not given stays.

        Nothing given at all wants everything. Raises :class:`BadFilter`.
        """
        if not given:
            return EventFilter()
        return EventFilter(
            _entries("allowed", given["allowed"]) if "allowed" in given else self.allowed,
            _entries("disallowed", given["disallowed"])
            if "disallowed" in given
            else self.disallowed,
        )


def _types(entries: tuple[Entry, ...]) -> frozenset[str]:
    return frozenset(entry["type"] for entry in entries)


def _entries(name: str, given: Any) -> tuple[Entry, ...]:
    if not isinstance(given, list):
        raise BadFilter(f"{name} must be a list")
    for entry in given:
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            raise BadFilter(f'{name} holds objects such as {{"type": "StasisStart"}}')
    return tuple(given)
