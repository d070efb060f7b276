"""Reading `extensions.conf` in Asterisk's syntax.

The whole file is read and every problem in it reported at once, by `DialplanError`. What Asterisk
has and we do not (templates, `#include`, `switch`, includes by the clock) is a problem too, never
silently dropped.
"""

import re
from collections.abc import Callable

from msgspec import Struct

from stasisd.dialplan.lines import Line, UnclosedComment, lines
from stasisd.dialplan.matcher import in_order
from stasisd.dialplan.patterns import PatternError, compile_pattern
from stasisd.dialplan.plan import Context, Dialplan, Extension, Step
from stasisd.dialplan.variables import Functions, SubstitutionError, substitute, unclosed

_SECTION = re.compile(r"\[([^\]]*)\]\s*(?:\((.*)\))?")
_SEPARATOR = re.compile(r"=>?")
_NAME_END = re.compile(r"[\[\],\\]")
_PRIORITY = re.compile(r"(hint|next|n|same|s|[0-9]{1,9})\s*(?:\+\s*([0-9]{1,9}))?\s*(\(.*\)?)?")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What is only for the eye in a caller's number: outside a [set], whose dash means a range.
_CALLER_ID_FLUFF = re.compile(r"(\[[^\]]*\])|[ ()-]|\.(?!$)")
_SECTION_NAMES = {"general", "globals"}
_FORM = "write exten => name,priority,Application(arguments)"


class Problem(Struct, frozen=True):
    """One mistake: where it is, what it is and what to do."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class DialplanError(ValueError):
    """A dialplan has mistakes; `problems` holds all of them, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def parse(text: str, file: str, functions: Functions = lambda _name, _arguments: None) -> Dialplan:
    """Read a dialplan. `file` is the name to report; raise DialplanError.

    `functions` serves `${FUNCTION()}` where globals, names of extensions and includes use one.
    """
    reader = _Reader(file, functions)
    for line in lines(text):
        if isinstance(line, UnclosedComment):
            reader.report(line.number, "the comment that ;-- begins here needs its --;")
        else:
            reader.read(line)
    return reader.finish()


class _Mistake(Exception):
    """A line can't be used; the reader reports it and goes on with the next."""


class _Reader:
    """Takes the file line by line; sections differ in what they do with a line's key and value."""

    def __init__(self, file: str, functions: Functions) -> None:
        self._file = file
        self._functions = functions
        self._problems: list[Problem] = []
        self._contexts: dict[str, _ContextBuilder] = {}
        self._settings: dict[str, str] = {}
        self._variables: dict[str, str] = {}
        self._section: Callable[[str, str, int], None] | None = None

    def report(self, line: int, message: str) -> None:
        self._problems.append(Problem(self._file, line, message))

    def read(self, line: Line) -> None:
        try:
            if line.text.startswith("["):
                self._enter(line.text)
            elif line.text.startswith("#"):
                directive = line.text.split(None, 1)[0]
                raise _Mistake(f"{directive} is not supported: copy the file's lines in here")
            else:
                self._entry(line)
        except (_Mistake, PatternError, SubstitutionError) as mistake:
            self.report(line.number, str(mistake))

    def finish(self) -> Dialplan:
        for context in self._contexts.values():
            for name, line in context.includes.items():
                if name not in self._contexts:
                    self.report(line, f"there is no context [{name}] to include")
        if self._problems:
            raise DialplanError(self._problems)
        contexts = {name: context.build() for name, context in self._contexts.items()}
        return Dialplan(contexts, self._settings, self._variables)

    def _enter(self, text: str) -> None:
        # What follows a header that can't be read belongs to no section: one problem, not many.
        self._section = _ignore
        found = _SECTION.fullmatch(text)
        if found is None:
            raise _Mistake("write a section as [name] or [name](+)")
        name, options = found[1].strip(), (found[2] or "").strip()
        if not name:
            raise _Mistake("the section has no name: write [name]")
        if options not in {"", "+"}:
            raise _Mistake(f"({options}): templates are not supported: write the lines out")
        self._section = self._section_of(name, adds=options == "+")

    def _section_of(self, name: str, *, adds: bool) -> Callable[[str, str, int], None]:
        if name.lower() in _SECTION_NAMES:
            return self._setting if name.lower() == "general" else self._variable
        if adds and name not in self._contexts:
            raise _Mistake(f"[{name}](+) adds to a context that is not there before it")
        context = self._contexts.setdefault(name, _ContextBuilder(name, self._file))
        context.begin()
        return self._context_entry(context)

    def _entry(self, line: Line) -> None:
        parts = _SEPARATOR.split(line.text, maxsplit=1)
        if len(parts) != 2:
            raise _Mistake(f"no = or => in {line.text[:60]!r}: {_FORM}")
        if self._section is None:
            raise _Mistake("this stands before any section: write [name] above it")
        self._section(parts[0].strip(), parts[1].strip(), line.number)

    def _setting(self, key: str, value: str, _line: int) -> None:
        self._settings[key] = value

    def _variable(self, key: str, value: str, _line: int) -> None:
        if not key:
            raise _Mistake("the variable has no name: write NAME=value")
        self._variables[key] = self._substituted(value)

    def _context_entry(self, context: "_ContextBuilder") -> Callable[[str, str, int], None]:
        def entry(key: str, value: str, line: int) -> None:
            if key.lower() == "exten":
                context.begin_extension()
                name, rest = _split_name(value)
                context.name_extension(self._substituted(name))
                context.step(rest, line)
            elif key.lower() == "same":
                context.step(value, line)
            elif key.lower() == "include":
                context.include(self._substituted(value), line)
            else:
                raise _Mistake(f"{key} is not supported in a context: {_FORM}")

        return entry

    def _substituted(self, text: str) -> str:
        return substitute(text, self._variables.get, self._functions, _refuse)


