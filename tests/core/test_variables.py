"""Variables and functions as operations and the dialplan read and write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core import events, variables
from stasisd.core.channel import Channel
from stasisd.core.snapshots import Party
from stasisd.core.tenant import Tenant
from stasisd.core.variables import UnknownFunction, parse_caller
from tests.support.clock import jumping_clock
from tests.support.tenant import Listener
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.fixture
async def channel(tenant: Tenant) -> Channel:
    Listener(tenant, APP)
    return await call(tenant, "c")


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ('"Al" <123>', "Al", "123"),
        ("Al <123>", "Al", "123"),
        ('"Al Bo"<+49 30 1>', "Al Bo", "+49 30 1"),
        ("123", "", "123"),
        ("*98", "", "*98"),
        ("Al", "Al", ""),
        ('"Al"', "Al", ""),
        ("<123>", "", "123"),
        ("", "", ""),
    ],
)
def test_a_caller_is_read(text: str, name: str, number: str) -> None:
    assert parse_caller(text) == Party(name=name, number=number)


def test_nothing_unprintable_and_nothing_endless_is_shown_to_phones() -> None:
    assert parse_caller('"A\r\nl" <1\r\n2>') == Party(name="Al", number="12")
    assert len(parse_caller("a" * 100_000).name) == 256


def test_a_long_caller_is_read_in_one_pass() -> None:
    assert parse_caller(" " * 100_000 + "Al") == Party(name="Al")


@given(st.text())
def test_any_text_is_a_caller(text: str) -> None:
    parse_caller(text)


async def test_caller_id_is_written_in_parts_and_told_once(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    variables.write(channel, "CALLERID(num)", "777")
    variables.write(channel, "callerid(name)", "Al")
    variables.write(channel, "CALLERID(name)", "Al")
    assert channel.snapshot.caller == Party(name="Al", number="777")
    assert variables.read(channel, "CALLERID(all)") == '"Al" <777>'
    assert variables.read(channel, "CALLERID(number)") == "777"
    variables.write(channel, "CALLERID(all)", "Bo <1>")
    variables.write(channel, "CONNECTEDLINE(num)", "5")
    await listener.settle(0.1)
    names = [n for n in listener.names("c") if n != "ChannelDialplan"]
    assert names == ["ChannelCallerId"] * 3 + ["ChannelConnectedLine"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHANNEL(uniqueid)", "c"),
        ("CHANNEL(state)", "Up"),
        ("CHANNEL(language)", "en"),
        ("CHANNEL(channeltype)", "Local"),
        ("UNIQUEID", "c"),
        ("EXTEN", "echo"),
        ("CONTEXT", "conformance"),
        ("PRIORITY", "1"),
        ("HANGUPCAUSE", "0"),
        ("NEVER", None),
    ],
)
async def test_what_there_is_to_read(name: str, value: str | None, channel: Channel) -> None:
    assert variables.read(channel, name) == value


async def test_a_channels_own_value_comes_before_a_global_one(channel: Channel) -> None:
    channel.tenant.globals["X"] = "global"
    assert variables.read(channel, "X") == "global"
    variables.write(channel, "X", "own")
    assert variables.read(channel, "X") == "own"


async def test_the_language_is_written(channel: Channel) -> None:
    variables.write(channel, "CHANNEL(language)", "de")
    assert channel.snapshot.language == "de"


@pytest.mark.parametrize(
    "name", ["NOSUCH(x)", "CALLERID(shoe)", "CHANNEL(shoe)", "CONNECTEDLINE(shoe)"]
)
async def test_what_no_function_knows(name: str, channel: Channel) -> None:
    with pytest.raises(UnknownFunction):
        variables.read(channel, name)
    with pytest.raises(UnknownFunction):
        variables.write(channel, name, "x")


async def test_what_can_only_be_read(channel: Channel) -> None:
    with pytest.raises(UnknownFunction):
        variables.write(channel, "CHANNEL(uniqueid)", "x")


async def test_shown_variables_stand_in_the_snapshot(channel: Channel) -> None:
    listener = Listener(channel.tenant)
    variables.write(channel, "CONFVAR", "shown")
    variables.write(channel, "OTHER", "hidden")
    assert channel.snapshot.channelvars == (("CONFVAR", "shown"),)
    told = await listener.until(events.ChannelVarset)
    assert isinstance(told, events.ChannelVarset)
    assert told.channel is not None
    assert told.channel.channelvars == (("CONFVAR", "shown"),)
