r"""POSIX extended regular expressions, matched in time linear in the text.

Expressions of the dialplan may hold what a caller sent us, as pattern or as text, and one slow
match would stop every call. So there is no backtracking: a pattern becomes a small program, run
for all its possibilities at once (Thompson's construction, Pike's machine). The longest of the
leftmost matches is found, as POSIX asks; only the first group is kept, all that dialplans use.

Known: `| * + ? {m,n} ( ) [ ] . ^ $`, the classes `[:digit:]`..., and GNU's `\w \W \s \S`.
"""

import re
from functools import lru_cache
from typing import NamedTuple

MAX_PATTERN = 1_000
MAX_PROGRAM = 2_000
MAX_DEPTH = 32
MAX_STEPS = 200_000
MAX_REPEAT = 255
_INTERVAL = re.compile(r"\{([0-9]{1,3})(,([0-9]{1,3})?)?\}")

Ranges = tuple[tuple[str, str], ...]

_DIGITS: Ranges = (("0", "9"),)
_UPPER: Ranges = (("A", "Z"),)
_LOWER: Ranges = (("a", "z"),)
_BLANKS: Ranges = ((" ", " "), ("\t", "\t"))
_SPACES: Ranges = ((" ", " "), ("\t", "\r"))
_WORD: Ranges = (*_DIGITS, *_UPPER, *_LOWER, ("_", "_"))
_CLASSES: dict[str, Ranges] = {
    "digit": _DIGITS,
    "upper": _UPPER,
    "lower": _LOWER,
    "alpha": (*_UPPER, *_LOWER),
    "alnum": (*_DIGITS, *_UPPER, *_LOWER),
    "xdigit": (*_DIGITS, ("A", "F"), ("a", "f")),
    "blank": _BLANKS,
    "space": _SPACES,
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "print": ((" ", "~"),),
    "graph": (("!", "~"),),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
}


class RegularExpressionError(ValueError):
    """The pattern is malformed, or too much work; the text says which."""


class Characters(NamedTuple):
    """Take one character that lies in a range (or, when negated, in none)."""

    ranges: Ranges
    negated: bool = False

    def take(self, character: str) -> bool:
        """Whether this character is taken."""
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


class Fork(NamedTuple):
    """Go on at both places, counted from here."""

    first: int
    second: int


class Jump(NamedTuple):
    """Go on elsewhere, counted from here."""

    to: int


class Save(NamedTuple):
    """Note where the first group begins (0) or ends (1)."""

    slot: int


class Edge(NamedTuple):
    """Go on only at the beginning of the text, or at its end."""

    at_end: bool


Instruction = Characters | Fork | Jump | Save | Edge
Code = list[Instruction]


class Match(NamedTuple):
    """Where a match lies, and the text of the first group (None if it took no part)."""

    start: int
    end: int
    group: str | None


class Program(NamedTuple):
    """A compiled pattern and how many groups it has."""

    code: tuple[Instruction, ...]
    groups: int


@lru_cache(maxsize=256)
def compile_regular(pattern: str) -> Program:
    """Compile a pattern. Raise RegularExpressionError."""
    if len(pattern) > MAX_PATTERN:
        raise RegularExpressionError(f"longer than {MAX_PATTERN} characters")
    compiler = _Compiler(pattern)
    code = compiler.alternatives(0)
    return Program(tuple(code), compiler.groups)


