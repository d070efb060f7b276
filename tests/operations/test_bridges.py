"""How operations on bridges are refused, and what they pass on."""

from typing import Any

import pytest

from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.gate import Gate
from tests.support.clock import jumping_clock
from tests.support.world import Failed, ask, call, furnish, grant

pytestmark = jumping_clock


class Caller:
    """Asks for operations on bridges by name."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.gate = Gate({tenant.name: tenant}, tenant.now)

    async def __call__(self, asked: str, /, **raw: Any) -> Any:
        return await ask(self.gate, grant(), OPERATIONS[f"bridges.{asked}"], raw)

    async def refused(self, asked: str, /, **raw: Any) -> tuple[str, str]:
        failed = await self(asked, **raw)
        assert isinstance(failed, Failed)
        return failed.kind, failed.message


@pytest.fixture
async def caller(tenant: Tenant) -> Caller:
    await furnish(tenant)
    return Caller(tenant)


VALUE = (
    "Each value in 'variables' must be a string or an object with 'value' and optional "
    "'report_events'"
)
FIELD = "Each object value in 'variables' must include string field 'value'"
FLAG = "Field 'report_events' in 'variables' entries must be boolean"
NOT_OURS = ("conflict", "Bridge not in Stasis application")
# What changes a bridge, with parameters that would do.
CHANGES: dict[str, dict[str, Any]] = {
    "destroy": {},
    "addChannel": {"channel": "c"},
    "removeChannel": {"channel": "c"},
    "setVideoSource": {"channelId": "c"},
    "clearVideoSource": {},
    "setBridgeVar": {"variable": "A"},
    "setBridgeVars": {"variables": {"A": "1"}},
    "play": {"media": "sound:hello"},
    "record": {"name": "x", "format": "wav"},
    "startMoh": {},
    "stopMoh": {},
}


@pytest.mark.parametrize("asked", CHANGES)
async def test_a_bridge_of_the_dialplan_is_left_alone(caller: Caller, asked: str) -> None:
    bridge = caller.tenant.create_bridge("basic", bridge_class="basic")
    before = bridge.snapshot
    assert await caller.refused(asked, bridgeId="basic", **CHANGES[asked]) == NOT_OURS
    assert bridge.snapshot == before


@pytest.mark.parametrize("asked", CHANGES)
async def test_a_bridge_that_is_not_there(caller: Caller, asked: str) -> None:
    refused = await caller.refused(asked, bridgeId="nothing", **CHANGES[asked])
    assert refused == ("not_found", "Bridge not found")


@pytest.mark.parametrize(("named", "shown"), [({}, "(null)"), ({"bridgeId": "new"}, "new")])
async def test_a_type_that_is_none_makes_no_bridge(
    caller: Caller, named: dict[str, str], shown: str
) -> None:
    """In Asterisk's words, which are those of a duplicate id; with an id as without one."""
    failed = await caller("create", type="nonsense", **named)
    assert isinstance(failed, Failed)
    said = f"Unable to create bridge. Possible duplicate bridge id '{shown}'"
    assert (failed.kind, failed.message) == ("failed", said)
    assert "mixing" in (failed.detail or "")
    assert caller.tenant.bridges.keys() == {"b"}


async def test_channels_are_added_as_asked(caller: Caller) -> None:
    await caller(
        "addChannel",
        bridgeId="b",
        channel="c",
        role="announcer",
        absorbDTMF="true",
        mute="true",
        inhibitConnectedLineUpdates="true",
    )
    bridge = caller.tenant.bridges["b"]
    (joining,) = bridge._members.values()
    assert (joining.role, joining.absorb_dtmf, joining.speaks, joining.quiet) == (
        "announcer",
        True,
        False,
        True,
    )


async def test_who_is_recorded_may_not_join(caller: Caller) -> None:
    await ask(
        caller.gate,
        grant(),
        OPERATIONS["channels.record"],
        {"channelId": "c", "name": "of-c", "format": "wav"},
    )
    refused = await caller.refused("addChannel", bridgeId="b", channel="c")
    assert refused == ("conflict", "Channel c currently recording")


async def test_a_second_announcer_is_let_in_and_out(caller: Caller) -> None:
    await caller("create", type="holding", bridgeId="h")
    await call(caller.tenant, "d")
    await caller("addChannel", bridgeId="h", channel="c,d", role="announcer")
    assert [channel.id for channel in caller.tenant.bridges["h"].channels] == ["c"]


