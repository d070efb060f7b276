"""What an object looked like at one moment.

Snapshots are frozen and replaced whole. The object holds its current one, so reading costs an
attribute and a list of all channels is a list of attributes: there is no second cache that
could disagree with the objects.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Party(msgspec.Struct, frozen=True, gc=False):
    """A caller's or connected party's identity."""

    name: str = ""
    number: str = ""


class DialplanPosition(msgspec.Struct, frozen=True, gc=False):
    """Where a channel is in the dialplan, and the application it runs there."""

    context: str = ""
    exten: str = ""
    priority: int = 1
    app_name: str = ""
    app_data: str = ""


class ChannelSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One channel. Times are seconds since the epoch."""

    id: str
    name: str
    state: str
    protocol_id: str = ""
    caller: Party = Party()
    connected: Party = Party()
    accountcode: str = ""
    dialplan: DialplanPosition = DialplanPosition()
    creationtime: float
    language: str = "en"
    channelvars: tuple[tuple[str, str], ...] = ()


# The class of the bridges that Dial makes for two channels.
DIALS = "basic"


class BridgeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One bridge and the ids of the channels in it, in the order they came.

    ``bridgevars`` are the variables that it was asked to show.
    """

    id: str
    name: str = ""
    technology: str = "simple_bridge"
    bridge_type: str = "mixing"
    bridge_class: str = "stasis"
    creator: str = "Stasis"
    channels: tuple[str, ...] = ()
    creationtime: float
    video_mode: str = "talker"
    video_source_id: str = ""
    bridgevars: tuple[tuple[str, str], ...] = ()


class PlaybackSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One playback: the media it plays now, and the next of its list.

    ``reason`` says why a failed one failed; it is ours, beyond ARI.
    """

    id: str
    media_uri: str
    next_media_uri: str | None = None
    target_uri: str
    language: str
    state: str
    reason: str | None = None


class LiveRecordingSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A recording being made. Durations are whole seconds, known when it has ended."""

    name: str
    format: str
    target_uri: str
    state: str
    duration: int | None = None
    talking_duration: int | None = None
    silence_duration: int | None = None
    cause: str | None = None


class StoredRecordingSnapshot(msgspec.Struct, frozen=True):
    """A recording on disk, by its name without the extension."""

    name: str
    format: str


class EndpointSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What can be called and can call, with its channels."""

    technology: str
    resource: str
    state: str
    channel_ids: tuple[str, ...] = ()


class ContactSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One address at which an endpoint can be reached."""

    uri: str
    contact_status: str
    aor: str
    roundtrip_usec: int = 0


class DeviceStateSnapshot(msgspec.Struct, frozen=True):
    """A device and its state."""

    name: str
    state: str


class MailboxSnapshot(msgspec.Struct, frozen=True):
    """A mailbox, and how many messages were heard and wait to be."""

    name: str
    old_messages: int
    new_messages: int


class TextMessage(msgspec.Struct, frozen=True):
    """A text that somebody sent; who sent it and to whom are addresses."""

    sender: str
    recipient: str
    text: str


class ApplicationSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One application, what it follows, and which types of events it wants or does not.

    A filter is what the client gave: an object with a ``type``.
    """

    name: str
    channel_ids: tuple[str, ...] = ()
    bridge_ids: tuple[str, ...] = ()
    endpoint_ids: tuple[str, ...] = ()
    device_names: tuple[str, ...] = ()
    events_allowed: tuple[Mapping[str, Any], ...] = ()
    events_disallowed: tuple[Mapping[str, Any], ...] = ()