class _Compiler:
    """Turns a pattern into code whose jumps are relative, so that pieces can be moved."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self.groups = 0

    def alternatives(self, depth: int) -> Code:
        if depth > MAX_DEPTH:
            raise RegularExpressionError(f"groups nested deeper than {MAX_DEPTH}")
        branches = [self._branch(depth)]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._branch(depth))
        if depth == 0 and self._at < len(self._pattern):
            raise RegularExpressionError("a ) without its (")
        code = branches.pop()
        while branches:
            branch = branches.pop()
            code = _bounded([Fork(1, len(branch) + 2), *branch, Jump(len(code) + 1), *code])
        return code

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise RegularExpressionError("the pattern ends in the middle")
        self._at += 1
        return character

    def _branch(self, depth: int) -> Code:
        code: Code = []
        while self._peek() not in {"", "|", ")"}:
            code = _bounded(code + self._repeated(self._atom(depth)))
        return code

    def _repeated(self, code: Code) -> Code:
        while True:
            interval = _INTERVAL.match(self._pattern, self._at)
            if interval:
                self._at = interval.end()
                code = _repeat(code, *_bounds(interval))
            elif self._peek() in {"*", "+", "?"}:
                code = _POSTFIX[self._next()](code)
            else:
                return code
            _bounded(code)

    def _atom(self, depth: int) -> Code:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return [self._bracket()]
        if character in {"^", "$"}:
            return [Edge(at_end=character == "$")]
        if character == "\\":
            return [_escape(self._next())]
        if character == ".":
            return [Characters((), negated=True)]
        return [Characters(((character, character),))]

    def _group(self, depth: int) -> Code:
        self.groups += 1
        is_first = self.groups == 1
        code = self.alternatives(depth + 1)
        if self._peek() != ")":
            raise RegularExpressionError("a ( without its )")
        self._at += 1
        return [Save(0), *code, Save(1)] if is_first else code

    def _bracket(self) -> Characters:
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[str, str]] = []
        is_first = True
        while is_first or self._peek() != "]":
            ranges.extend(self._bracket_item())
            is_first = False
        self._at += 1
        return Characters(tuple(ranges), negated)

    def _bracket_item(self) -> Ranges:
        low = self._next()
        if low == "[" and self._peek() == ":":
            return self._class()
        following = self._pattern[self._at : self._at + 2]
        if len(following) < 2 or following[0] != "-" or following[1] == "]":
            return ((low, low),)
        self._at += 1
        high = self._next()
        if low > high:
            raise RegularExpressionError(f"the range {low}-{high} runs backwards")
        return ((low, high),)

    def _class(self) -> Ranges:
        end = self._pattern.find(":]", self._at)
        name = self._pattern[self._at + 1 : max(end, 0)]
        if name not in _CLASSES:
            raise RegularExpressionError("an unknown class: write [[:digit:]], [[:alpha:]]...")
        self._at = end + 2
        return _CLASSES[name]


def _bounded(code: Code) -> Code:
    if len(code) > MAX_PROGRAM:
        raise RegularExpressionError("the pattern is too large")
    return code


def _escape(character: str) -> Characters:
    if character in "123456789":
        raise RegularExpressionError("back-references are not supported")
    named = {"w": _WORD, "s": _SPACES}.get(character.lower())
    if named:
        return Characters(named, negated=character.isupper())
    return Characters(((character, character),))


def _bounds(interval: re.Match[str]) -> tuple[int, int | None]:
    least = int(interval[1])
    most = least if interval[2] is None else int(interval[3]) if interval[3] else None
    if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
        raise RegularExpressionError(f"{interval[0]} does not count up, to {MAX_REPEAT} at most")
    return least, most


def _star(code: Code) -> Code:
    return [Fork(1, len(code) + 2), *code, Jump(-len(code) - 1)]


def _plus(code: Code) -> Code:
    return [*code, Fork(-len(code), 1)]


def _optional(code: Code) -> Code:
    return [Fork(1, len(code) + 1), *code]


_POSTFIX = {"*": _star, "+": _plus, "?": _optional}


def _repeat(code: Code, least: int, most: int | None) -> Code:
    if (len(code) + 1) * max(least, most or 0) > MAX_PROGRAM:
        raise RegularExpressionError("the pattern is too large")
    needed = code * least
    if most is None:
        return needed + _star(code)
    tail: Code = []
    for _ in range(most - least):
        tail = _optional(code + tail)
    return needed + tail


class _Thread(NamedTuple):
    """One possibility: where in the program, where it began, where the first group lies."""

    at: int
    start: int
    group: tuple[int, int]


_NO_GROUP = (-1, -1)


def search(program: Program, text: str, *, anchored: bool = False) -> Match | None:
    """Find the leftmost longest match, or, anchored, the longest one at the beginning.

    Raise RegularExpressionError when program and text together are too much work.
    """
    if (len(program.code) + 1) * (len(text) + 1) > MAX_STEPS:
        raise RegularExpressionError("too much text for so large a pattern")
    best: tuple[int, int, tuple[int, int]] | None = None
    threads: list[_Thread] = []
    for index in range(len(text) + 1):
        if best is None and (index == 0 or not anchored):
            threads.append(_Thread(0, index, _NO_GROUP))
        waiting, ended = _closure(program.code, threads, index, len(text))
        if ended and (best is None or ended.start <= best[0]):
            best = (ended.start, index, ended.group)
        threads = [
            _Thread(thread.at + 1, thread.start, thread.group)
            for thread, characters in waiting
            if index < len(text) and characters.take(text[index])
        ]
        if not threads and (best is not None or anchored):
            break
    if best is None:
        return None
    start, end, (low, high) = best
    return Match(start, end, text[low:high] if 0 <= low <= high else None)


def _closure(
    code: tuple[Instruction, ...], threads: list[_Thread], index: int, length: int
) -> tuple[list[tuple[_Thread, Characters]], _Thread | None]:
    """Follow all that takes no character; return who waits for one, and the first at the end."""
    waiting: list[tuple[_Thread, Characters]] = []
    ended: _Thread | None = None
    seen: set[int] = set()
    stack = threads[::-1]
    while stack:
        thread = stack.pop()
        if thread.at in seen:
            continue
        seen.add(thread.at)
        if thread.at == len(code):
            ended = ended or thread
            continue
        instruction = code[thread.at]
        if isinstance(instruction, Characters):
            waiting.append((thread, instruction))
        else:
            stack.extend(_follow(instruction, thread, index, length))
    return waiting, ended


def _follow(
    instruction: Fork | Jump | Save | Edge, thread: _Thread, index: int, length: int
) -> list[_Thread]:
    """Return where a thread goes on, the preferred place last."""
    at, start, group = thread
    if isinstance(instruction, Fork):
        return [
            _Thread(at + instruction.second, start, group),
            _Thread(at + instruction.first, start, group),
        ]
    if isinstance(instruction, Jump):
        return [_Thread(at + instruction.to, start, group)]
    if isinstance(instruction, Save):
        group = (index, group[1]) if instruction.slot == 0 else (group[0], index)
        return [_Thread(at + 1, start, group)]
    is_there = index == (length if instruction.at_end else 0)
    return [_Thread(at + 1, start, group)] if is_there else []
