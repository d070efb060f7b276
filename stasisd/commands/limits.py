"""The options of a command that limit a token, and the caveats they become."""

import ipaddress
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from caps.access import Right
from caps.caveats import (
    READ_ONLY,
    Applications,
    Caveat,
    Contexts,
    Endpoints,
    Events,
    Expires,
    Networks,
    NotBefore,
    Objects,
    Operations,
    ProofRequired,
    Rights,
    Tenant,
)

F = TypeVar("F", bound=Callable[..., Any])

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def span(value: str) -> int:
    """A span of time such as `30s`, `12h` or `7d`, in seconds."""
    match = _SPAN.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no span such as 30s, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def when(value: str) -> float:
    """A moment, as seconds since 1970: `2h` from now, or a date and time, in UTC if not said."""
    if _SPAN.fullmatch(value) is not None:
        return round(time.time()) + span(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        expected = "neither a span such as 2h or 30d, nor a moment such as 2026-12-24T18:00"
        raise click.BadParameter(f"{value!r} is {expected}") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def network(value: str) -> str:
    """A network such as 192.0.2.0/24."""
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


OPTIONS = (
    click.option("--read-only", is_flag=True, help="Only look."),
    click.option(
        "--right",
        "rights",
        multiple=True,
        type=click.Choice([right.value for right in Right]),
        help="Only with this right; may be given several times, as all that follow.",
    ),
    click.option(
        "--operation",
        "operations",
        multiple=True,
        metavar="NAME",
        help="Only this operation, such as bridges.get, or all of a resource: channels.*",
    ),
    click.option(
        "--application",
        "applications",
        multiple=True,
        metavar="NAME",
        help="Only what belongs to this application.",
    ),
    click.option(
        "--object",
        "objects",
        multiple=True,
        metavar="KIND:ID",
        help="Only this object, such as bridge:1, or all that begin so: recording:public*",
    ),
    click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="NAME",
        help="Only channels of this endpoint and calls to it: PJSIP/100, PJSIP/1*, @GROUP",
    ),
    click.option(
        "--context",
        "contexts",
        multiple=True,
        metavar="NAME",
        help="Only into this context of the dialplan.",
    ),
    click.option(
        "--event", "events", multiple=True, metavar="TYPE", help="Only events of this type."
    ),
    click.option("--from", "permit", multiple=True, type=network, help="Only from this network."),
    click.option(
        "--not-from",
        "deny",
        multiple=True,
        type=network,
        help="Not from this network; the narrowest that holds an address decides.",
    ),
    click.option("--not-before", type=when, help="From then on."),
    click.option("--expires", type=when, help="Until then: 2h, 30d, 2026-12-24T18:00"),
    click.option("--proof", is_flag=True, help="Never to be shown, only with proof of possession."),
    click.option("--of-tenant", metavar="NAME", help="Limit an operator's token to one tenant."),
)


def limiting(command: F) -> F:
    """Give a command the options; it gets them as keyword arguments, for `caveats`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def caveats(given: dict[str, Any]) -> tuple[Caveat, ...]:
    """The caveats of options that were given."""
    return tuple(_caveats(given))


def _caveats(given: dict[str, Any]) -> Iterator[Caveat]:
    if given["of_tenant"]:
        yield Tenant(given["of_tenant"])
    if given["read_only"]:
        yield READ_ONLY
    if given["rights"]:
        yield Rights(tuple(map(Right, given["rights"])))
    for option, kind in LISTS.items():
        if given[option]:
            yield kind(tuple(given[option]))
    if given["permit"] or given["deny"]:
        yield Networks(tuple(given["permit"]), tuple(given["deny"]))
    if given["not_before"] is not None:
        yield NotBefore(given["not_before"])
    if given["expires"] is not None:
        yield Expires(given["expires"])
    if given["proof"]:
        yield ProofRequired()


LISTS: dict[str, Callable[[tuple[str, ...]], Caveat]] = {
    "operations": Operations,
    "applications": Applications,
    "objects": Objects,
    "endpoints": Endpoints,
    "contexts": Contexts,
    "events": Events,
}
