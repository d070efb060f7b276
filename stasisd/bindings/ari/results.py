"""What the results of operations are called in the documents."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from stasisd.core import snapshots
from stasisd.core.keys import KeySnapshot
from stasisd.core.log_files import LogChannelSnapshot
from stasisd.core.quality import RtpQuality
from stasisd.core.tenancy import TenantSnapshot
from stasisd.operations.asterisk import Information, Pong
from stasisd.operations.audit import AuditPage
from stasisd.operations.configuration import ConfigTuple
from stasisd.operations.events import Hearing
from stasisd.operations.modules import Module
from stasisd.operations.recordings import MediaFile
from stasisd.operations.sounds import Sound
from stasisd.operations.tenants import NewTenant

# A hearing is a WebSocket, on which messages come.
RESULTS: Mapping[Any, str] = {
    type(None): "void",
    snapshots.ApplicationSnapshot: "Application",
    snapshots.BridgeSnapshot: "Bridge",
    snapshots.ChannelSnapshot: "Channel",
    snapshots.DeviceStateSnapshot: "DeviceState",
    snapshots.EndpointSnapshot: "Endpoint",
    snapshots.LiveRecordingSnapshot: "LiveRecording",
    snapshots.MailboxSnapshot: "Mailbox",
    snapshots.PlaybackSnapshot: "Playback",
    snapshots.StoredRecordingSnapshot: "StoredRecording",
    RtpQuality: "RTPstat",
    Information: "AsteriskInfo",
    Pong: "AsteriskPing",
    Sound: "Sound",
    MediaFile: "binary",
    ConfigTuple: "ConfigTuple",
    LogChannelSnapshot: "LogChannel",
    Module: "Module",
    Hearing: "Message",
    AuditPage: "AuditPage",
    TenantSnapshot: "Tenant",
    NewTenant: "NewTenant",
    KeySnapshot: "Key",
    dict[str, str]: "Variable",
    dict[str, dict[str, str]]: "Variables",
}


class UnknownResultError(Exception):
    """An operation returns what has no name in ARI."""


def result_type(returned: Any) -> str:
    """ARI's name of what an operation is annotated to return.

    Raises :class:`UnknownResultError`: a new kind of result needs an entry in `RESULTS`.
    """
    if get_origin(returned) is list:
        return f"List[{result_type(get_args(returned)[0])}]"
    name = RESULTS.get(returned)
    if name is None:
        raise UnknownResultError(f"{returned!r} has no name in ARI's documents")
    return name
