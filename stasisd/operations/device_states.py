"""Operations on the states of devices."""

from typing import Annotated

from stasisd.core.device_state import CUSTOM, STATES
from stasisd.core.snapshots import DeviceStateSnapshot

from .declare import Control, Delete, Each, Named, OneOf, Read, Required, operation
from .errors import Conflict, OperationFailed
from .objects import Device
from .saving import changing, on_disk

CONTROLLED = {404: "Device name is missing", 409: "Uncontrolled device specified"}


def _snapshot(device: Device) -> DeviceStateSnapshot:
    return DeviceStateSnapshot(device.name, device.tenant.device_states.get(device.name))


def _require_custom(device: Device) -> None:
    if not device.name.startswith(CUSTOM):
        raise Conflict(
            "Uncontrolled device specified", detail=f"names of your own begin with {CUSTOM}"
        )


@operation("deviceStates.list", rest="GET /deviceStates")
def list_(devices: Each[Device]) -> list[DeviceStateSnapshot]:
    """List the devices whose states applications set."""
    return [_snapshot(device) for device in devices]


@operation("deviceStates.get", rest="GET /deviceStates/{deviceName}")
def get(device: Read[Device]) -> DeviceStateSnapshot:
    """Get the state of any device."""
    return _snapshot(device)


@operation("deviceStates.update", rest="PUT /deviceStates/{deviceName}", errors=CONTROLLED)
async def update(
    device: Control[Device],
    state: Annotated[
        str,
        Named("deviceState"),
        Required("Missing parameter deviceState"),
        OneOf(STATES, "Unknown device", OperationFailed),
    ],
) -> None:
    """Set the state of a device of your own."""
    _require_custom(device)
    states = device.tenant.device_states
    with changing():
        states.update(device.name, state)
    await on_disk(states.custom)


@operation("deviceStates.delete", rest="DELETE /deviceStates/{deviceName}", errors=CONTROLLED)
async def delete(device: Delete[Device]) -> None:
    """Forget a device of your own."""
    _require_custom(device)
    states = device.tenant.device_states
    states.delete(device.name)
    await on_disk(states.custom)
