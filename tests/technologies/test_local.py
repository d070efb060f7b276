"""Local channels: two halves, one of them in the dialplan, and neither outlives the other."""

from pathlib import Path

import msgspec
import pytest
import trio

from stasisd.core import causes, dialing, events
from stasisd.core.assignment import Assignment
from stasisd.core.channel import Channel
from stasisd.core.snapshots import Party
from stasisd.core.technology import AllocationFailed, IdTaken, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.core.variables import UnknownFunction
from stasisd.media.control import NoPortsLeft
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener, assert_nothing_left, running_tenant
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.mark.parametrize(
    "address",
    ["Local/none@conformance", "Local/echo@none", "Local/", "Local/@conformance", "Local/echo",
     "Nope/x", "Local", ""],
)  # fmt: skip
async def test_where_nobody_is_no_channel_is_made(address: str, tenant: Tenant) -> None:
    with pytest.raises(AllocationFailed):
        dialing.request(tenant, address, NewChannel())
    assert_nothing_left(tenant)


async def test_where_no_ports_are_left_no_channel_is_made(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> None:
        raise NoPortsLeft("all are taken")

    monkeypatch.setattr(tenant.media, "open_pair", none_left)
    with pytest.raises(AllocationFailed, match="all are taken"):
        dialing.request(tenant, "Local/echo@conformance", NewChannel())
    assert_nothing_left(tenant)


async def test_ids_and_names(tenant: Tenant) -> None:
    def ids(**given: str) -> tuple[str, str]:
        near = dialing.request(
            tenant, "Local/echo@conformance/n", msgspec.structs.replace(NewChannel(), **given)
        )
        assert near.other_half is not None
        assert near.name.removesuffix(";1") == near.other_half.name.removesuffix(";2")
        return near.id, near.other_half.id

    assert ids(channel_id="x") == ("x", "x;2")
    assert ids(channel_id="y", other_channel_id="z") == ("y", "z")
    near, far = ids()
    assert int(far.partition(".")[2]) == int(near.partition(".")[2]) + 1
    assert ids(other_channel_id="o")[1] == "o"
    assert len({channel.name for channel in tenant.channels.values()}) == 8


@pytest.mark.parametrize(
    "given",
    [
        {"channel_id": "c"},
        {"channel_id": "c;2"},
        {"other_channel_id": "c"},
        {"channel_id": "new", "other_channel_id": "c;2"},
        {"channel_id": "same", "other_channel_id": "same"},
    ],
)
async def test_an_id_is_given_once(given: dict[str, str], tenant: Tenant) -> None:
    Listener(tenant, APP)
    await call(tenant, "c")
    ports = tenant.media.statistics().ports
    with pytest.raises(IdTaken):
        dialing.request(
            tenant, "Local/echo@conformance", msgspec.structs.replace(NewChannel(), **given)
        )
    assert tenant.media.statistics().ports == ports
    assert set(tenant.channels) == {"c", "c;2"}


async def test_a_variable_that_can_not_be_set_leaves_no_half(tenant: Tenant) -> None:
    listener = Listener(tenant)
    with pytest.raises(UnknownFunction):
        dialing.request(
            tenant,
            "Local/echo@conformance",
            NewChannel(variables=(Assignment("A", "1"), Assignment("NOSUCH(x)", "2"))),
        )
    await listener.settle()
    assert listener.names().count("ChannelCreated") == listener.names().count("ChannelDestroyed")
    assert_nothing_left(tenant)


@pytest.mark.parametrize("first", ["c", "c;2"])
async def test_no_half_outlives_the_other(first: str, tenant: Tenant) -> None:
    listener = Listener(tenant, APP)
    await call(tenant, "c")
    tenant.channels[first].hangup(causes.USER_BUSY)
    await listener.settle()
    for half in ("c", "c;2"):
        (ended,) = [e for e in listener.of(half) if isinstance(e, events.ChannelDestroyed)]
        assert ended.cause == causes.USER_BUSY
    assert_nothing_left(tenant)


async def test_variables_and_identities_reach_the_other_half(tenant: Tenant) -> None:
    identity = Party(name="Al", number="1")
    new = NewChannel(
        channel_id="c",
        caller=identity,
        connected=Party(number="2"),
        variables=(Assignment("A", "1"),),
    )
    channel = dialing.request(tenant, "Local/hold@conformance", new)
    dialing.originate(channel, dialing.into_dialplan)
    await trio.sleep(0.1)
    far = tenant.channels["c;2"]
    assert far.variables["A"] == "1"
    assert far.snapshot.caller == Party(number="2")
    assert far.snapshot.connected == identity


@pytest.mark.parametrize(
    ("exten", "seconds", "status", "cause"),
    [
        ("busy", 30, "BUSY", causes.USER_BUSY),
        ("ring", 5, "NOANSWER", causes.NO_ANSWER),
        ("refuse", 30, "BUSY", causes.CALL_REJECTED),
        ("end", 30, "CANCEL", causes.NORMAL_CLEARING),
    ],
)
async def test_how_dialling_ends(
    exten: str, seconds: float, status: str, cause: int, tmp_path: Path
) -> None:
    dialplan = """
[conformance]
exten => busy,1,Busy(1)
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => refuse,1,Hangup(21)
exten => end,1,NoOp()
"""
    async with running_tenant(tmp_path, dialplan) as tenant:
        listener = Listener(tenant)
        channel = dialing.request(tenant, f"Local/{exten}@conformance", NewChannel(channel_id="c"))

        async def never(_channel: Channel) -> None:
            raise AssertionError("it was not answered")

        dialing.originate(channel, never, seconds=seconds)
        await listener.until(events.ChannelDestroyed, id="c")
        statuses = [e.dialstatus for e in listener.of("c") if isinstance(e, events.Dial)]
        assert statuses[0] == ""
        assert statuses[-1] == status
        assert ("RINGING" in statuses) == (exten == "ring")
        ended = listener.of("c")[-1]
        assert isinstance(ended, events.ChannelDestroyed)
        assert ended.cause == cause
        await listener.settle()
        assert_nothing_left(tenant)
