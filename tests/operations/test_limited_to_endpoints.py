"""Tokens for some endpoints, some contexts of the dialplan, or some events."""

import pytest

from caps.caveats import Contexts, Endpoints
from caps.caveats import Events as OfTypes
from stasisd.core import bus, events
from stasisd.core.endpoint import Endpoint
from stasisd.core.groups import Groups
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition
from stasisd.core.tenant import Tenant
from stasisd.operations.concerns import called_context, called_name
from stasisd.operations.hearing import permits
from tests.support.clock import jumping_clock
from tests.support.tenant import EPOCH
from tests.support.world import Caller, Failed, call, furnish, grant

pytestmark = jumping_clock

ECHO = "Local/echo@conformance"
HOLD = "Local/hold@conformance"
ABSENT = Failed("not_found", "Channel not found", None)


@pytest.fixture
async def caller(tenant: Tenant) -> Caller:
    """With the channels `c`, of echo, and `d`, of hold; both in an application."""
    await furnish(tenant)
    await call(tenant, "d", exten="hold")
    return Caller(tenant)


# --- endpoints: which channels to follow, to manipulate, to originate


async def test_channels_of_other_endpoints_are_absent(caller: Caller) -> None:
    mine = Endpoints((ECHO,))
    assert isinstance(await caller("channels.get", mine, channelId="c"), ChannelSnapshot)
    assert await caller("channels.get", mine, channelId="d") == ABSENT
    assert await caller("channels.hangup", mine, channelId="d") == ABSENT
    assert [found.id for found in await caller("channels.list", mine)] == ["c", "c;2"]
    assert "d" in caller.tenant.channels


async def test_later_channels_of_an_endpoint_are_included(caller: Caller) -> None:
    await call(caller.tenant, "later")
    mine = Endpoints(("Local/echo*",))
    assert isinstance(await caller("channels.get", mine, channelId="later"), ChannelSnapshot)


async def test_a_group_is_who_is_in_it_now(caller: Caller) -> None:
    caller.tenant.groups = Groups({"support": (HOLD,)})
    support = Endpoints(("@support",))
    assert isinstance(await caller("channels.get", support, channelId="d"), ChannelSnapshot)
    assert await caller("channels.get", support, channelId="c") == ABSENT
    caller.tenant.groups = Groups({"support": ("Local/echo@*",)})
    assert isinstance(await caller("channels.get", support, channelId="c"), ChannelSnapshot)
    assert await caller("channels.get", support, channelId="d") == ABSENT


async def test_only_these_may_be_called(caller: Caller) -> None:
    mine = Endpoints((ECHO,))
    wanted = {"app": "app"}
    made = await caller("channels.originate", mine, endpoint=ECHO, **wanted)
    assert isinstance(made, ChannelSnapshot)
    for other in (HOLD, "Local/hold@conformance/n", "PJSIP/100", "Local/echo"):
        refused = await caller("channels.originate", mine, endpoint=other, **wanted)
        assert refused == Failed("not_allowed", "the token is for other endpoints", None)
    for options in ("/n", "/j"):
        made = await caller("channels.create", mine, endpoint=ECHO + options, **wanted)
        assert isinstance(made, ChannelSnapshot)


async def test_a_bridge_is_for_those_who_may_have_all_in_it(caller: Caller) -> None:
    mine = Endpoints((ECHO,))
    played = await caller("bridges.play", mine, bridgeId="b", media="sound:hello")
    assert not isinstance(played, Failed)  # nobody is there yet
    assert await caller("bridges.addChannel", mine, bridgeId="b", channel="c") is None
    refused = await caller("bridges.addChannel", mine, bridgeId="b", channel="d")
    assert refused.kind == "invalid_parameter"
    assert await caller("bridges.addChannel", bridgeId="b", channel="d") is None
    absent = Failed("not_found", "Bridge not found", None)
    assert await caller("bridges.destroy", mine, bridgeId="b") == absent
    both = Endpoints((ECHO, HOLD))
    assert await caller("bridges.destroy", both, bridgeId="b") is None


async def test_what_is_played_and_recorded_is_its_channels(caller: Caller) -> None:
    mine, other = Endpoints((ECHO,)), Endpoints((HOLD,))
    absent = Failed("not_found", "Playback not found", None)
    assert await caller("playbacks.get", other, playbackId="p") == absent
    assert not isinstance(await caller("playbacks.get", mine, playbackId="p"), Failed)
    made = await caller("channels.play", mine, channelId="c", media="sound:hello")
    assert not isinstance(made, Failed)
    assert await caller("channels.play", other, channelId="c", media="sound:hello") == ABSENT


@pytest.mark.parametrize(
    ("operation", "raw"),
    [
        ("asterisk.getInfo", {}),
        ("asterisk.setGlobalVar", {"variable": "A", "value": "1"}),
        ("recordings.getStored", {"recordingName": "stored"}),
        ("mailboxes.get", {"mailboxName": "m"}),
        ("deviceStates.get", {"deviceName": "Stasis:d"}),
        ("deviceStates.get", {"deviceName": HOLD}),
        ("endpoints.get", {"tech": "PJSIP", "resource": "100"}),
        ("channels.externalMedia", {"app": "app", "external_host": "h:1", "format": "ulaw"}),
    ],
)
async def test_what_is_of_no_endpoint_of_theirs_is_not_for_them(
    operation: str, raw: dict[str, str], caller: Caller
) -> None:
    refused = await caller(operation, Endpoints((ECHO,)), **raw)
    assert refused.kind in {"not_found", "not_allowed"}


