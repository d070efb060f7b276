"""The table of models is ARI's, and what we send is what it says."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.event_models import ANSWERS, EVENTS, OURS, REQUESTS
from stasisd.bindings.ari.model import Model
from stasisd.bindings.ari.models import MODELS, UNSENT
from stasisd.bindings.ari.object_models import OBJECTS
from stasisd.bindings.ari.own_models import OWN_MODELS
from stasisd.bindings.ari.results import result_type
from stasisd.bindings.documents.swagger import documents
from stasisd.core import events, snapshots
from stasisd.core.keys import KeySnapshot
from stasisd.core.log_files import LogChannelSnapshot
from stasisd.core.quality import RtpQuality
from stasisd.core.sounds import SoundFile
from stasisd.core.tenancy import Life, TenantSnapshot
from stasisd.operations import OPERATIONS
from stasisd.operations.asterisk import SECTIONS, Information, Pong
from stasisd.operations.audit import AuditPage
from stasisd.operations.configuration import ConfigTuple
from stasisd.operations.modules import Module
from stasisd.operations.sounds import Sound
from stasisd.operations.tenants import NewTenant
from stasisd.store.audit import Entry, Record

Json = Mapping[str, Any]

FACTS: Mapping[str, Json] = msgspec.json.decode(
    Path(__file__).with_name("ari_models.json").read_bytes()
)
DOCUMENTS = documents(OPERATIONS.values())
# Fields of ours beyond ARI, by model.
EXTRAS = {
    "Playback": {"reason"},
    "ReferredBy": {"uri"},
    "SystemInfo": {"api_version"},
    # Asterisk sends these, and has them in no model.
    "RTPstat": {"txmes", "rxmes"}
    | {
        f"{side}_{of}mes"
        for side in ("local", "remote")
        for of in ("max", "min", "normdev", "stdev")
    },
}
TENANT = TenantSnapshot(name="acme", state=Life.RUNNING, domains=("acme.example",), configured=True)
ENCODER = Encoder("02:00:00:00:00:01", "1.0")


# --- the table, and what the documents make of it


def facts_of(name: str) -> Json:
    """ARI's model; subtypes that this release does not have left out."""
    fact = FACTS[name]
    return {
        "fields": {
            field: (of["type"], of.get("required", False), of.get("allowed"))
            for field, of in fact["properties"].items()
        },
        "subtypes": set(fact.get("subTypes", ())) & MODELS.keys(),
        "discriminator": fact.get("discriminator"),
    }


def documented(name: str) -> Json:
    """The model as the document of its resource describes it."""
    described = DOCUMENTS[f"{FACTS[name]['resource']}.json"]["models"][name]
    assert described["id"] == name
    return {
        "fields": {
            field: (of["type"], of["required"], of.get("allowableValues", {}).get("values"))
            for field, of in described["properties"].items()
        },
        "subtypes": set(described.get("subTypes", ())),
        "discriminator": described.get("discriminator"),
    }


@pytest.mark.parametrize("name", MODELS)
def test_models_are_those_of_ari(name: str) -> None:
    assert documented(name) == facts_of(name)


def test_each_model_is_described_once() -> None:
    described = [name for document in DOCUMENTS.values() for name in document.get("models", ())]
    assert sorted(described) == sorted(MODELS)


def referred(model: Model) -> set[str]:
    return {re.sub(r"List\[(\w+)\]", r"\1", of_type) for of_type in model.fields.values()}


def test_every_model_is_needed_and_every_needed_one_is_there() -> None:
    needed = {"Message", "Event", *EVENTS, *ANSWERS, *REQUESTS, *UNSENT}
    needed |= {re.sub(r"List\[(\w+)\]", r"\1", result_type(o.returns)) for o in OPERATIONS.values()}
    known = {**MODELS, **OWN_MODELS}
    while more := set().union(*(referred(known[n]) for n in needed & known.keys())) - needed:
        needed |= more
    primitives = {"void", "binary", "string", "int", "long", "double", "boolean", "Date", "object"}
    assert needed - primitives == known.keys()


# --- what is sent


def problems(name: str, model: Model, value: Json) -> Iterator[str]:
    """Where a JSON object is not what its model says."""
    for field in model.required.keys() - value.keys():
        yield f"{name}.{field} is missing"
    for field in value.keys() - model.fields.keys() - EXTRAS.get(name, set()):
        yield f"{name}.{field} is unknown"
    for field in value.keys() & model.fields.keys():
        yield from mistyped(f"{name}.{field}", model.fields[field], value[field])
        if value[field] not in model.values.get(field, (value[field],)):
            yield f"{name}.{field} may not be {value[field]!r}"


