"""What caveats leave of a grant, asked of the gate."""

from typing import Any

import pytest
import trio

from caps.access import Right
from caps.caveats import Applications, Caveat, Expires, Objects, Operations, Rights
from stasisd.core import bus, events
from stasisd.core.bridge import Bridge
from stasisd.core.snapshots import ApplicationSnapshot, ChannelSnapshot
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.asking import Asked
from stasisd.operations.call import FOR_WHOM
from stasisd.operations.declare import Create, Operation
from stasisd.operations.errors import NotAllowed
from stasisd.operations.hearing import permits
from tests.support.clock import jumping_clock
from tests.support.tenant import EPOCH
from tests.support.world import Caller, Failed, call, furnish, grant, parameters

pytestmark = jumping_clock

NOT_FOUND = Failed("not_found", "Channel not found", None)


@pytest.fixture
async def caller(tenant: Tenant) -> Caller:
    await furnish(tenant)
    tenant.serve_application("second").connect(bus.Mailbox(), everything=False)
    await call(tenant, "d", app="second")
    return Caller(tenant)


async def test_a_foreign_object_is_an_absent_one(caller: Caller) -> None:
    mine = Objects(("channel:c",))
    assert isinstance(await caller("channels.get", mine, channelId="c"), ChannelSnapshot)
    assert await caller("channels.get", mine, channelId="d") == NOT_FOUND
    assert await caller("channels.get", mine, channelId="absent") == NOT_FOUND
    assert await caller("channels.hangup", mine, channelId="d") == NOT_FOUND
    assert "d" in caller.tenant.channels


async def test_what_belongs_to_an_application_is_found_by_it(caller: Caller) -> None:
    second = Applications(("second",))
    assert isinstance(await caller("channels.get", second, channelId="d"), ChannelSnapshot)
    assert await caller("channels.get", second, channelId="c") == NOT_FOUND
    assert await caller("playbacks.stop", second, playbackId="p") == Failed(
        "not_found", "Playback not found", None
    )
    # The far half is in no application.
    assert await caller("channels.get", second, channelId="d;2") == NOT_FOUND


@pytest.mark.parametrize(
    ("caveat", "expected"),
    [
        (Objects(("channel:c",)), ["c"]),
        (Objects(("channel:c*",)), ["c", "c;2"]),
        (Objects(("bridge:b",)), []),
        (Applications(("second",)), ["d"]),
        (Applications(("app", "second")), ["c", "d"]),
    ],
)
async def test_lists_hold_what_may_be_read(
    caveat: Caveat, expected: list[str], caller: Caller
) -> None:
    assert [c.id for c in await caller("channels.list", caveat)] == expected


async def test_the_list_of_applications_is_filtered(caller: Caller) -> None:
    listed = await caller("applications.list", Applications(("second",)))
    assert [a.name for a in listed] == ["second"]


async def test_all_objects_are_checked_before_any_effect(caller: Caller) -> None:
    caveat = Objects(("bridge:b", "channel:c"))
    refused = await caller("bridges.addChannel", caveat, bridgeId="b", channel="c,d")
    assert refused == Failed("invalid_parameter", "Channel not found", None)
    assert caller.tenant.bridges["b"].snapshot.channels == ()
    assert await caller("bridges.addChannel", caveat, bridgeId="b", channel="c") is None


async def test_operations_and_rights_are_decided_before_anything_is_looked_for(
    caller: Caller,
) -> None:
    only_get = Operations(("channels.get",))
    for channel_id in ("c", "absent"):
        refused = await caller("channels.hangup", only_get, channelId=channel_id)
        assert (refused.kind, refused.message) == ("not_allowed", "Write access denied")
    no_delete = Rights((Right.READ, Right.CONTROL))
    refused = await caller("channels.hangup", no_delete, channelId="c")
    assert refused.detail == "the token gives no right to delete"


# --- making


async def test_what_is_made_for_an_application_is_its_own(caller: Caller) -> None:
    second = Applications(("second",))
    playing = await caller("channels.play", second, channelId="d", media="sound:hello")
    assert playing.target_uri == "channel:d"
    recorded = await caller("channels.record", second, channelId="d", name="x", format="wav")
    assert recorded.name == "x"
    made = await caller(
        "channels.originate", second, endpoint="Local/echo@conformance", app="second"
    )
    assert isinstance(made, ChannelSnapshot)


@pytest.mark.parametrize("raw", [{"app": "app"}, {"extension": "echo", "context": "conformance"}])
async def test_nothing_is_made_for_another_or_for_none(raw: dict[str, str], caller: Caller) -> None:
    refused = await caller(
        "channels.originate", Applications(("second",)), endpoint="Local/echo@conformance", **raw
    )
    assert refused.kind == "not_allowed"
    assert len(caller.tenant.channels) == 4


