"""Extension patterns, and the order in which extensions of a context are tried.

A name that begins with `_` is a pattern: `X` is a digit, `Z` 1 to 9, `N` 2 to 9, `[1-5a]` a set,
`.` one or more characters and `!` none or more, both only at the end. Everything else stands for
itself. A `-` is there for the eye: it counts neither in names, nor in patterns, nor in what was
dialled.

The order (Asterisk's): plain names before patterns. Patterns are compared place by place: a
smaller set before a larger one, between equally large ones the one with the lower character
first; then `.`, then `!`, then the end of the pattern. So `_1X.` is tried before `_1X`.
"""

import re

from msgspec import Struct

MAX_RANGE = 256

_SETS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
_WILD = {".": (1,), "!": (2,)}
_END = (3,)
_WILD_EXPRESSIONS = {".": ".+", "!": ".*"}

Key = tuple[int, tuple[tuple[object, ...], ...]]


class PatternError(ValueError):
    """An extension's name can't be a name or a pattern; the text says what to write."""


class Pattern(Struct, frozen=True):
    """A compiled name.

    `key` sorts names in the order they are tried; equal keys are the same extension. `plain` is
    the name without dashes, or None for a pattern. `first` are the characters that a match may
    begin with, None when any may.
    """

    key: Key
    plain: str | None
    first: frozenset[str] | None
    expression: re.Pattern[str]

    def matches(self, dialled: str) -> bool:
        """Whether a dialled text, already without its dashes, is this extension."""
        return self.expression.fullmatch(dialled) is not None


def without_dashes(dialled: str) -> str:
    """Return a dialled text as patterns are compared with it."""
    return dialled.replace("-", "")


def compile_pattern(name: str) -> Pattern:
    """Compile a name or pattern. Raise PatternError."""
    if name.startswith("_"):
        return _pattern(name)
    plain = without_dashes(name)
    if not plain:
        raise PatternError("the extension has no name")
    return Pattern((0, ((plain,),)), plain, frozenset(plain[0]), re.compile(re.escape(plain)))


def _pattern(name: str) -> Pattern:
    places = _places(name[1:])
    if not places:
        raise PatternError(f"{name} is a pattern that matches nothing: write what follows the _")
    for place in places[:-1]:
        if isinstance(place, str):
            raise PatternError(f"{place} must be the last character of the pattern {name}")
    order = [_WILD[p] if isinstance(p, str) else (0, len(p), *sorted(p)) for p in places]
    source = "".join(_WILD_EXPRESSIONS[p] if isinstance(p, str) else _one_of(p) for p in places)
    first = None if isinstance(places[0], str) else places[0]
    return Pattern((1, (*order, _END)), None, first, re.compile(source, re.DOTALL))


def _one_of(characters: frozenset[str]) -> str:
    return "[" + "".join(re.escape(character) for character in sorted(characters)) + "]"


def _places(body: str) -> list[frozenset[str] | str]:
    """Return for each place the set of characters it takes, or the wildcard `.` or `!`."""
    places: list[frozenset[str] | str] = []
    at = 0
    while at < len(body):
        character = body[at]
        if character == "[":
            end = body.find("]", at)
            if end < 0:
                raise PatternError(f"_{body} has a [ without its ]")
            places.append(_set(body[at + 1 : end], body))
            at = end
        elif character in _WILD:
            places.append(character)
        elif character != "-":
            places.append(frozenset(_SETS.get(character.upper(), character)))
        at += 1
    return places


def _set(inside: str, body: str) -> frozenset[str]:
    characters: set[str] = set()
    at = 0
    while at < len(inside):
        low, high = inside[at], inside[at]
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            high = inside[at + 2]
            at += 2
        if low > high:
            raise PatternError(f"the range {low}-{high} of _{body} runs backwards")
        if ord(high) - ord(low) >= MAX_RANGE:
            raise PatternError(f"a range of _{body} is wider than {MAX_RANGE} characters")
        characters.update(map(chr, range(ord(low), ord(high) + 1)))
        at += 1
    if not characters:
        raise PatternError(f"_{body} has an empty set []")
    return frozenset(characters)