def mistyped(where: str, of_type: str, value: Any) -> Iterator[str]:
    several = re.fullmatch(r"List\[(\w+)\]", of_type)
    if several is not None:
        if not isinstance(value, list):
            yield f"{where} is no list"
        else:
            for item in value:
                yield from mistyped(where, several[1], item)
    elif of_type in WRITTEN:
        yield from problems(of_type, WRITTEN[of_type], value)
    elif not PRIMITIVES[of_type](value):
        yield f"{where} is no {of_type}: {value!r}"


PRIMITIVES: Mapping[str, typing.Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: type(value) is int,
    "long": lambda value: type(value) is int,
    "boolean": lambda value: isinstance(value, bool),
    "double": lambda value: isinstance(value, float),
    "object": lambda value: isinstance(value, dict),
    "Date": lambda value: (
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", value) is not None
    ),
}

WRITTEN = {**OBJECTS, **OWN_MODELS}
CALLER = snapshots.Party("Alice", "100")
# Each kind of object with all that it can have, and with as little as it can.
SAMPLES: Mapping[Any, tuple[Any, Any]] = {
    str: ("text", ""),
    int: (32, 0),
    bool: (True, False),
    float: (1_795_470_000.125, 0.0),
    tuple[str, ...]: (("a", "b"), ()),
    tuple[tuple[str, str], ...]: ((("from", "a"), ("to", "b")), ()),
    tuple[tuple[str, object], ...]: ((("name", {"any": [1]}),), ()),
    snapshots.ChannelSnapshot: (
        snapshots.ChannelSnapshot(
            id="1795470000.1",
            name="PJSIP/100-00000001",
            state="Up",
            protocol_id="call@host",
            caller=CALLER,
            connected=CALLER,
            creationtime=1_795_470_000.5,
            channelvars=(("CONFVAR", "x"),),
        ),
        snapshots.ChannelSnapshot(id="1", name="Local/1", state="Down", creationtime=0.0),
    ),
    AuditPage: (
        AuditPage(
            [
                Record(
                    1,
                    "0" * 64,
                    Entry(
                        at=0.5,
                        operation="channels.get",
                        outcome="deny",
                        tenant="default",
                        token="t",
                        objects=("channel:1",),
                        reason="the token has expired",
                        request="r",
                    ),
                ),
                Record(2, "1" * 64, Entry(at=0.5, operation="channels.list", outcome="allow")),
            ],
            2,
        ),
        AuditPage([], 0),
    ),
    KeySnapshot: (
        KeySnapshot("k", signs=False, until=1.5),
        KeySnapshot("k", signs=True),
    ),
    snapshots.BridgeSnapshot: (
        snapshots.BridgeSnapshot(id="b", name="n", channels=("1", "2"), creationtime=1.5),
        snapshots.BridgeSnapshot(id="b", creationtime=0.0),
    ),
    snapshots.PlaybackSnapshot: (
        snapshots.PlaybackSnapshot(
            id="p",
            media_uri="sound:a",
            next_media_uri="sound:b",
            target_uri="channel:1",
            language="en",
            state="failed",
            reason="not found",
        ),
        snapshots.PlaybackSnapshot(
            id="p", media_uri="sound:a", target_uri="channel:1", language="en", state="playing"
        ),
    ),
    snapshots.LiveRecordingSnapshot: (
        snapshots.LiveRecordingSnapshot(
            name="r",
            format="wav",
            target_uri="channel:1",
            state="failed",
            duration=3,
            talking_duration=2,
            silence_duration=1,
            cause="disk full",
        ),
        snapshots.LiveRecordingSnapshot(
            name="r", format="wav", target_uri="channel:1", state="recording"
        ),
    ),
    snapshots.StoredRecordingSnapshot: (snapshots.StoredRecordingSnapshot("r", "wav"),) * 2,
    snapshots.EndpointSnapshot: (
        snapshots.EndpointSnapshot(
            technology="PJSIP", resource="100", state="online", channel_ids=("1",)
        ),
        snapshots.EndpointSnapshot(technology="PJSIP", resource="100", state="offline"),
    ),
    snapshots.ContactSnapshot: (
        snapshots.ContactSnapshot(
            uri="sip:100@host", contact_status="Reachable", aor="100", roundtrip_usec=900
        ),
        snapshots.ContactSnapshot(uri="sip:100@host", contact_status="Removed", aor="100"),
    ),
    snapshots.ApplicationSnapshot: (
        snapshots.ApplicationSnapshot(
            name="a", channel_ids=("1",), bridge_ids=("b",), endpoint_ids=("PJSIP/100",)
        ),
        snapshots.ApplicationSnapshot(name="a"),
    ),
    snapshots.DeviceStateSnapshot: (snapshots.DeviceStateSnapshot("Stasis:d", "BUSY"),) * 2,
    snapshots.MailboxSnapshot: (snapshots.MailboxSnapshot("m", 1, 2),) * 2,
    snapshots.TextMessage: (snapshots.TextMessage("sip:a@b", "sip:c@d", "hi"),) * 2,
    ConfigTuple: (ConfigTuple("context", "default"),) * 2,
    TenantSnapshot: (TENANT,) * 2,
    NewTenant: (NewTenant(TENANT, {"app": "secret"}, {"100": "secret"}),) * 2,
    LogChannelSnapshot: (
        LogChannelSnapshot(Path("log/full"), enabled=True, levels=("NOTICE", "ERROR")),
        LogChannelSnapshot(Path("log/full"), enabled=False, levels=()),
    ),
    Module: (Module("sip", "Phones", 3),) * 2,
    Information: (
        Information(
            sections=SECTIONS,
            system_name="s",
            language="en",
            started=1.0,
            reloaded=2.0,
            operating_system="Linux",
            kernel="6",
            machine="x86_64",
        ),
        Information(
            sections=(),
            system_name="",
            language="en",
            started=0.0,
            reloaded=0.0,
            operating_system="",
            kernel="",
            machine="",
        ),
    ),
    Pong: (Pong(1.0),) * 2,
    RtpQuality: (
        RtpQuality(channel_id="1", tx_packets=5, lost=2, jitter=0.01, round_trip=0.02),
        RtpQuality(channel_id="1"),
    ),
    Sound: (
        Sound("hello", (SoundFile("en", "flac", Path("en/hello.flac")),)),
        Sound("hello", ()),
    ),
    dict[str, str]: ({"value": "x"},) * 2,
    dict[str, dict[str, str]]: ({"variables": {"a": "x"}},) * 2,
}


