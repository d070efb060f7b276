"""What types can't say: mistakes in what values mean, alone and together."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from stasisd.credentials import passwords
from stasisd.sdp.codecs import BY_NAME as CODECS

from .decode import did_you_mean, show
from .errors import KeyPath, Mistake
from .outbound import check_media_connections, check_outbound
from .settings import Group, Http, MediaProcess, Settings, Sip, SipEndpoint, Tenant, User
from .tenants import check_tenants

MEDIA = "media"
MEDIA_HINT = f"'{MEDIA}' is where programs open WebSockets for sound."
_ORIGIN = re.compile(r"\*|https?://[^/?#\s]+")
_ORPHANS = re.compile(r"keep|(continue|hangup)(:[0-9]{1,5})?")
_PREFIX = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z0-9]+)*")
_ENDPOINT = re.compile(r"[A-Za-z0-9._+]{1,64}")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f\"\\]+")
_USER = re.compile(r"[^\x00-\x1f\x7f:]+")
_HA1 = re.compile(r"[0-9a-f]{64}")
LONGEST_USER = 255  # as it stands in a token
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]+")
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MEMBER = re.compile(r"[A-Za-z0-9]+/[^*\s]*\*?")
_VARIABLE = re.compile(r"\S+")
# The names that codecs have in RTP, for those who write them instead of ours.
_ENCODINGS = {codec.encoding.lower(): name for name, codec in CODECS.items()}


def check(settings: Settings) -> Iterator[Mistake]:
    """All mistakes in settings that have the right types."""
    yield from _check_http(settings.http)
    yield from _check_sip(settings.sip)
    yield from _check_media(settings.media)
    yield from _check_orphans(("events", "orphans"), settings.events.orphans)
    for name, tenant in settings.tenants.items():
        yield from _check_tenant(("tenants", name), tenant)
    for name, operator in settings.operators.items():
        yield from _check_user(("operators", name), name, operator)
    yield from check_tenants(settings)


def _check_http(http: Http) -> Iterator[Mistake]:
    yield from _check_list(("http", "bind"), http.bind)
    yield from _match(_PREFIX, ("http", "prefix"), http.prefix, "a path such as ari")
    if http.prefix.rpartition("/")[2] == MEDIA:
        yield Mistake(("http", "prefix"), "a path such as ari", show(http.prefix), MEDIA_HINT)
    yield from _match(_PRINTABLE, ("http", "realm"), http.realm, "text without quotes")
    for index, origin in enumerate(http.allowed_origins):
        path = ("http", "allowed_origins", index)
        expected = "an origin such as https://example.com, or *"
        yield from _match(_ORIGIN, path, origin, expected, "An origin has no path.")


def _check_sip(sip: Sip) -> Iterator[Mistake]:
    yield from _check_ip(("sip", "advertised_address"), sip.advertised_address)
    yield from _match(_PRINTABLE, ("sip", "realm"), sip.realm, "text without quotes")
    yield from _check_list(("sip", "digest_algorithms"), sip.digest_algorithms)
    if not (sip.udp or sip.tcp):
        yield Mistake(("sip", "udp"), "udp or tcp to be true", "both false")
    limits = sip.registration
    if not limits.min_seconds <= limits.default_seconds <= limits.max_seconds:
        seconds = (limits.min_seconds, limits.default_seconds, limits.max_seconds)
        expected = "min_seconds <= default_seconds <= max_seconds"
        yield Mistake(("sip", "registration"), expected, "{}, {}, {}".format(*seconds))


def _check_media(media: MediaProcess) -> Iterator[Mistake]:
    yield from _check_ip(("media", "bind"), media.bind)
    yield from _check_ip(("media", "advertised_address"), media.advertised_address)


def _check_tenant(path: KeyPath, tenant: Tenant) -> Iterator[Mistake]:
    expected = "a language such as en or pt_BR"
    yield from _match(_LANGUAGE, (*path, "language"), tenant.language, expected)
    for index, variable in enumerate(tenant.channelvars):
        place = (*path, "channelvars", index)
        yield from _match(_VARIABLE, place, variable, "the name of a variable")
    yield from _check_networks((*path, "egress"), tenant.egress.allowed_networks or ())
    yield from _check_networks((*path, "remote_media"), tenant.remote_media.allowed_networks)
    for name, user in tenant.users.items():
        yield from _check_user((*path, "users", name), name, user)
    for name, endpoint in tenant.endpoints.items():
        yield from _check_endpoint((*path, "endpoints", name), name, endpoint)
    for name, group in tenant.groups.items():
        yield from _check_group((*path, "groups", name), name, group)
    for name, application in tenant.applications.items():
        if application.orphans is not None:
            place = (*path, "applications", name, "orphans")
            yield from _check_orphans(place, application.orphans)
    yield from check_outbound((*path, "outbound"), tenant)
    yield from check_media_connections((*path, "media_connections"), tenant)


def _check_orphans(path: KeyPath, policy: str) -> Iterator[Mistake]:
    yield from _match(_ORPHANS, path, policy, "keep, continue:SECONDS or hangup:SECONDS")


def _check_user(path: KeyPath, name: str, user: User) -> Iterator[Mistake]:
    yield from _match(_USER, path, name, "a user name without a colon")
    if len(quote(name, safe="")) > LONGEST_USER:
        yield Mistake(path, f"a name of {LONGEST_USER} characters, percent-encoded", "a longer one")
    yield from _check_password((*path, "password"), user.password)
    yield from _check_hash((*path, "password_hash"), user)
    if user.digest_ha1 is not None and not _HA1.fullmatch(user.digest_ha1):
        hint = f"`stasisd hash-password --digest {name}` makes it."
        yield Mistake((*path, "digest_ha1"), "64 hexadecimal digits", "something else", hint)
    for key, networks in (("permit", user.permit), ("deny", user.deny)):
        for index, network in enumerate(networks):
            yield from _check_network((*path, key, index), network)


def _check_networks(path: KeyPath, allowed: Sequence[str]) -> Iterator[Mistake]:
    for index, network in enumerate(allowed):
        yield from _check_network((*path, "allowed_networks", index), network)


def _check_hash(path: KeyPath, user: User) -> Iterator[Mistake]:
    if user.password_hash is None:
        return
    if user.password is not None:
        yield Mistake(path, "a password or a hash", "both", "Remove the password.")
    try:
        passwords.read(user.password_hash)
    except passwords.UnreadableHash as error:
        hint = f"It can't be used: {error}. `stasisd hash-password` makes one."
        yield Mistake(path, "the hash of a password", "something else", hint)


def _check_network(path: KeyPath, text: str) -> Iterator[Mistake]:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        hint = _without_host_bits(text)
        yield Mistake(path, "a network such as 192.0.2.0/24 or 2001:db8::/32", show(text), hint)


def _without_host_bits(text: str) -> str:
    try:
        return f"Did you mean '{ipaddress.ip_network(text, strict=False)}'?"
    except ValueError:
        return ""


def _check_group(path: KeyPath, name: str, group: Group) -> Iterator[Mistake]:
    yield from _match(_GROUP, path, name, "a name of letters, digits and . _ -")
    for index, member in enumerate(group.members):
        expected = "an endpoint such as PJSIP/100, or PJSIP/1* for all that begin so"
        yield from _match(_MEMBER, (*path, "members", index), member, expected)


def _check_endpoint(path: KeyPath, name: str, endpoint: SipEndpoint) -> Iterator[Mistake]:
    yield from _match(_ENDPOINT, path, name, "a name of letters, digits and . _ +")
    yield from _check_password((*path, "password"), endpoint.password)
    yield from _match(_CONTEXT, (*path, "context"), endpoint.context, "the name of a context")
    yield from _check_list((*path, "allow"), endpoint.allow)
    for index, codec in enumerate(endpoint.allow):
        if codec not in CODECS:
            known = _ENCODINGS.get(codec.lower())
            hint = f"Did you mean '{known}'?" if known else did_you_mean(codec, CODECS)
            expected = "one of " + ", ".join(CODECS)
            yield Mistake((*path, "allow", index), expected, f"'{codec}'", hint)


def _check_password(path: KeyPath, password: str | None) -> Iterator[Mistake]:
    if password == "":
        hint = "Leave the key out to have a password made at the first start."
        yield Mistake(path, "a password", "an empty one", hint)


def _check_ip(path: KeyPath, text: str | None) -> Iterator[Mistake]:
    try:
        ipaddress.ip_address(text or "0.0.0.0")  # noqa: S104 - stands in for none
    except ValueError:
        yield Mistake(path, "an IP address", show(text))


def _check_list(path: KeyPath, items: Sequence[Any]) -> Iterator[Mistake]:
    if not items:
        yield Mistake(path, "a list of at least one", "an empty list")
    for index, item in enumerate(items):
        if item in items[:index]:
            yield Mistake((*path, index), "each value once", "one that is listed before")


def _match(
    pattern: re.Pattern[str], path: KeyPath, text: str, expected: str, hint: str = ""
) -> Iterator[Mistake]:
    if pattern.fullmatch(text) is None:
        yield Mistake(path, expected, show(text), hint)