async def test_an_id_is_given_only_within_the_grant(caller: Caller) -> None:
    caveat = Objects(("channel:mine-*", "endpoint:Local/*", "application:app"))
    asked = {"endpoint": "Local/echo@conformance", "app": "app"}
    for refused in (
        {"channelId": "yours"},
        {},  # an id that we would choose
        {"channelId": "mine-1", "otherChannelId": "yours"},
    ):
        assert (await caller("channels.originate", caveat, **asked, **refused)).kind == (
            "not_allowed"
        )
    made = await caller("channels.originate", caveat, **asked, channelId="mine-1")
    assert made.id == "mine-1"


# --- bridges, which belong to the application that they are made for

FIRST, SECOND, BOTH = Applications(("app",)), Applications(("second",)), ("app", "second")
NO_BRIDGE = Failed("not_found", "Bridge not found", None)


async def test_a_limited_token_works_with_bridges_of_its_own(caller: Caller) -> None:
    await call(caller.tenant, "e", app="second")
    await caller("bridges.create", SECOND, bridgeId="mine")
    assert await caller("bridges.addChannel", SECOND, bridgeId="mine", channel="d,e") is None
    playing = await caller("bridges.play", SECOND, bridgeId="mine", media="sound:hello")
    assert await caller("playbacks.stop", SECOND, playbackId=playing.id) is None
    recorded = await caller("bridges.record", SECOND, bridgeId="mine", name="x", format="wav")
    assert (await caller("recordings.getLive", SECOND, recordingName="x")).name == recorded.name
    source = {"applicationName": "second", "eventSource": "bridge:mine"}
    assert "mine" in (await caller("applications.subscribe", SECOND, **source)).bridge_ids
    assert (await caller("bridges.get", SECOND, bridgeId="mine")).channels == ("d", "e")
    assert await caller("bridges.removeChannel", SECOND, bridgeId="mine", channel="e") is None
    assert await caller("bridges.destroy", SECOND, bridgeId="mine") is None


BRIDGES = [o for o in OPERATIONS.values() if o.resource == "bridges" and o.right is not None]
OF_ONE = [o for o in BRIDGES if any(p.name == "bridge" for p in o.parameters)]


@pytest.mark.parametrize("operation", OF_ONE, ids=repr)
async def test_a_bridge_of_another_application_or_of_none_is_absent(
    operation: Operation, caller: Caller
) -> None:
    await caller("bridges.create", FIRST, bridgeId="theirs")
    await caller("bridges.create", bridgeId="nobodys")
    for bridge_id in ("theirs", "nobodys", "absent"):
        raw = {**parameters(operation), "bridgeId": bridge_id, "channel": "d", "channelId": "d"}
        assert await caller(operation.name, SECOND, **raw) == NO_BRIDGE
    raw = {"applicationName": "second", "eventSource": "bridge:theirs"}
    assert (await caller("applications.subscribe", SECOND, **raw)).kind == "unprocessable"


async def test_a_channel_of_another_application_does_not_get_into_ones_bridge(
    caller: Caller,
) -> None:
    await caller("bridges.create", SECOND, bridgeId="mine")
    refused = await caller("bridges.addChannel", SECOND, bridgeId="mine", channel="d,c")
    assert refused == Failed("invalid_parameter", "Channel not found", None)
    assert caller.tenant.bridges["mine"].channels == []


@pytest.mark.parametrize(
    ("caveats", "expected"),
    [
        ((), ["b", "one", "two"]),
        ((FIRST,), ["one"]),
        ((SECOND,), ["two"]),
        ((Applications(BOTH),), ["one", "two"]),
        ((FIRST, SECOND), []),
    ],
)
async def test_each_lists_its_own_bridges(
    caveats: tuple[Caveat, ...], expected: list[str], caller: Caller
) -> None:
    await caller("bridges.create", FIRST, bridgeId="one")
    await caller("bridges.create", bridgeId="two", app="second")
    assert [bridge.id for bridge in await caller("bridges.list", *caveats)] == expected


@pytest.mark.parametrize(
    ("caveats", "named", "owner"),
    [
        ((), {}, None),
        ((), {"app": "second"}, "second"),
        ((SECOND,), {}, "second"),
        ((SECOND,), {"app": "second"}, "second"),
        ((Applications(BOTH),), {"app": "second"}, "second"),
        ((Applications(BOTH), SECOND), {}, "second"),
    ],
)
async def test_whose_a_bridge_is(
    caveats: tuple[Caveat, ...], named: dict[str, str], owner: str | None, caller: Caller
) -> None:
    await caller("bridges.create", *caveats, bridgeId="x", **named)
    assert caller.tenant.bridges["x"].application_name == owner


