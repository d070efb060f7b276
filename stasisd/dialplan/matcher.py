"""Which step a call does next: names and patterns compiled once, then looked up.

Of the extensions that match what was dialled (and the caller), in the order of `patterns`, the
first one that has the wanted priority or label wins: a pattern may continue what a plain name
began. Then the included contexts are searched in their order, depth first, each context once.
"""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from stasisd.dialplan.patterns import Pattern, compile_pattern, without_dashes
from stasisd.dialplan.plan import Context, Dialplan, Extension, Step

CallerTest = Callable[[str], bool]


class Found(Struct, frozen=True):
    """A step, with the context that holds it (an included one, perhaps) and its extension."""

    context: str
    extension: Extension
    step: Step


class _Entry(Struct, frozen=True):
    """One extension, compiled. Steps are found by number and by label."""

    extension: Extension
    pattern: Pattern
    admits: CallerTest
    steps: Mapping[int | str, Step]


class _Table(Struct, frozen=True):
    """One context, compiled: plain names by name, patterns by the character they begin with."""

    plain: Mapping[str, tuple[_Entry, ...]]
    patterns: Mapping[str, tuple[_Entry, ...]]
    other_patterns: tuple[_Entry, ...]

    def matching(self, dialled: str) -> Iterator[_Entry]:
        yield from self.plain.get(dialled, ())
        for entry in self.patterns.get(dialled[:1], self.other_patterns):
            if entry.pattern.matches(dialled):
                yield entry


class Matcher:
    """Finds steps and hints in one dialplan. Immutable; lookups never fail but by None."""

    def __init__(self, dialplan: Dialplan) -> None:
        tables = {name: _compile(context) for name, context in dialplan.contexts.items()}
        self._search: dict[str, tuple[tuple[str, _Table], ...]] = {
            name: tuple((included, tables[included]) for included in _order(dialplan, name))
            for name in tables
        }

    def has_context(self, context: str) -> bool:
        """Whether there is a context of this name."""
        return context in self._search

    def find(
        self, context: str, extension: str, priority: int | str = 1, caller_id: str = ""
    ) -> Found | None:
        """Return the step of a priority (int) or label (str), or None.

        `caller_id` is the caller's number, "" when there is none.
        """
        for name, entry in self._matching(context, extension, caller_id):
            step = entry.steps.get(priority)
            if step is not None:
                return Found(name, entry.extension, step)
        return None

    def has_extension(self, context: str, extension: str, caller_id: str = "") -> bool:
        """Whether any extension matches that has at least one step."""
        entries = self._matching(context, extension, caller_id)
        return any(entry.steps for _, entry in entries)

    def hint(self, context: str, extension: str) -> str | None:
        """Return the hint of an extension, not yet substituted, or None."""
        hints = (entry.extension.hint for _, entry in self._matching(context, extension, ""))
        return next((hint for hint in hints if hint is not None), None)

    def _matching(
        self, context: str, extension: str, caller_id: str
    ) -> Iterator[tuple[str, _Entry]]:
        dialled = without_dashes(extension)
        for name, table in self._search.get(context, ()):
            for entry in table.matching(dialled):
                if entry.admits(caller_id):
                    yield name, entry


def in_order(extensions: list[Extension]) -> tuple[Extension, ...]:
    """Sort the extensions of a context as they are tried. Raise PatternError."""
    return tuple(sorted(extensions, key=_sort_key))


def _sort_key(extension: Extension) -> tuple[object, ...]:
    """Return the extension's place; those for certain callers come before the one for all."""
    name = compile_pattern(extension.name).key
    if not extension.caller_id:
        return name, extension.caller_id is None
    return name, False, compile_pattern(extension.caller_id).key


def _order(dialplan: Dialplan, start: str) -> list[str]:
    """Return a context and those it includes, in the order they are searched."""
    order: dict[str, None] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in dialplan.contexts and name not in order:
            order[name] = None
            waiting.extend(reversed(dialplan.contexts[name].includes))
    return list(order)


def _compile(context: Context) -> _Table:
    plain: dict[str, list[_Entry]] = {}
    patterns: list[_Entry] = []
    for extension in context.extensions:
        entry = _entry(extension)
        if entry.pattern.plain is None:
            patterns.append(entry)
        else:
            plain.setdefault(entry.pattern.plain, []).append(entry)
    beginnings = {character for entry in patterns for character in entry.pattern.first or ()}
    return _Table(
        plain={name: tuple(entries) for name, entries in plain.items()},
        patterns={character: _beginning(patterns, character) for character in beginnings},
        other_patterns=_beginning(patterns, None),
    )


def _beginning(patterns: list[_Entry], character: str | None) -> tuple[_Entry, ...]:
    return tuple(
        entry
        for entry in patterns
        if entry.pattern.first is None or character in entry.pattern.first
    )


def _entry(extension: Extension) -> _Entry:
    steps: dict[int | str, Step] = {step.priority: step for step in extension.steps}
    steps |= {step.label: step for step in extension.steps if step.label is not None}
    return _Entry(
        extension, compile_pattern(extension.name), _caller_test(extension.caller_id), steps
    )


def _caller_test(caller_id: str | None) -> CallerTest:
    if caller_id is None:
        return lambda _: True
    if caller_id == "":
        return lambda number: number == ""
    pattern = compile_pattern(caller_id)
    return lambda number: number != "" and pattern.matches(without_dashes(number))
