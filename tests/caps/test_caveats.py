"""What each caveat prohibits, and how caveats are written."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caps import (
    READ_ONLY,
    Access,
    Applications,
    Caveat,
    Contexts,
    Endpoint,
    Endpoints,
    Events,
    Expires,
    Networks,
    NotBefore,
    Objects,
    Operations,
    ProofRequired,
    Right,
    Rights,
    Tenant,
    ThirdParty,
    Unknown,
)
from caps.caveats import Known, decode, encode

SUPPORT = Endpoint("PJSIP/100", frozenset({"support", "all"}))
SALES = Endpoint("PJSIP/200", frozenset({"sales"}))
LIST = {"operation": "channels.list", "kind": "channel", "object_id": None}


def access(**changes: Any) -> Access:
    """Reading channel c1 of tenant acme, in application ivr, at second 100."""
    usual: dict[str, Any] = {
        "right": Right.READ,
        "operation": "channels.get",
        "tenant": "acme",
        "now": 100.0,
        "kind": "channel",
        "object_id": "c1",
        "application": "ivr",
    }
    return Access(**{**usual, **changes})


@pytest.mark.parametrize(
    ("caveat", "changes", "allowed"),
    [
        (Tenant("acme"), {}, True),
        (Tenant("acme"), {"tenant": "other"}, False),
        (READ_ONLY, {}, True),
        (READ_ONLY, {"right": Right.CONTROL}, False),
        (READ_ONLY, {"right": Right.CREATE}, False),
        (READ_ONLY, {"right": Right.DELETE}, False),
        (Rights(()), {}, False),
        (Operations(("channels.get",)), {}, True),
        (Operations(("bridges.get", "channels.*")), {}, True),
        (Operations(("channel.*", "channels", "*", ".*")), {}, False),
        (Operations(("channels.g*",)), {}, False),
        (Applications(("ivr", "queue")), {}, True),
        (Applications(("queue",)), {}, False),
        (Applications(("ivr",)), {"application": None}, False),
        (Objects(("channel:c1",)), {}, True),
        (Objects(("channel:c",)), {}, False),
        (Objects(("channel:c*",)), {}, True),
        (Objects(("channel:*",)), {}, True),
        (Objects(("bridge:*", "chan*")), {}, False),
        (Objects(("*",)), {}, False),
        (Objects(("channel:*",)), LIST, False),
        (Objects(("None:None",)), {"kind": None, "object_id": None}, False),
        (Endpoints(("PJSIP/100",)), {"endpoints": (SUPPORT,)}, True),
        (Endpoints(("PJSIP/1*",)), {"endpoints": (SUPPORT,)}, True),
        (Endpoints(("@sales", "@support")), {"endpoints": (SUPPORT,)}, True),
        (Endpoints(("@sales",)), {"endpoints": (SUPPORT,)}, False),
        (Endpoints(("@supp*", "@", "@*", "support")), {"endpoints": (SUPPORT,)}, False),
        (Endpoints(("PJSIP*", "*", "PJSIP/10", "pjsip/100")), {"endpoints": (SUPPORT,)}, False),
        (Endpoints(("@support",)), {"endpoints": (SUPPORT, SALES)}, False),
        (Endpoints(("@support", "PJSIP/2*")), {"endpoints": (SUPPORT, SALES)}, True),
        (Endpoints(()), {"endpoints": (SUPPORT,)}, False),
        (Endpoints(("@support",)), {"endpoints": ()}, True),
        (Endpoints(("@support",)), {}, False),
        (Contexts(("in",)), {"contexts": ("in",)}, True),
        (Contexts(("in", "out")), {"contexts": ("in", "out")}, True),
        (Contexts(("in",)), {"contexts": ("in", "out")}, False),
        (Contexts(("in*",)), {"contexts": ("in",)}, False),
        (Contexts(()), {"contexts": ()}, True),
        (Contexts(("in",)), {}, False),
        (Events(("ChannelCreated",)), {"events": ("ChannelCreated",)}, True),
        (Events(("ChannelCreated",)), {"events": ("ChannelDestroyed",)}, False),
        (Events(("ChannelCreated",)), {"events": ()}, True),
        (Events(("ChannelCreated",)), {}, False),
        (Networks((), ()), {}, False),
        (NotBefore(100.0), {}, True),
        (NotBefore(100.5), {}, False),
        (Expires(100.5), {}, True),
        (Expires(100.0), {}, False),
        (NotBefore(1.0), {"now": math.nan}, False),
        (Expires(1.0), {"now": math.nan}, False),
        (Unknown(), {}, False),
        (ThirdParty("https://login.example", "ticket"), {}, False),
        (ProofRequired(), {}, False),
        (Caveat(), {}, False),
    ],
)
def test_what_prohibits(caveat: Caveat, changes: dict[str, Any], allowed: bool) -> None:
    reason = caveat.prohibits(access(**changes))
    assert (reason is None) == allowed
    assert reason is None or reason.startswith("the token ")


@pytest.mark.parametrize(
    ("caveat", "changes", "decidable"),
    [
        (READ_ONLY, LIST, True),
        (Objects(("channel:*",)), {}, True),
        (Objects(("channel:*",)), LIST, False),
        (Applications(("ivr",)), {}, True),
        (Applications(("ivr",)), {"application": None}, False),
        (Endpoints(("@support",)), {"endpoints": (SUPPORT,)}, True),
        (Endpoints(("@support",)), {}, False),
        (Contexts(("in",)), {"contexts": ()}, True),
        (Contexts(("in",)), {}, False),
        (Events(("ChannelCreated",)), {"events": ()}, True),
        (Events(("ChannelCreated",)), {}, False),
    ],
)
def test_what_names_alone_decide(caveat: Caveat, changes: dict[str, Any], decidable: bool) -> None:
    assert caveat.decidable(access(**changes)) == decidable


@pytest.mark.parametrize(
    ("caveat", "written"),
    [
        (Tenant("acme"), b'["tenant","acme"]'),
        (Rights((Right.READ, Right.DELETE)), b'["rights",["read","delete"]]'),
        (Operations(("channels.*",)), b'["operations",["channels.*"]]'),
        (Applications(("ivr",)), b'["applications",["ivr"]]'),
        (Objects(("recording:vm/*",)), b'["objects",["recording:vm/*"]]'),
        (Endpoints(("PJSIP/1*", "@a")), b'["endpoints",["PJSIP/1*","@a"]]'),
        (Contexts(("in",)), b'["contexts",["in"]]'),
        (Events(("Dial",)), b'["events",["Dial"]]'),
        (Networks(("192.0.2.0/24",), ()), b'["networks",["192.0.2.0/24"],[]]'),
        (ProofRequired(), b'["proof"]'),
        (NotBefore(5.0), b'["not-before",5.0]'),
        (Expires(5.5), b'["expires",5.5]'),
    ],
)
def test_the_written_form_is_kept_for_ever(caveat: Caveat, written: bytes) -> None:
    assert encode(caveat) == written
    assert decode(written) == caveat


@pytest.mark.parametrize(
    "predicate",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"time < 2030",
        b'["tenant"]',
        b'["tenant",1]',
        b'["tenant","acme","more"]',
        b'["rights",["read","spy"]]',
        b'["expires","never"]',
        b'["expires",NaN]',
        b'["expires",1e999]',
        b'["tomorrow\'s caveat","x"]',
        b'["tenant","acme"]["rights",[]]',
        b'["tenant","\xff"]',
        b"[" * 5000,
    ],
)
def test_what_cannot_be_read_prohibits(predicate: bytes) -> None:
    assert decode(predicate) == Unknown()


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_decoding_never_raises(predicate: bytes) -> None:
    assert isinstance(decode(predicate), Caveat)


def test_what_is_no_predicate_prohibits_when_it_is_written_as_one() -> None:
    for caveat in (Unknown(), Caveat(), ThirdParty("https://login.example", "ticket")):
        assert decode(encode(caveat)) == Unknown()


def test_every_caveat_has_its_written_form_tested() -> None:
    (marker,) = test_the_written_form_is_kept_for_ever.pytestmark  # type: ignore[attr-defined] # pytest's
    tested = {type(caveat) for caveat, _ in marker.args[1]}
    assert tested == set(Known.__args__)


def test_each_tag_has_one_class() -> None:
    known = Known.__args__
    tags = [msgspec.inspect.type_info(caveat).tag for caveat in known]  # type: ignore[attr-defined] # all are StructType
    assert len(set(tags)) == len(tags)
    assert set(Caveat.__subclasses__()) == {*known, ThirdParty, Unknown}