@pytest.mark.parametrize(
    ("caveats", "named"),
    [
        ((SECOND,), {"app": "app"}),
        ((Applications(BOTH),), {}),  # for which of them?
        ((Applications(BOTH),), {"app": "third"}),
        ((FIRST, SECOND), {}),
        ((Applications(()),), {}),
        ((SECOND, Objects(("bridge:y",))), {}),
    ],
)
async def test_no_bridge_is_made_beyond_the_grant(
    caveats: tuple[Caveat, ...], named: dict[str, str], caller: Caller
) -> None:
    refused = await caller("bridges.create", *caveats, bridgeId="x", **named)
    assert refused.kind == "not_allowed"
    assert "x" not in caller.tenant.bridges


async def test_who_may_act_for_several_is_told_to_name_one(caller: Caller) -> None:
    refused = await caller("bridges.create", Applications(BOTH))
    assert (refused.message, refused.detail) == ("the token is for other applications", FOR_WHOM)


async def test_only_what_is_declared_so_is_made_for_who_asks(caller: Caller) -> None:
    def make(new: Create[Bridge]) -> None:
        """Make."""

    silent = Operation("things.make", make, (), errors={}, in_documents=False)
    with pytest.raises(NotAllowed):
        await caller.gate.perform(grant(SECOND), silent, {})


async def test_the_way_by_which_a_call_comes_gives_no_right(caller: Caller) -> None:
    """A socket's application is the owner only where the grant reaches it."""
    create = OPERATIONS["bridges.create"]
    for caveat, owner in ((Applications(BOTH), "app"), (SECOND, None)):
        asked = Asked("r", application="app")
        raw = {"bridgeId": f"for-{owner}"}
        try:
            await caller.gate.perform(grant(caveat), create, raw, asked)
        except NotAllowed:
            assert owner is None
        else:
            assert caller.tenant.bridges[f"for-{owner}"].application_name == owner


# --- names inside texts


@pytest.mark.parametrize("name", ["stored", "absent"])
async def test_a_recording_is_played_with_the_right_to_read_it(name: str, caller: Caller) -> None:
    caveat = Objects(("channel:c", "playback:x"))
    raw = {"channelId": "c", "playbackId": "x", "media": f"sound:hello,recording:{name}"}
    assert (await caller("channels.play", caveat, **raw)).kind == "not_allowed"
    wider = Objects((*caveat.patterns, f"recording:{name}"))
    assert (await caller("channels.play", wider, **raw)).id == "x"


async def test_an_endpoint_is_called_with_the_right_to_call_it(caller: Caller) -> None:
    caveat = Objects(("channel:x", "application:app"))
    raw = {"channelId": "x", "app": "app", "endpoint": "Local/echo@conformance"}
    assert (await caller("channels.originate", caveat, **raw)).kind == "not_allowed"
    wider = Objects((*caveat.patterns, "endpoint:Local/echo@conformance"))
    assert (await caller("channels.originate", wider, **raw)).id == "x"


@pytest.mark.parametrize("asked", ["endpoints.refer", "endpoints.referToEndpoint"])
@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("PJSIP/101", "PJSIP/101"),
        ("pjsip:101", "PJSIP/101"),
        ("sip:bob@far.example", "PJSIP/bob"),
        ("<sip:bob@far.example>", "PJSIP/bob"),
        ('"Bob" <sips:bob@far.example;transport=tls>', "PJSIP/bob"),
        ("101", "PJSIP/101"),
        ("tel:+1900", "tel:+1900"),
        ("<tel:+1900>", "<tel:+1900>"),
        ('"<sip:100@here>" <sip:bob@far>', '"<sip:100@here>" <sip:bob@far>'),
    ],
)
async def test_a_phone_is_sent_with_the_right_to_call_the_target(
    target: str, name: str, asked: str, caller: Caller
) -> None:
    raw = {"from": "sip:me@x", "refer_to": target}
    who = (
        {"to": "pjsip:100"} if asked == "endpoints.refer" else {"tech": "PJSIP", "resource": "100"}
    )
    caveat = Objects(("endpoint:PJSIP/100",))  # it may be asked, and be who is called
    assert (await caller(asked, caveat, **raw, **who)).kind == "not_allowed"
    wider = Objects((*caveat.patterns, f"endpoint:{name}"))
    assert await caller(asked, wider, **raw, **who) is None


