"""Watching the states of devices."""

import trio

from stasisd.core import bus, events
from stasisd.core.device_state import EVERY_DEVICE
from stasisd.core.tenant import Tenant


class Watcher:
    """What is told of devices, by all or of one."""

    def __init__(self, tenant: Tenant, topic: str = EVERY_DEVICE) -> None:
        self._mailbox = bus.Mailbox()
        self._mailbox.subscribe(tenant.bus, [topic])

    async def told(self) -> list[tuple[str, str]]:
        heard = []
        with trio.move_on_after(0.1):
            heard = await self._mailbox.receive()
        states = [d[1] for d in heard if isinstance(d, tuple)]
        return [
            (e.device_state.name, e.device_state.state)
            for e in states
            if isinstance(e, events.DeviceStateChanged)
        ]
