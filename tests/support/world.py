"""A tenant with one object of each kind, and grants to ask for things with."""

from collections.abc import Mapping
from typing import Any

import msgspec
import trio
import trio.testing

from caps.access import Right
from caps.caveats import Caveat
from caps.caveats import Tenant as OfTenant
from caps.grant import Grant
from stasisd.core import attendant, bus, dialing, playback, recording
from stasisd.core.broadcast import Broadcast
from stasisd.core.channel import Channel
from stasisd.core.component import Component
from stasisd.core.configuration import Fields
from stasisd.core.endpoint import Endpoint
from stasisd.core.kept import Kept
from stasisd.core.technology import NewChannel
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.declare import Operation
from stasisd.operations.errors import OperationError
from stasisd.operations.gate import Gate
from stasisd.technologies.local import Half, Local

APP = "app"
# Those that act within a tenant.
OF_TENANTS = [each for each in OPERATIONS.values() if not each.for_operators]


def grant(*caveats: Caveat, tenant: str = "default") -> Grant:
    """What a token of this tenant with these caveats gives."""
    return Grant(tenant=tenant, key_id="k", token_id="t", caveats=(OfTenant(tenant), *caveats))


async def call(tenant: Tenant, channel_id: str, app: str = APP, exten: str = "echo") -> Channel:
    """A channel that is in an application."""
    channel = dialing.request(
        tenant, f"Local/{exten}@conformance", NewChannel(channel_id=channel_id)
    )
    dialing.originate(channel, dialing.into_application(app, ()), follower=app)
    await trio.testing.wait_all_tasks_blocked()
    assert channel.visit is not None
    return channel


def dial_in(tenant: Tenant, place: str) -> Channel:
    """Call a place of the dialplan by the channel `c`; who runs there is `c;2`."""
    near = dialing.request(tenant, f"Local/{place}", NewChannel(channel_id="c"))

    async def body(channel: Channel) -> None:
        if await dialing.dial(channel, seconds=-1) == "ANSWER":
            await trio.sleep_forever()

    tenant.start(near, body)
    return near


async def furnish(tenant: Tenant) -> bus.Mailbox:
    """Make one object of each kind; the mailbox is the application's socket."""
    mailbox = bus.Mailbox()
    tenant.serve_application(APP).connect(mailbox, everything=False)
    channel = await call(tenant, "c")
    channel.broadcast = Broadcast(channel, lambda _name: True, tell_claimed=False)
    channel.port = await tenant.media.open_rtp()  # as if it were a phone's
    playback.play(channel, ("sound:silence/9",), playback_id="p")
    far = tenant.channels["c;2"]  # one that is recorded may not join a bridge
    await recording.record(far, recording.Wanted(name="live", format="wav"))
    folder = tenant.settings.recordings
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "stored.sln").write_bytes(bytes(320))
    tenant.create_bridge("b").set_variable("CONFVAR", "shown")
    tenant.endpoints["PJSIP", "100"] = Endpoint(tenant, "PJSIP", "100")
    tenant.technologies["PJSIP"] = Carrier()
    channel.set_variable("CONFVAR", "shown")
    tenant.device_states.update("Stasis:d", "INUSE")
    tenant.mailboxes.update("m", 1, 2)
    tenant.log_files.add("log", "error")
    tenant.components["part"] = Component("part", "A part", reload=trio.lowlevel.checkpoint)
    tenant.configuration["class"] = Drawer()
    await trio.sleep(0.1)
    await mailbox.receive()
    return mailbox


class Carrier(Local):
    """A technology that carries messages, into the void."""

    def send_text(
        self, endpoint: Endpoint, sender: str, text: str, fields: Mapping[str, str]
    ) -> None:
        """Lose it."""

    def refer(
        self,
        endpoint: Endpoint,
        sender: str,
        target: str,
        fields: Mapping[str, str],
        *,
        to_us: bool,
    ) -> None:
        """Lose it."""


class Drawer:
    """Configuration objects without consequences; there is one of the type `thing`."""

    types: tuple[str, ...] = ("thing",)

    def __init__(self) -> None:
        self._kept: Kept[dict[str, str]] = Kept()
        self._kept.put("thing/here", {"color": "red"})

    def get(self, tenant: Tenant, object_type: str, object_id: str) -> Fields | None:
        return self.kept(tenant).values.get(f"{object_type}/{object_id}")

    def is_fixed(self, tenant: Tenant, object_type: str, object_id: str) -> bool:
        return False

    def put(self, tenant: Tenant, object_type: str, object_id: str, fields: Fields) -> None:
        self.kept(tenant).put(f"{object_type}/{object_id}", dict(fields))

    def delete(self, tenant: Tenant, object_type: str, object_id: str) -> None:
        self.kept(tenant).remove(f"{object_type}/{object_id}")

    def kept(self, tenant: Tenant) -> Kept[dict[str, str]]:
        return self._kept


class WillingLeg(Half):
    """A leg that does what only some technologies can."""

    def redirect(self, resource: str) -> None:
        """Send the far end there."""
        self.channel.hangup()

    def leave_transfers(self, *, to_application: bool) -> None:
        """Do nothing: nobody asks for a transfer here."""

    def transfer_progress(self, state: str) -> None:
        """Tell the far end."""


async def prepare(tenant: Tenant, operation: Operation) -> None:
    """Bring the furniture into the state that this operation wants."""
    channel = tenant.channels["c"]
    if operation.name in {"bridges.removeChannel", "bridges.setVideoSource"}:
        tenant.bridges["b"].join(channel)
    elif operation.name == "bridges.stopMoh":
        attendant.start_music(tenant.bridges["b"])
    elif operation.name == "channels.dial":
        address = "Local/echo@conformance"
        created = dialing.request(tenant, address, NewChannel(channel_id="created"))
        await dialing.enter(created, APP, ())
    elif operation.name in {"channels.redirect", "channels.transfer_progress"}:
        leg = WillingLeg()
        leg.channel, leg.other = channel, channel.leg.other  # type: ignore[attr-defined] # a Half
        channel.leg = leg
        channel.change(state="Ring")


