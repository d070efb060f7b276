"""A dialplan as it was written: contexts, their extensions, and the steps of each."""

from collections.abc import Mapping

from msgspec import Struct


class Step(Struct, frozen=True):
    """One priority: an application with its arguments, not yet substituted."""

    priority: int
    application: str
    arguments: str
    label: str | None
    file: str
    line: int


class Extension(Struct, frozen=True):
    """A name or pattern, as written, with its steps by rising priority.

    `caller_id` is the pattern after the `/`: None for any caller, "" for one without a number.
    `hint` names the devices whose state is the extension's.
    """

    name: str
    caller_id: str | None
    steps: tuple[Step, ...]
    hint: str | None = None


class Context(Struct, frozen=True):
    """The extensions in the order they are tried, and the contexts searched after them."""

    name: str
    extensions: tuple[Extension, ...]
    includes: tuple[str, ...] = ()


class Dialplan(Struct, frozen=True):
    """Everything a configuration says.

    `settings` is `[general]`; `variables` is `[globals]`, each already substituted with those
    before it.
    """

    contexts: Mapping[str, Context]
    settings: Mapping[str, str]
    variables: Mapping[str, str]