async def test_endpoints_themselves(caller: Caller) -> None:
    tenant = caller.tenant
    tenant.endpoints["PJSIP", "200"] = Endpoint(tenant, "PJSIP", "200")
    mine = Endpoints(("PJSIP/1*",))
    assert [found.resource for found in await caller("endpoints.list", mine)] == ["100"]
    state = await caller("deviceStates.get", mine, deviceName="PJSIP/100")
    assert state.name == "PJSIP/100"
    followed = await caller(
        "applications.subscribe", mine, applicationName="app", eventSource="endpoint:PJSIP/100"
    )
    assert not isinstance(followed, Failed)
    for other in ("endpoint:PJSIP/200", "endpoint:PJSIP", "channel:c", "deviceState:PJSIP/200"):
        refused = await caller(
            "applications.subscribe", mine, applicationName="app", eventSource=other
        )
        assert isinstance(refused, Failed), other


def shown(channel_id: str, name: str) -> ChannelSnapshot:
    return ChannelSnapshot(id=channel_id, name=name, state="Up", creationtime=EPOCH)


async def test_events_of_others_are_not_heard(caller: Caller) -> None:
    may_hear = permits(grant(Endpoints(("PJSIP/1*",))), caller.tenant)
    mine = shown("1", "PJSIP/100-00000001")
    other = shown("2", "PJSIP/200-00000002")

    def created(channel: ChannelSnapshot) -> events.Event:
        return events.ChannelCreated(timestamp=EPOCH, channel=channel)

    assert may_hear("app", created(mine))
    assert not may_hear("app", created(other))
    dial = events.Dial(timestamp=EPOCH, caller=mine, peer=other, dialstatus="")
    assert not may_hear("app", dial)
    assert may_hear("app", events.ApplicationReplaced(timestamp=EPOCH, app="app"))


# --- contexts


@pytest.fixture
def inside() -> Contexts:
    return Contexts(("conformance",))


WRONG_PLACE = Failed("not_allowed", "the token is for other contexts of the dialplan", None)


async def test_only_into_these_contexts(caller: Caller, inside: Contexts) -> None:
    place = {"extension": "echo", "priority": "1"}
    refused = await caller("channels.originate", inside, endpoint=ECHO, **place)
    assert refused == WRONG_PLACE  # the usual one is `default`
    made = await caller("channels.originate", inside, endpoint=ECHO, context="conformance", **place)
    assert isinstance(made, ChannelSnapshot)
    elsewhere = await caller("channels.originate", inside, endpoint="Local/1@other", app="app")
    assert elsewhere == WRONG_PLACE
    # The context is not looked at where an application is named.
    made = await caller("channels.originate", inside, endpoint=ECHO, app="app", context="other")
    assert isinstance(made, ChannelSnapshot)


async def test_on_into_these_contexts(caller: Caller, inside: Contexts) -> None:
    refused = await caller(
        "channels.continueInDialplan", inside, channelId="c", context="other", extension="1"
    )
    assert refused == WRONG_PLACE
    channel = caller.tenant.channels["c"]
    channel.change(dialplan=DialplanPosition("elsewhere", "1", 1))
    assert await caller("channels.continueInDialplan", inside, channelId="c") == WRONG_PLACE
    channel.change(dialplan=DialplanPosition("conformance", "echo", 1))
    assert await caller("channels.continueInDialplan", inside, channelId="c") is None


async def test_what_steers_the_dialplan_is_not_for_them(caller: Caller, inside: Contexts) -> None:
    refused = await caller("asterisk.setGlobalVar", inside, variable="A", value="1")
    assert refused.kind == "not_allowed"
    assert not isinstance(await caller("asterisk.getInfo", inside), Failed)
    assert await caller("channels.answer", inside, channelId="c") is None


# --- events


async def test_only_these_events_are_heard(caller: Caller) -> None:
    may_hear = permits(grant(OfTypes(("ChannelCreated",))), caller.tenant)
    channel = shown("1", "PJSIP/100-00000001")
    assert may_hear("app", events.ChannelCreated(timestamp=EPOCH, channel=channel))
    assert not may_hear("app", events.ChannelHangupRequest(timestamp=EPOCH, channel=channel))


async def test_only_these_events_are_made(caller: Caller) -> None:
    caller.tenant.serve_application("app").connect(bus.Mailbox(), everything=False)
    raw = {"eventName": "mine", "application": "app"}
    refused = await caller("events.userEvent", OfTypes(("ChannelCreated",)), **raw)
    assert refused == Failed("not_allowed", "Write access denied", "the token is for other events")
    assert await caller("events.userEvent", OfTypes(("ChannelUserevent",)), **raw) is None


# --- the one name of an endpoint


@pytest.mark.parametrize(
    ("address", "name", "context"),
    [
        ("PJSIP/100", "PJSIP/100", None),
        ("PJSIP/100/sip:100@192.0.2.1", "PJSIP/100", None),
        ("Local/1@inside", "Local/1@inside", "inside"),
        ("Local/1@inside/n", "Local/1@inside", "inside"),
        ("Local/1", "Local/1@default", "default"),
        ("Local/1@", "Local/1@default", "default"),
        ("nothing", "nothing/", None),
    ],
)
def test_an_address_has_one_name(address: str, name: str, context: str | None) -> None:
    assert (called_name(address), called_context(address)) == (name, context)