# What each parameter may be given, by its name on the wire.
VALUES: dict[str, Any] = {
    "app": APP,
    "application": APP,
    "applicationName": APP,
    "bridgeId": "b",
    "channel": "c",
    "channelId": "c",
    "configClass": "class",
    "configuration": "notice",
    "deviceName": "Stasis:d",
    "deviceState": "BUSY",
    "destinationRecordingName": "copy",
    "dtmf": "1",
    "endpoint": "Local/echo@conformance",
    "eventName": "told",
    "eventSource": "channel:c",
    "external_host": "192.0.2.1:5004",
    "fields": [{"attribute": "color", "value": "blue"}],
    "format": "wav",
    "from": "sip:me@example.com",
    "id": "here",
    "keyId": "default-old",
    "logChannelName": "log",
    "mailboxName": "m",
    "moduleName": "part",
    "media": "sound:silence/1",
    "name": "new",
    "newMessages": "1",
    "objectType": "thing",
    "oldMessages": "2",
    "operation": "pause",
    "playbackId": "p",
    "refer_to": "sip:somebody@example.com",
    "resource": "100",
    "soundId": "hello",
    "source": "channel:c",
    "spy": "in",
    "states": "channel_answered",
    "tech": "PJSIP",
    "tenantName": "other",
    "to": "pjsip:100",
    "tokenId": "t",
    "userName": "somebody",
    "value": "set",
    "variable": "CONFVAR",
}
# What only one operation is given.
SPECIAL: dict[str, dict[str, Any]] = {
    "applications.unsubscribe": {"eventSource": "channel:c"},
    "asterisk.addLog": {"logChannelName": "another"},
    "channels.externalMedia": {"format": "ulaw"},
    "recordings.copyStored": {"destinationRecordingName": "copy"},
}
# A name that nothing has.
ABSENT = "absent"
# Parameters that name what is there already.
NAMING = {
    "application", "applicationName", "bridgeId", "channel", "channelId", "playbackId",
    "deviceName", "mailboxName", "recordingName", "resource", "eventSource", "source",
    "to", "id", "logChannelName", "moduleName", "keyId",
}  # fmt: skip

# They take any name, and say of one that nothing has what they say of every such name. (A mailbox
# is made by its update, in the tenant of who asks, and so it can be deleted there.)
NAMES_ANYTHING = {
    "deviceStates.get", "deviceStates.update", "deviceStates.delete", "mailboxes.update",
    "mailboxes.delete",
}  # fmt: skip
# Parts of the server are there from the start to the end.
NEVER = {"asterisk.loadModule", "asterisk.unloadModule"}


def parameters(operation: Operation, *, absent: bool = False) -> dict[str, Any]:
    """Parameters with which the operation works, or with names of what is not there."""
    raw = {}
    for parameter in operation.parameters:
        for wire in parameter.wire:
            if parameter.lists or wire not in {*VALUES, "recordingName", "variables"}:
                continue
            raw[wire] = _value(operation, wire)
            if parameter.creates and wire in {"channelId", "playbackId", "bridgeId"}:
                raw[wire] = "newer" if absent else "new"
            elif absent and wire == "deviceName":
                raw[wire] = f"Stasis:{ABSENT}"
            elif absent and wire in NAMING:
                raw[wire] = f"channel:{ABSENT}" if wire in {"eventSource", "source"} else ABSENT
    if operation.name == "channels.dial" and not absent:
        raw["channelId"] = "created"
    return raw | SPECIAL.get(operation.name, {})


def _value(operation: Operation, wire: str) -> Any:
    if wire == "recordingName":
        return "stored" if "tored" in operation.name else "live"
    if wire == "variables":
        writes = operation.right is not Right.READ
        return {"A": "1"} if writes else "CONFVAR"
    return VALUES[wire]


class Failed(msgspec.Struct, frozen=True):
    """How an operation was refused."""

    kind: str
    message: str
    detail: str | None


async def ask(gate: Gate, asking: Grant, operation: Operation, raw: dict[str, Any]) -> Any:
    """The result of an operation, or how it was refused."""
    try:
        return await gate.perform(asking, operation, raw)
    except OperationError as error:
        return Failed(error.kind, error.message, error.detail)


class Caller:
    """Asks for operations by name, with the caveats given."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.gate = Gate({tenant.name: tenant}, tenant.now)

    async def __call__(self, asked: str, /, *caveats: Caveat, **raw: Any) -> Any:
        return await ask(self.gate, grant(*caveats), OPERATIONS[asked], raw)


def state(tenant: Tenant) -> Any:
    """All that an operation could have changed."""
    return (
        {
            channel.id: (channel.snapshot, dict(channel.variables))
            for channel in tenant.channels.values()
        },
        {bridge.id: bridge.snapshot for bridge in tenant.bridges.values()},
        {playback.id: playback.snapshot for playback in tenant.playbacks.values()},
        {name: live.snapshot for name, live in tenant.recordings.items()},
        {name: application.snapshot for name, application in tenant.applications.items()},
        {name: application.is_served for name, application in tenant.applications.items()},
        dict(tenant.device_states.custom.values),
        dict(tenant.mailboxes.kept.values),
        tenant.log_files.all(),
        dict(tenant.globals),
        sorted(path.name for path in tenant.settings.recordings.glob("**/*")),
    )
