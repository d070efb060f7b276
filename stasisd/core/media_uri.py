"""Media URIs: what ``sound:hello`` or ``number:42`` means to the media process."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from stasisd.media.commands import AnySegment, FileSegment

from . import numbers, tones
from .remote_media import FetchFailed

if TYPE_CHECKING:
    from .tenant import Tenant


# Schemes of media that is fetched.
REMOTE = ("http", "https")
# What one command of the media process holds without trouble.
MOST_PROMPTS = 256


class MediaNotFound(Exception):
    """The URI names nothing that can be played; the message says why."""


async def resolve(tenant: "Tenant", uri: str, language: str) -> tuple[AnySegment, ...]:
    """The segments that a media URI stands for. Raises :class:`MediaNotFound`."""
    scheme, _, name = uri.partition(":")
    if scheme == "recording":
        return await _recording(tenant, name)
    if scheme in REMOTE:
        return await _remote(tenant, uri)
    resolver = SCHEMES.get(scheme)
    if resolver is None:
        known = ", ".join(sorted([*SCHEMES, *REMOTE, "recording"]))
        raise MediaNotFound(f"unknown media scheme {scheme!r}; known are {known}")
    return resolver(tenant, name, language)


async def _remote(tenant: "Tenant", uri: str) -> tuple[AnySegment, ...]:
    try:
        path = await tenant.remote_media.fetch(uri)
    except FetchFailed as failed:
        raise MediaNotFound(f"the media could not be fetched: {failed}") from None
    return (FileSegment(str(path)),)


async def _recording(tenant: "Tenant", name: str) -> tuple[AnySegment, ...]:
    stored = await tenant.stored_recordings.find(name)
    if stored is None:
        raise MediaNotFound(f"there is no recording {name!r}")
    return (FileSegment(str(stored.path)),)


def _sound(tenant: "Tenant", name: str, language: str) -> tuple[AnySegment, ...]:
    path = tenant.sounds.find(name, language)
    if path is None:
        raise MediaNotFound(f"there is no sound {name!r} in language {language!r} or in English")
    return (FileSegment(str(path)),)


def _said(tenant: "Tenant", names: list[str], language: str) -> tuple[AnySegment, ...]:
    if not names:
        raise MediaNotFound("there is nothing to say")
    if len(names) > MOST_PROMPTS:
        raise MediaNotFound(f"more than {MOST_PROMPTS} prompts would be needed")
    return tuple(segment for name in names for segment in _sound(tenant, name, language))


def _number(tenant: "Tenant", name: str, language: str) -> tuple[AnySegment, ...]:
    try:
        return _said(tenant, numbers.number(int(name)), language)
    except ValueError:
        raise MediaNotFound(f"{name!r} is not a whole number of at most nine digits") from None


def _digits(tenant: "Tenant", name: str, language: str) -> tuple[AnySegment, ...]:
    return _said(tenant, numbers.digits(name), language)


def _characters(tenant: "Tenant", name: str, language: str) -> tuple[AnySegment, ...]:
    return _said(tenant, numbers.characters(name), language)


def _tone(_tenant: "Tenant", name: str, _language: str) -> tuple[AnySegment, ...]:
    try:
        return (tones.tone(name),)
    except tones.BadTone as bad:
        raise MediaNotFound(str(bad)) from None


SCHEMES: Mapping[str, Callable[["Tenant", str, str], tuple[AnySegment, ...]]] = {
    "sound": _sound,
    "number": _number,
    "digits": _digits,
    "characters": _characters,
    "tone": _tone,
}