async def test_a_source_that_may_not_be_read_does_not_exist(caller: Caller) -> None:
    caveat = Objects(("application:app", "channel:c"))
    refusal = Failed("unprocessable", "Event source does not exist", None)
    for source in ("channel:d", "channel:absent", "bridge:b"):
        raw = {"applicationName": "app", "eventSource": f"channel:c,{source}"}
        assert await caller("applications.subscribe", caveat, **raw) == refusal
    raw = {"applicationName": "app", "eventSource": "channel:c"}
    assert isinstance(await caller("applications.subscribe", caveat, **raw), ApplicationSnapshot)


async def test_a_user_event_names_only_what_may_be_read(caller: Caller) -> None:
    caveat = Objects(("application:app", "channel:c"))
    raw = {"application": "app", "eventName": "x"}
    assert await caller("events.userEvent", caveat, **raw, source="channel:c") is None
    refused = await caller("events.userEvent", caveat, **raw, source="channel:d")
    assert refused == Failed("unprocessable", "Event source was not found", None)


# --- hearing


async def test_who_is_limited_does_not_hear_everything(caller: Caller) -> None:
    for caveat in (Applications(("new",)), Objects(("application:new",))):
        refused = await caller("events.eventWebsocket", caveat, app="new", subscribeAll="true")
        assert refused.kind == "not_allowed"
        assert "new" not in caller.tenant.applications
        opened = await caller("events.eventWebsocket", caveat, app="new", subscribeAll="false")
        opened.close()


async def test_a_reader_does_not_take_an_application_from_its_socket(caller: Caller) -> None:
    reading = Rights((Right.READ,))
    refused = await caller("events.eventWebsocket", reading, app="other,app")
    assert (refused.kind, refused.message) == ("not_allowed", "Write access denied")
    assert "other" not in caller.tenant.applications
    assert caller.tenant.applications["app"].is_served


def heard(tenant: Tenant, *caveats: Caveat) -> list[str]:
    """Which of these events a grant hears, by a word for each."""
    channel, other = tenant.channels["c"].snapshot, tenant.channels["d"].snapshot
    bridge = tenant.create_bridge("b2").snapshot
    at: Any = {"timestamp": EPOCH}
    told: dict[str, events.Event] = {
        "mine": events.ChannelStateChange(channel=channel, **at),
        "foreign": events.ChannelStateChange(channel=other, **at),
        "both": events.Dial(peer=channel, caller=other, dialstatus="", **at),
        "bridge": events.ChannelEnteredBridge(channel=channel, bridge=bridge, **at),
        "playback": events.PlaybackStarted(playback=tenant.playbacks["p"].snapshot, **at),
        "recording": events.RecordingStarted(recording=tenant.recordings["live"].snapshot, **at),
        "endpoint": events.EndpointStateChange(
            endpoint=tenant.endpoints["PJSIP", "100"].snapshot, **at
        ),
        "own": events.ChannelUserevent(app="app", eventname="x", **at),
        "replaced": events.ApplicationReplaced(app="app", **at),
    }
    hears = permits(grant(*caveats), tenant)
    return [word for word, event in told.items() if hears("app", event)]


ALL = ["mine", "foreign", "both", "bridge", "playback", "recording", "endpoint", "own", "replaced"]


@pytest.mark.parametrize(
    ("caveats", "expected"),
    [
        ((), ALL),
        ((Rights((Right.READ,)),), ALL),
        ((Rights((Right.CONTROL,)),), []),
        ((Operations(("events.eventWebsocket",)),), ALL),
        ((Operations(("channels.*",)),), []),
        ((Applications(("app",)),), ALL),
        ((Applications(("second",)),), []),
        ((Objects(("channel:c",)),), ["mine"]),
        ((Objects(("channel:*",)),), ["mine", "foreign", "both"]),
        ((Objects(("channel:c", "bridge:b2")),), ["mine", "bridge"]),
        ((Objects(("playback:p", "recording:live")),), ["playback", "recording"]),
        ((Objects(("endpoint:PJSIP/*",)),), ["endpoint"]),
        ((Objects(("application:app",)),), ["own", "replaced"]),
    ],
)
async def test_events_are_filtered_by_the_grant(
    caveats: tuple[Caveat, ...], expected: list[str], caller: Caller
) -> None:
    assert heard(caller.tenant, *caveats) == expected


async def test_a_grant_hears_nothing_once_it_has_expired(caller: Caller) -> None:
    tenant = caller.tenant
    event = events.ApplicationReplaced(app="app", timestamp=EPOCH)
    limited = grant().narrow(Expires(tenant.now() + 1))
    hears = permits(limited, tenant)
    assert hears("app", event)
    await trio.sleep(1)
    assert not hears("app", event)


async def test_a_tenant_that_is_gone_is_refused(caller: Caller) -> None:
    with pytest.raises(NotAllowed):
        await caller.gate.perform(grant(tenant="gone"), OPERATIONS["channels.list"], {})
