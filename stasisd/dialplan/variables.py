"""Substitution of `${...}` and `$[...]` in the arguments of applications.

`${NAME}`, `${NAME:offset:length}` (both may be negative, counted from the end) and
`${FUNCTION(arguments)}` may nest in each other and in `$[expression]`, the innermost first. What
a variable holds is not looked at again, so a caller's name can't bring in a substitution.

Like Asterisk, a mistake does not end the call: an unset variable is empty, a malformed expression
is 0, a missing bracket is taken to stand at the end; each is told to `warn`.
"""

import re
from collections.abc import Callable

from stasisd.dialplan.expressions import ExpressionError, evaluate

MAX_DEPTH = 32
MAX_LENGTH = 65_536

Variables = Callable[[str], str | None]
Functions = Callable[[str, str], str | None]
Warn = Callable[[str], None]

_TOKEN = re.compile(r"\$\{|\$\[|[{}\[\]]|[^${}\[\]]+|\$")
_PUNCTUATION = re.compile(r"[():]")
_SLICE = re.compile(r"\s*([+-]?[0-9]{1,9})(?::\s*([+-]?[0-9]{1,9}))?")
_BRACKETS = {"${": ("{", "}"), "$[": ("[", "]")}


class SubstitutionError(ValueError):
    """The text is nested deeper than MAX_DEPTH or grows longer than MAX_LENGTH."""


def substitute(text: str, variables: Variables, functions: Functions, warn: Warn) -> str:
    """Return text with all its substitutions made. Raise SubstitutionError.

    `variables(name)` and `functions(name, arguments)` return a value, None when there is none.
    """
    frames = [_Frame("")]
    for token in _TOKEN.findall(text):
        if token in _BRACKETS:
            if len(frames) > MAX_DEPTH:
                raise SubstitutionError(f"nested deeper than {MAX_DEPTH}")
            frames.append(_Frame(token))
        elif frames[-1].take(token):
            _close(frames, variables, functions, warn)
    while len(frames) > 1:
        warn(f"{frames[-1].opener} has no {_BRACKETS[frames[-1].opener][1]} in: {text[:200]}")
        _close(frames, variables, functions, warn)
    return frames[0].text()


def unclosed(text: str) -> str | None:
    """Return `${` or `$[` if the innermost open one of them is never closed, else None."""
    frames = [_Frame("")]
    for token in _TOKEN.findall(text):
        if token in _BRACKETS:
            frames.append(_Frame(token))
        elif frames[-1].take(token):
            frames.pop()
    return frames[-1].opener or None


class _Frame:
    """One substitution while it is read: what it has so far, and its own brackets still open."""

    def __init__(self, opener: str) -> None:
        self.opener = opener
        self._open, self._close = _BRACKETS.get(opener, ("", ""))
        self._depth = 0
        self._parts: list[str] = []
        self._length = 0

    def take(self, token: str) -> bool:
        """Add a token; return True, without adding it, when it closes this frame."""
        if token == self._close:
            if self._depth == 0:
                return True
            self._depth -= 1
        elif token == self._open:
            self._depth += 1
        self.add(token)
        return False

    def add(self, part: str) -> None:
        self._length += len(part)
        if self._length > MAX_LENGTH:
            raise SubstitutionError(f"longer than {MAX_LENGTH} characters")
        self._parts.append(part)

    def text(self) -> str:
        return "".join(self._parts)


def _close(frames: list[_Frame], variables: Variables, functions: Functions, warn: Warn) -> None:
    frame = frames.pop()
    if frame.opener == "$[":
        frames[-1].add(_expression(frame.text(), warn))
    else:
        frames[-1].add(_value(frame.text(), variables, functions))


def _expression(text: str, warn: Warn) -> str:
    try:
        return evaluate(text)
    except ExpressionError as error:
        warn(f"$[{text[:200]}] is taken as 0: {error}")
        return "0"


def _value(text: str, variables: Variables, functions: Functions) -> str:
    name, part = _split_slice(text)
    function, parenthesis, arguments = name.partition("(")
    if parenthesis:
        closed = arguments.rpartition(")")[0] if ")" in arguments else arguments
        value = functions(function, closed)
    else:
        value = variables(name)
    return (value or "")[part[0]][part[1]]


_WHOLE = (slice(None), slice(None))


def _split_slice(text: str) -> tuple[str, tuple[slice, slice]]:
    """Split off `:offset:length`, at the first colon outside parentheses.

    The two slices are applied one after the other: skip, then cut.
    """
    depth = 0
    for mark in _PUNCTUATION.finditer(text):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if mark[0] == ":" and depth == 0:
            return text[: mark.start()], _slices(text[mark.end() :])
    return text, _WHOLE


def _slices(text: str) -> tuple[slice, slice]:
    found = _SLICE.match(text)
    if found is None:
        return _WHOLE
    length = int(found[2]) if found[2] else None
    return slice(int(found[1]), None), slice(None, length)
