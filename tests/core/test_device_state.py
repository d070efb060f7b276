"""The states of devices: of phones from their channels, of applications' own, and what is told."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.core import bus
from stasisd.core.device_state import OF_CHANNEL, combined, device_of
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.devices import Watcher
from tests.support.world import APP, call

pytestmark = jumping_clock


@pytest.mark.parametrize(
    ("channels", "device"),
    [
        ([], None),
        (["NOT_INUSE"], "NOT_INUSE"),
        (["INUSE", "NOT_INUSE"], "INUSE"),
        (["RINGING"], "RINGING"),
        (["RINGING", "INUSE"], "RINGINUSE"),
        (["RINGING", "ONHOLD"], "RINGINUSE"),
        (["ONHOLD"], "ONHOLD"),
        (["ONHOLD", "INUSE"], "INUSE"),
        (["BUSY"], "BUSY"),
    ],
)
def test_channels_make_the_state(channels: list[str], device: str | None) -> None:
    assert combined(Counter(channels)) == device


@given(st.lists(st.sampled_from(sorted({*OF_CHANNEL.values(), "ONHOLD"}))))
def test_a_device_with_channels_has_a_state_of_its_own(states: list[str]) -> None:
    assert (combined(Counter(states)) is None) == (not states)
    assert combined(Counter(states)) == combined(Counter(reversed(states)))


def test_the_device_of_a_channel() -> None:
    assert device_of("PJSIP/my-phone-0000001a") == "PJSIP/my-phone"
    assert device_of("Local/echo@some-context-00000001;2") == "Local/echo@some-context"


async def test_a_device_of_an_application(tenant: Tenant) -> None:
    everything, one = Watcher(tenant), Watcher(tenant, "deviceState:Stasis:a")
    states = tenant.device_states
    assert states.get("Stasis:a") == "UNKNOWN"
    states.update("Stasis:a", "BUSY")
    states.update("Stasis:a", "BUSY")
    states.update("Stasis:b", "INUSE")
    assert states.get("Stasis:a") == "BUSY"
    states.delete("Stasis:a")
    states.delete("Stasis:a")
    assert states.get("Stasis:a") == "UNKNOWN"
    of_a = [("Stasis:a", "BUSY"), ("Stasis:a", "UNKNOWN")]
    assert await one.told() == of_a
    assert await everything.told() == [of_a[0], ("Stasis:b", "INUSE"), of_a[1]]


async def test_a_local_device(tenant: Tenant) -> None:
    states, name = tenant.device_states, "Local/echo@conformance"
    assert states.get("Local/nothing@nowhere") == "INVALID"
    assert states.get(name) == "NOT_INUSE"
    tenant.serve_application(APP).connect(bus.Mailbox(), everything=False)
    channel = await call(tenant, "c")
    assert states.get(name) == "INUSE"
    channel.hangup()
    await tenant.wait_empty()
    assert states.get(name) == "NOT_INUSE"