async def test_what_is_not_in_the_bridge_is_no_video_source(caller: Caller) -> None:
    refused = await caller.refused("setVideoSource", bridgeId="b", channelId="c")
    assert refused == ("unprocessable", "Channel not in this bridge")
    refused = await caller.refused("setVideoSource", bridgeId="b", channelId="c;2")
    assert refused == ("unprocessable", "Channel not in Stasis application")
    refused = await caller.refused("setVideoSource", bridgeId="b", channelId="nothing")
    assert refused == ("invalid_parameter", "Channel not found")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (True, VALUE),
        ({"value": "1", "more": 1}, VALUE),
        (None, VALUE),
        ({"report_events": True}, FIELD),
        ({"value": []}, FIELD),
        ({"value": "1", "report_events": "yes"}, FLAG),
    ],
)
async def test_bad_variables_are_refused(caller: Caller, given: Any, message: str) -> None:
    variables = {"A": given}
    for asked, raw in (("setBridgeVars", {"bridgeId": "b"}), ("create", {"bridgeId": "new"})):
        refused = await caller.refused(asked, variables=variables, **raw)
        assert refused == ("invalid_parameter", message)
    assert "new" not in caller.tenant.bridges


async def test_variables_are_set_and_read(caller: Caller) -> None:
    made = await caller(
        "create", bridgeId="v", variables={"A": {"value": "1", "report_events": True}, "B": "2"}
    )
    assert made.bridgevars == (("A", "1"),)
    await caller("setBridgeVar", bridgeId="v", variable=" C ", value="3", report_events="true")
    await caller("setBridgeVars", bridgeId="v", variables={"B": ""})
    assert await caller("getBridgeVars", bridgeId="v", variables="A,C") == {
        "variables": {"A": "1", "C": "3"}
    }
    assert caller.tenant.bridges["v"].snapshot.bridgevars == (("A", "1"), ("C", "3"))
    missing = ("not_found", "Provided variable was not found")
    assert await caller.refused("getBridgeVar", bridgeId="v", variable="B") == missing
    assert await caller.refused("getBridgeVars", bridgeId="v", variables="A,B") == missing
    assert await caller.refused("getBridgeVars", bridgeId="v", variables="F(x)") == (
        "failed",
        "Unable to read provided function",
    )
    assert await caller.refused("getBridgeVars", bridgeId="v") == (
        "invalid_parameter",
        "At least one variable name is required",
    )
    assert await caller.refused("setBridgeVar", bridgeId="v", variable=" ") == (
        "invalid_parameter",
        "Failed to execute function",
    )


async def test_music_is_stopped_once(caller: Caller) -> None:
    assert await caller("startMoh", bridgeId="b", mohClass="any") is None
    assert await caller("stopMoh", bridgeId="b") is None
    refused = await caller.refused("stopMoh", bridgeId="b")
    assert refused == ("conflict", "Bridge isn't playing music")


@pytest.mark.parametrize(
    ("asked", "raw", "refusal"),
    [
        ("play", {"media": "sound:hello", "announcer_format": "mp3"},
         ("unprocessable", "specified announcer_format is unknown on this system")),
        ("play", {}, ("failed", "Failed to queue media for playback")),
        ("play", {"media": "sound:hello", "playbackId": "p"},
         ("conflict", "Playback with given unique ID already exists")),
        ("record", {"name": "x", "format": "wav", "recorder_format": "mp3"},
         ("unprocessable", "specified recorder_format is unknown on this system")),
        ("record", {"name": "x", "format": "mp3"},
         ("unprocessable", "specified format is unknown on this system")),
        ("record", {"name": "../x", "format": "wav"}, ("failed", "Error parsing request")),
        ("record", {"name": "live", "format": "wav"},
         ("conflict", "Recording 'live' already exists and can not be overwritten")),
    ],
)  # fmt: skip
async def test_bad_media_puts_nobody_into_the_bridge(
    caller: Caller, asked: str, raw: dict[str, Any], refusal: tuple[str, str]
) -> None:
    assert await caller.refused(asked, bridgeId="b", **raw) == refusal
    assert not caller.tenant.bridges["b"].attendants
