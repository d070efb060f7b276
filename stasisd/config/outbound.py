"""Mistakes in the WebSockets that the daemon shall open, for events and for media."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from .decode import did_you_mean, show
from .errors import KeyPath, Mistake
from .settings import MediaConnection, Outbound, Tenant

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
EXAMPLE = "an address such as wss://app.example.com/ari"


def check_outbound(path: KeyPath, tenant: Tenant) -> Iterator[Mistake]:
    """All mistakes in a tenant's outbound connections, alone and together."""
    served: dict[str, str] = {}
    for name, given in tenant.outbound.items():
        place = (*path, name)
        yield from _check_url((*place, "url"), given.url)
        yield from _check_applications((*place, "applications"), name, given, served)
        if given.user not in tenant.users:
            hint = did_you_mean(given.user, tenant.users)
            yield Mistake((*place, "user"), "an ARI user of this tenant", show(given.user), hint)
        yield from _check_credentials(place, given)
        if given.retry_first_seconds > given.retry_longest_seconds:
            seconds = f"{given.retry_first_seconds:g}, {given.retry_longest_seconds:g}"
            yield Mistake(place, "retry_first_seconds <= retry_longest_seconds", seconds)


def check_media_connections(path: KeyPath, tenant: Tenant) -> Iterator[Mistake]:
    """All mistakes in the servers of programs that media may go to."""
    for name, given in tenant.media_connections.items():
        place = (*path, name)
        if _NAME.fullmatch(name) is None:
            yield Mistake(place, "a name of letters, digits and . _ -", show(name))
        yield from _check_url((*place, "url"), given.url)
        yield from _check_credentials(place, given)


def _check_credentials(path: KeyPath, given: Outbound | MediaConnection) -> Iterator[Mistake]:
    if (given.username is None) != (given.password is None):
        yield Mistake(path, "username and password, or none of them", "one of them")


def _check_url(path: KeyPath, url: str) -> Iterator[Mistake]:
    parts = _split(url)
    if parts is None or parts.scheme not in {"ws", "wss"} or not parts.hostname:
        yield Mistake(path, EXAMPLE, show(url) if url else "none")
    elif "@" in parts.netloc:
        hint = "Set username and password instead."
        yield Mistake(path, "an address without a password", "one with a user", hint)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:  # such as a port that is no number
        return None


def _check_applications(
    path: KeyPath, name: str, given: Outbound, served: dict[str, str]
) -> Iterator[Mistake]:
    if not given.applications:
        yield Mistake(path, "a list of at least one", "an empty list")
    for index, application in enumerate(given.applications):
        place = (*path, index)
        if not application or "," in application:
            yield Mistake(place, "the name of an application, without a comma", show(application))
        elif application in served:
            other = served[application]
            yield Mistake(place, "each application once", f"one that '{other}' has already")
        served.setdefault(application, name)