def _ignore(_key: str, _value: str, _line: int) -> None:
    """Drop the lines of a section whose header is itself reported."""


def _refuse(warning: str) -> None:
    raise _Mistake(warning)


def _split_name(value: str) -> tuple[str, str]:
    """Split at the first comma that is not in a [set] of a pattern."""
    depth = 0
    skip = -1
    for mark in _NAME_END.finditer(value):
        if mark.start() == skip:
            continue
        if mark[0] == "\\":
            skip = mark.end()
        elif mark[0] == "," and depth == 0:
            return value[: mark.start()].strip(), value[mark.end() :]
        else:
            depth = max(depth + {"[": 1, "]": -1}.get(mark[0], 0), 0)
    raise _Mistake(f"no priority in {value[:60]!r}: {_FORM}")


class _ExtensionBuilder:
    """The steps of one extension while they are read."""

    def __init__(self, name: str, caller_id: str | None) -> None:
        self._name = name
        self._caller_id = caller_id
        self._steps: dict[int, Step] = {}
        self._labels: dict[str, Step] = {}
        self._hint: str | None = None

    def set_hint(self, devices: str) -> None:
        if not devices:
            raise _Mistake("the hint names no device: write exten => name,hint,PJSIP/100")
        if self._hint is not None:
            raise _Mistake(f"{self._name} has a hint already: {self._hint}")
        self._hint = devices

    def add(self, step: Step) -> None:
        earlier = self._steps.get(step.priority) or self._labels.get(step.label or "")
        if earlier is not None:
            taken = f"label {step.label}" if step.priority != earlier.priority else "priority"
            raise _Mistake(
                f"{self._name} has this {taken} already, in line {earlier.line}: take another one"
            )
        self._steps[step.priority] = step
        if step.label is not None:
            self._labels[step.label] = step

    def build(self) -> Extension:
        steps = tuple(self._steps[priority] for priority in sorted(self._steps))
        return Extension(self._name, self._caller_id, steps, self._hint)


class _ContextBuilder:
    """One context while it is read. `n` counts on through a section, whatever the extension."""

    def __init__(self, name: str, file: str) -> None:
        self._name = name
        self._file = file
        self._extensions: dict[object, _ExtensionBuilder] = {}
        self.includes: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Start a section: neither `same` nor `n` reaches back over its header."""
        self._current: _ExtensionBuilder | None = None
        self._priority: int | None = None

    def begin_extension(self) -> None:
        """Leave the last extension. Should the new name be wrong, its steps are still checked."""
        self._current = _ExtensionBuilder("", None)

    def name_extension(self, text: str) -> None:
        name, slash, number = text.partition("/")
        caller_id = _CALLER_ID_FLUFF.sub(r"\1", number) if slash else None
        key = (compile_pattern(name).key, _caller_key(caller_id))
        self._current = self._extensions.setdefault(key, _ExtensionBuilder(name, caller_id))

    def include(self, name: str, line: int) -> None:
        if "," in name:
            raise _Mistake(f"include => {name}: times are not supported: write the context only")
        if not name:
            raise _Mistake("write include => and the name of a context")
        self.includes.setdefault(name, line)

    def step(self, text: str, line: int) -> None:
        if self._current is None:
            raise _Mistake(f"there is no extension that this could belong to: {_FORM}")
        written, comma, rest = text.partition(",")
        if not comma:
            raise _Mistake(f"no application after the priority {written.strip()!r}: {_FORM}")
        found = _PRIORITY.fullmatch(written.strip())
        if found is None:
            raise _Mistake(f"{written.strip()!r} is no priority: write 1, n, n(label) or hint")
        if found[1] == "hint":
            _check_closed(rest)
            self._current.set_hint(rest.strip())
            return
        self._priority = self._next_priority(found[1]) + int(found[2] or 0)
        label = _label(found[3])
        _check_closed(rest)
        application, arguments = _application(rest)
        self._current.add(Step(self._priority, application, arguments, label, self._file, line))

    def _next_priority(self, written: str) -> int:
        if written.isdigit():
            if int(written) == 0:
                raise _Mistake("priorities begin with 1")
            return int(written)
        if self._priority is None:
            raise _Mistake(f"{written} follows no priority: write 1 for the first one")
        return self._priority + (written in {"n", "next"})

    def build(self) -> Context:
        extensions = [extension.build() for extension in self._extensions.values()]
        return Context(self._name, in_order(extensions), tuple(self.includes))


def _caller_key(caller_id: str | None) -> object:
    return compile_pattern(caller_id).key if caller_id else caller_id


def _label(written: str | None) -> str | None:
    if written is None:
        return None
    if not written.endswith(")"):
        raise _Mistake(f"the label {written} needs its )")
    return written[1:-1].strip() or None


def _check_closed(text: str) -> None:
    opener = unclosed(text)
    if opener is not None:
        closer = "}" if opener == "${" else "]"
        raise _Mistake(f"{opener} without its {closer} in {text.strip()[:60]!r}")


def _application(text: str) -> tuple[str, str]:
    """Split Application(arguments): from the first parenthesis to the last."""
    name, parenthesis, rest = text.partition("(")
    if not _APPLICATION.fullmatch(name.strip()):
        raise _Mistake(f"{name.strip()!r} is no application: write Application(arguments)")
    if not parenthesis:
        return name.strip(), ""
    arguments, closing, after = rest.rpartition(")")
    if not closing:
        raise _Mistake(f"{name.strip()}( needs its ) at the end")
    if after.strip():
        raise _Mistake(f"{after.strip()[:40]!r} stands after the ) of {name.strip()}")
    return name.strip(), arguments
