"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator

import click

from stasisd.__main__ import FAILED, MISCONFIGURED, main
from stasisd.commands.control import main as stasisctl
from tests.docs.tables import code, table


def commands() -> str:
    """Each command with its options."""
    rows = [
        (code(name), _options(command), (command.help or "").partition("\n")[0])
        for name, command in (*_commands(main, "stasisd "), *_commands(stasisctl, "stasisctl "))
    ]
    return table(("command", "options", "what it does"), rows)


def _commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def _options(command: click.Command) -> str:
    shown = [_option(each) for each in command.params if isinstance(each, click.Option)]
    return "\n".join(shown) or "none"


def _option(option: click.Option) -> str:
    name = option.opts[0]
    wanted = "" if option.is_flag else f" {option.make_metavar(click.Context(main))}"
    return code(f"{name}{wanted}")


def exit_codes() -> str:
    """What the program's end says."""
    rows = [
        ("0", "all is well; `serve` was told to stop, and has"),
        (str(FAILED), "something is in the way: a port is taken, the state folder can't be used"),
        (str(MISCONFIGURED), "the configuration, a dialplan or the command line is wrong"),
    ]
    return table(("exit code", "meaning"), rows)
