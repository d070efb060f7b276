"""Device states: whether a phone, or a device of an application's own, is in use.

The state of a device that has channels, or is an endpoint, is computed from them: the channels of
each device are counted by what they do, so that a change costs the same with one channel as with
a thousand. States of ``Stasis:`` devices are set by applications and kept.
"""

from collections import Counter
from typing import TYPE_CHECKING

from . import events
from .kept import Kept
from .snapshots import DeviceStateSnapshot
from .technology import KnowsDevices

if TYPE_CHECKING:
    from .channel import Channel
    from .tenant import Tenant

# Devices of this prefix belong to applications.
CUSTOM = "Stasis:"
# What an application may set.
STATES = (
    "NOT_INUSE",
    "INUSE",
    "BUSY",
    "INVALID",
    "UNAVAILABLE",
    "RINGING",
    "RINGINUSE",
    "ONHOLD",
)
# What a channel in each state makes of its device.
OF_CHANNEL = {
    "Down": "NOT_INUSE",
    "Dialing": "INUSE",
    "Ring": "INUSE",
    "Ringing": "RINGING",
    "Up": "INUSE",
    "Busy": "BUSY",
}
# The topic of all devices.
EVERY_DEVICE = "deviceState:"


def device_of(channel_name: str) -> str:
    """The device that a channel belongs to: its name without the part that is its own."""
    return channel_name.rpartition("-")[0] or channel_name


def combined(counts: Counter[str]) -> str | None:
    """What the channels of one device amount to; None where there are none."""
    there = {state for state, count in counts.items() if count > 0}
    busy = "INUSE" in there or "ONHOLD" in there or "BUSY" in there
    if "RINGING" in there:
        return "RINGINUSE" if busy else "RINGING"
    for state in ("INUSE", "ONHOLD", "BUSY", "NOT_INUSE"):
        if state in there:
            return state
    return None


class DeviceStates:
    """The states of all devices of a tenant."""

    def __init__(self, tenant: "Tenant") -> None:
        self.custom: Kept[str] = Kept()
        self._tenant = tenant
        self._channels: dict[str, Counter[str]] = {}
        self._shown: dict[str, str] = {}  # what each channel counts as, by its id
        self._told: dict[str, str] = {}  # what was last told of each endpoint

    def get(self, name: str) -> str:
        """The state of a device; INVALID for one that nothing knows."""
        if name.startswith(CUSTOM):
            return self.custom.values.get(name, "UNKNOWN")
        return combined(self._channels.get(name, Counter())) or self._at_rest(name)

    def _at_rest(self, name: str) -> str:
        technology, _, resource = name.partition("/")
        endpoint = self._tenant.endpoints.get((technology, resource))
        if endpoint is not None:
            return "NOT_INUSE" if endpoint.contacts else "UNAVAILABLE"
        found: object = self._tenant.technologies.get(technology)
        known = isinstance(found, KnowsDevices) and found.knows(self._tenant, resource)
        return "NOT_INUSE" if known else "INVALID"

    # --- devices of applications

    def update(self, name: str, state: str) -> None:
        """Set the state of an application's device, and tell it where it is another.

        Raises :class:`~.kept.Full`.
        """
        before = self.get(name)
        self.custom.put(name, state)
        if state != before:
            self._publish(name, state)

    def delete(self, name: str) -> None:
        """Forget an application's device; one that is not there is passed over."""
        if self.custom.remove(name) is not None:
            self._publish(name, self.get(name))

    # --- devices that are computed

    def forget(self, name: str) -> None:
        """An endpoint is no more."""
        self._told.pop(name, None)

    def channel_is(self, channel: "Channel", state: str | None) -> None:
        """A channel does this now; None when it is gone."""
        name = device_of(channel.name)
        counts = self._channels.setdefault(name, Counter())
        before = self._shown.pop(channel.id, None)
        if before is not None:
            counts[before] -= 1
        if state is not None:
            counts[state] += 1
            self._shown[channel.id] = state
        elif not counts.total():
            del self._channels[name]

    def tell(self, name: str) -> None:
        """Something happened to a device: tell its state.

        An endpoint's is told when it is another than before. Other devices come and go with
        their channels, so that nobody could remember theirs: each change is told.
        """
        state = self.get(name)
        technology, _, resource = name.partition("/")
        if (technology, resource) in self._tenant.endpoints:
            if self._told.get(name) == state:
                return
            self._told[name] = state
        self._publish(name, state)

    def _publish(self, name: str, state: str) -> None:
        self._tenant.publish(
            events.DeviceStateChanged,
            (f"{EVERY_DEVICE}{name}", EVERY_DEVICE),
            device_state=DeviceStateSnapshot(name, state),
        )
