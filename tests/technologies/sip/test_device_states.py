"""The state of a phone, from its registration and its channels."""

from tests.support.clock import jumping_clock
from tests.support.devices import Watcher
from tests.technologies.sip.world import World

pytestmark = jumping_clock


async def test_a_phone(world: World) -> None:
    states, watcher = world.tenant.device_states, Watcher(world.tenant, "deviceState:PJSIP/101")
    assert states.get("PJSIP/nobody") == "INVALID"
    assert states.get("PJSIP/101") == "UNAVAILABLE"
    caller, called = await world.phone("100"), await world.phone("101")
    assert states.get("PJSIP/101") == "NOT_INUSE"
    call_id = caller.dial("101")
    received = await called.rings()
    called.do("ring", received.call)
    await world.events.settle(0.1)
    assert await watcher.told() == [("PJSIP/101", "NOT_INUSE"), ("PJSIP/101", "RINGING")]
    assert states.get("PJSIP/100") == "INUSE"
    called.answer(received)
    await caller.answered()
    assert await watcher.told() == [("PJSIP/101", "INUSE")]
    (channel,) = [c for c in world.tenant.channels.values() if c.endpoint == ("PJSIP", "101")]
    channel.held()
    channel.unheld()
    assert await watcher.told() == [("PJSIP/101", "ONHOLD"), ("PJSIP/101", "INUSE")]
    caller.hang_up(call_id)
    await world.events.settle(5)
    assert await watcher.told() == [("PJSIP/101", "NOT_INUSE")]