def concrete(kind: type[events.Event]) -> Iterator[type[events.Event]]:
    """The classes that are published: those that nothing is derived from."""
    if not kind.__subclasses__():
        yield kind
    for narrower in kind.__subclasses__():
        yield from concrete(narrower)


def sample(kind: type[events.Event], *, least: bool) -> events.Event:
    """An event with all its fields, or with only those that it can't do without."""
    hints = typing.get_type_hints(kind)
    given = {}
    for field in msgspec.structs.fields(kind):
        if not (least and not field.required):
            wanted = typing.get_args(hints[field.name])
            optional = types.NoneType in wanted
            given[field.name] = SAMPLES[wanted[0] if optional else hints[field.name]][least]
    return kind(**given)


def test_every_event_has_its_model() -> None:
    assert {kind.__name__ for kind in concrete(events.Event)} == {*EVENTS, *OURS}
    assert not EVENTS.keys() & OURS.keys()


@pytest.mark.parametrize("least", [False, True], ids=["full", "least"])
@pytest.mark.parametrize("kind", list(concrete(events.Event)))
def test_events_are_what_their_models_say(kind: type[events.Event], least: bool) -> None:
    written = msgspec.json.decode(ENCODER.event("app", sample(kind, least=least)))
    known = {**EVENTS, **OURS}
    own, message, base = known[kind.__name__], MODELS["Message"], MODELS["Event"]
    whole = Model(
        "events",
        {**message.required, **base.required, **own.required},
        {**message.optional, **base.optional, **own.optional},
    )
    assert list(problems(kind.__name__, whole, written)) == []
    assert written["type"] == kind.__name__
    assert (written["application"], written["asterisk_id"]) == ("app", "02:00:00:00:00:01")


@pytest.mark.parametrize("least", [False, True], ids=["full", "least"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_results_are_what_their_models_say(name: str, least: bool) -> None:
    returns = OPERATIONS[name].returns
    of_type = result_type(returns)
    if of_type in {"void", "binary", "Message"}:
        return
    several = typing.get_origin(returns) is list
    result = SAMPLES[typing.get_args(returns)[0] if several else returns][least]
    written = msgspec.json.decode(ENCODER.result([result] if several else result))
    assert list(mistyped(name, of_type, written)) == []


def test_the_check_finds_what_is_wrong() -> None:
    wrong = {
        "id": 5,
        "media_uri": "sound:a",
        "state": "odd",
        "next_media_uri": None,
        "mine": 1,
    }
    assert sorted(problems("Playback", OBJECTS["Playback"], wrong)) == [
        "Playback.id is no string: 5",
        "Playback.mine is unknown",
        "Playback.next_media_uri is no string: None",
        "Playback.state may not be 'odd'",
        "Playback.target_uri is missing",
    ]
