"""Parameters that name objects inside a text: an event source, a media URI, an address.

Naming an object needs a right like any other use of it, so each kind says what it names.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from caps.access import Right
from stasisd.core.endpoint import Endpoint
from stasisd.core.tenant import Tenant

from .errors import InvalidParameter

Name = tuple[str, str]


class Mentions(msgspec.Struct, frozen=True):
    """Marks a text that names an object; the gate asks for this right to it.

    ``of`` gives the object's kind and id, or None where the text names none that needs a right.
    """

    right: Right
    of: Callable[[str], Name | None]


class LeadsTo(msgspec.Struct, frozen=True):
    """Marks the context of the dialplan that a channel is sent into.

    Where it is empty, that is the context the channel is in. A call that gives ``unless`` goes
    elsewhere.
    """

    unless: str = ""


class Offered(msgspec.Struct, frozen=True):
    """Marks the id of a channel that was offered: no right to it is asked for, but whose it is.

    Where a token is for other endpoints, ``absent`` is said, as where there is no such offer.
    """

    absent: str


def _recording_of(uri: str) -> Name | None:
    scheme, _, name = uri.partition(":")
    return ("recording", name) if scheme == "recording" else None


# What to play; prompts are for all, recordings are not.
MediaUri = Annotated[str, Mentions(Right.READ, _recording_of)]
# Whom to call, as TECH/resource.
Address = Annotated[str, Mentions(Right.CREATE, lambda address: ("endpoint", address))]
# Where in the dialplan a channel goes on.
ContextName = Annotated[str, LeadsTo()]
# The application that shall hold a channel.
ApplicationName = Annotated[
    str, Mentions(Right.CONTROL, lambda name: ("application", name) if name else None)
]
# The id that a channel made along with another one shall have.
NewChannelId = Annotated[str, Mentions(Right.CREATE, lambda channel_id: ("channel", channel_id))]


class Addressee(msgspec.Struct, frozen=True, eq=False):
    """Whom a message goes to: an endpoint that the text of a parameter names."""

    endpoint: Endpoint

    @property
    def name(self) -> str:
        """The endpoint's technology and resource."""
        return f"{self.endpoint.technology}/{self.endpoint.resource}"


def endpoint_named(text: str) -> tuple[str, str] | None:
    """The technology and resource of ``PJSIP/100``, ``pjsip:100`` or ``sip:100@example.com``."""
    scheme, colon, rest = text.partition(":")
    if not colon:
        technology, slash, resource = text.partition("/")
        return (technology, resource) if slash else None
    if scheme.lower() == "pjsip":
        return "PJSIP", rest.partition("/")[0]
    if scheme.lower() in {"sip", "sips"}:
        return "PJSIP", rest.partition("@")[0]
    return None


def find_addressee(tenant: Tenant, text: str) -> Addressee | None:
    """The endpoint that a text names, if there is one."""
    named = endpoint_named(text)
    endpoint = tenant.endpoints.get(named) if named else None
    return Addressee(endpoint) if endpoint else None


def _endpoint_mentioned(text: str) -> Name:
    """Whom a text names, in whichever way; what can't be told for sure is named as it stands."""
    address = text
    if text.count("<") == 1:  # a display name is before it, parameters are behind it
        address = text.partition("<")[2].partition(">")[0]
    named = endpoint_named(address)
    if named is None and not set(text) & set("<:"):
        named = ("PJSIP", text)
    return "endpoint", "/".join(named) if named else text


# Whom somebody is asked to call; an address elsewhere is as good as an endpoint of ours.
ReferTarget = Annotated[str, Mentions(Right.CREATE, _endpoint_mentioned)]


class EventSource(msgspec.Struct, frozen=True):
    """What events come from: its kind and id, its topic, and the application it belongs to."""

    kind: str
    id: str
    application_name: str | None = None

    @property
    def topic(self) -> str:
        """The topic that carries its events."""
        return f"{self.kind}:{self.id}"


def parse_source(text: str) -> tuple[str, str]:
    """The kind and id that ``channel:ID`` means. Raises :class:`InvalidParameter`."""
    kind, colon, name = text.partition(":")
    if not colon or kind not in {"channel", "bridge", "endpoint", "deviceState"}:
        raise InvalidParameter("Invalid event source URI scheme")
    return kind, name


def find_source(tenant: Tenant, text: str) -> EventSource | None:
    """The event source of this name, if there is one. Raises :class:`InvalidParameter`."""
    kind, name = parse_source(text)
    if kind == "channel":
        channel = tenant.channels.get(name)
        return EventSource(kind, name, channel.application_name) if channel else None
    if kind == "bridge":
        bridge = tenant.bridges.get(name)
        return EventSource(kind, name, bridge.application_name) if bridge else None
    if kind == "deviceState":  # also of a device that is not there yet
        return EventSource(kind, name)
    technology, slash, resource = name.partition("/")
    known = (technology, resource) in tenant.endpoints if slash else name in tenant.technologies
    return EventSource(kind, name) if known else None
