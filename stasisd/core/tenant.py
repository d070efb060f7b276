"""A tenant: the isolation boundary. All objects live in one, and have no name outside it."""

import itertools
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import structlog
import trio

from stasisd.media.control import Media
from stasisd.store.database import Database
from stasisd.store.device_states import DeviceStates as StoredDeviceStates
from stasisd.store.mailboxes import Mailboxes as StoredMailboxes

from . import events
from .application import Application
from .audit_log import AuditLog, AuditSettings
from .bridge import Bridge
from .bridge_kind import MIXING, BridgeKind
from .bus import Bus
from .cause import caused_by
from .channel import Channel
from .component import Component
from .configuration import ConfigurationClass
from .device_state import DeviceStates, device_of
from .egress import Egress
from .endpoint import Endpoint
from .groups import Groups
from .journal import EventLimits, Numbers
from .keys import Keys
from .limits import Limits, Rate, TooManyChannels
from .log_files import LogFiles
from .mailbox import Mailboxes
from .media_socket import Expected
from .music import Music, MusicClass
from .orphans import Orphans
from .playback import Playback
from .recording import LiveRecording
from .remote_media import RemoteMedia, RemoteSettings
from .retired import Retired
from .router import Router
from .snapshots import BridgeSnapshot
from .sounds import Sounds
from .stored_recordings import StoredRecordings
from .summons import Reachable
from .supervision import Body, live
from .technology import AllocationFailed, IdTaken, Technology

log = structlog.get_logger(__name__)

# The counts in ids of channels begin below this.
FIRST_SERIALS = 1_000_000


class TenantSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant is told about itself. ``channelvars`` are shown in channel snapshots.

    ``domains`` are the hosts in SIP addresses that mean it; without one it is that of all others.
    ``groups`` are of endpoints. Without ``audit`` nothing is kept of what was asked and decided.
    ``orphans`` is for the applications that have no policy of their own.
    """

    name: str = "default"
    domains: tuple[str, ...] = ()
    language: str = "en"
    channelvars: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    music: Mapping[str, MusicClass] = MappingProxyType({})
    recordings: Path
    logs: Path = Path("log")
    audit: AuditSettings | None = None
    remote: RemoteSettings = RemoteSettings(folder=Path("media-cache"))
    # Networks that media may go to beside the public internet.
    media_networks: tuple[str, ...] = ()
    system_name: str = ""
    events: EventLimits = EventLimits()
    orphans: Orphans = Orphans()
    limits: Limits = Limits()
    own_orphans: Mapping[str, Orphans] = MappingProxyType({})

    def orphans_of(self, application: str) -> Orphans:
        """What becomes of this application's calls without a socket, if no socket says more."""
        return self.own_orphans.get(application, self.orphans)


class Draining(AllocationFailed):
    """The daemon or the tenant stops, and takes no new calls."""


class Tenant:
    """One company's world. ``run`` is its nursery: what ends it ends everything in it."""

    def __init__(
        self,
        settings: TenantSettings,
        *,
        media: Media,
        sounds: Sounds,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``technologies``, ``router`` and ``keys`` are filled in before ``run``."""
        self.settings = settings
        self.name = settings.name
        self.media = media
        self.sounds = sounds
        self.music = Music(self, settings.music)
        self.now = wall_clock
        self.started = self.reloaded = wall_clock()
        self.limits = settings.limits
        self.requests = Rate(self.limits.requests_per_second, wall_clock)
        self.originates = Rate(self.limits.originates_per_second, wall_clock)
        self.sockets = 0
        self.bus = Bus()
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.recordings: dict[str, LiveRecording] = {}
        self.applications: dict[str, Application] = {}
        self.retired = Retired(settings.events, wall_clock)
        self.numbers = Numbers(wall_clock)
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        self.groups = Groups(settings.groups)
        self.device_states = DeviceStates(self)
        self.mailboxes = Mailboxes()
        self.globals: dict[str, str] = {}
        self.stored_recordings = StoredRecordings(settings.recordings)
        self.technologies: dict[str, Technology] = {}
        self.components: dict[str, Component] = {}
        self.configuration: dict[str, ConfigurationClass] = {}
        self.log_files = LogFiles(settings.logs)
        self.audit = AuditLog(settings.audit) if settings.audit is not None else None
        self.remote_media = RemoteMedia(settings.remote)
        self.media_egress = Egress(settings.media_networks)
        self.router: Router
        self.keys: Keys
        self.reachable: Reachable = {}
        # The sockets that channels wait for, by the ids that programs come with.
        self.expected_sockets: dict[str, Expected] = {}
        # One recording at a time is converted, so that calls keep the processor.
        self.converting = trio.CapacityLimiter(1)
        self.draining = False
        # Begun by chance: what a caller sees of them tells nobody how many calls there were.
        self._serial = itertools.count(secrets.randbelow(FIRST_SERIALS))
        self._name_serial = itertools.count(secrets.randbits(31))
        self._nursery: trio.Nursery | None = None
        self._empty = trio.Event()
        self._empty.set()

    # --- life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry channels until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                if self.audit is not None:
                    nursery.start_soon(self.audit.run)
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None
            self.log_files.close()

    async def keep_in(self, database: Database) -> None:
        """Take over what an earlier run kept, and keep it there. Raises the store's errors."""
        await self.device_states.custom.load(StoredDeviceStates(database, self.name))
        await self.mailboxes.kept.load(StoredMailboxes(database, self.name))

    def start(self, channel: Channel, body: Body) -> None:
        """Start the life of a channel of ours."""
        self._tasks().start_soon(live, channel, body)
        channel.started = True

    def start_task(self, task: Callable[[], Awaitable[None]]) -> None:
        """Start a task that lives as long as the tenant at most, and lets no exception out."""
        self._tasks().start_soon(task)

    def start_soon(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Start what belongs to the tenant; one that fails is logged, and ends nothing else."""
        with caused_by(None):
            self._tasks().start_soon(self._guarded, work, arguments)

    def _tasks(self) -> trio.Nursery:
        """Where the tenant's tasks live. Raises :class:`Draining` where it has ended."""
        if self._nursery is None:
            raise Draining
        return self._nursery

    async def _guarded(
        self, work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...]
    ) -> None:
        try:
            await work(*arguments)
        except Exception:  # the barrier: a bug ends one task of the tenant
            log.exception("a task of the tenant crashed", tenant=self.name)

    def drain(self, cause: int) -> None:
        """Refuse new calls and end those there are."""
        self.draining = True
        for channel in list(self.channels.values()):
            channel.hangup(cause, soft=True)

    def close(self, reason: str) -> None:
        """Take no new calls, and end all sockets, before the tenant is cancelled."""
        self.draining = True
        for application in list(self.applications.values()):
            application.dismiss(reason)

    async def wait_empty(self) -> None:
        """Wait until there is no channel."""
        await self._empty.wait()

    # --- telling

    def publish(
        self,
        event: type[events.Event],
        topics: Iterable[str],
        *,
        to_everyone: bool = True,
        **fields: Any,
    ) -> None:
        """Make an event of now and publish it."""
        self.bus.publish(event(timestamp=self.now(), **fields), topics, to_everyone=to_everyone)

    # --- names

    def new_channel_id(self) -> str:
        """The next automatic id: seconds since the epoch, a dot and a count."""
        return f"{int(self.now())}.{next(self._serial)}"

    def new_name_suffix(self) -> str:
        """The eight hexadecimal digits that make a channel's name unique."""
        return f"{next(self._name_serial) & 0xFFFFFFFF:08x}"

    # --- channels

    def claim(self, *channel_ids: str) -> None:
        """See that channels of these ids may be made.

        Raises :class:`Draining`, :class:`~.technology.IdTaken` or
        :class:`~.limits.TooManyChannels`.
        """
        if self.draining:
            raise Draining
        most = self.limits.channels
        if most is not None and len(self.channels) + len(channel_ids) > most:
            raise TooManyChannels(f"the tenant may have {most} channels")
        if len(set(channel_ids)) < len(channel_ids) or not self.channels.keys().isdisjoint(
            channel_ids
        ):
            raise IdTaken(", ".join(channel_ids))

    def add_channel(self, channel: Channel) -> None:
        """Take a new channel in and tell it. Raises what :meth:`claim` raises."""
        self.claim(channel.id)
        self.channels[channel.id] = channel
        self._empty = trio.Event()
        endpoint = self.endpoints.get(channel.endpoint) if channel.endpoint else None
        if endpoint is not None:
            endpoint.channel_ids[channel.id] = None
        channel.publish(events.ChannelCreated)
        self.device_states.channel_is(channel, channel.device_state)
        if endpoint is not None:
            self.device_states.tell(device_of(channel.name))

    def forget_channel(self, channel: Channel) -> None:
        """A channel was destroyed; one that never got in is passed over."""
        if self.channels.pop(channel.id, None) is None:
            return
        endpoint = self.endpoints.get(channel.endpoint) if channel.endpoint else None
        if endpoint is not None:
            endpoint.channel_ids.pop(channel.id, None)
        self.device_states.channel_is(channel, None)
        self._retire(channel.topics[0])
        if not self.channels:
            self._empty.set()

    def shown_variables(
        self, variables: Mapping[str, str], reported: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[tuple[str, str], ...]:
        """Those of a channel's variables that its snapshot shows, and those it reports."""
        shown = {name: variables.get(name, "") for name in self.settings.channelvars}
        return tuple({**shown, **reported}.items())

    def forget_endpoint(self, endpoint: Endpoint) -> None:
        """An endpoint is no more. Its channels go on."""
        del self.endpoints[endpoint.technology, endpoint.resource]
        self.device_states.forget(f"{endpoint.technology}/{endpoint.resource}")
        self._retire(endpoint.topics[0])

    # --- bridges

    def create_bridge(
        self,
        bridge_id: str | None = None,
        *,
        name: str = "",
        kind: BridgeKind = MIXING,
        video_mode: str = "talker",
        bridge_class: str = "stasis",
        creator: str = "Stasis",
        application_name: str | None = None,
    ) -> Bridge:
        """Make an empty bridge, for an application; the id must be free."""
        snapshot = BridgeSnapshot(
            id=bridge_id or str(uuid.uuid4()),
            name=name,
            technology=kind.technology(0),
            bridge_type=kind.name,
            video_mode=video_mode,
            bridge_class=bridge_class,
            creator=creator,
            creationtime=self.now(),
        )
        bridge = self.bridges[snapshot.id] = Bridge(self, snapshot, kind, application_name)
        self.publish(events.BridgeCreated, bridge.topics, bridge=snapshot)
        return bridge

    def forget_bridge(self, bridge: Bridge) -> None:
        """A bridge was destroyed."""
        del self.bridges[bridge.id]
        self.retire_bridge(bridge)

    def retire_bridge(self, bridge: Bridge) -> None:
        """End what is told of a bridge, once it is destroyed and nothing of it runs any more.

        What was played or recorded there ends after it, and is heard by who heard of the bridge.
        """
        if not bridge.attendants and bridge.destroyed and bridge.id not in self.bridges:
            self._retire(bridge.topics[0])

    def _retire(self, topic: str) -> None:
        for application in list(self.applications.values()):
            application.forget(topic)
        self.bus.retire(topic)

    # --- applications

    def serve_application(self, name: str) -> Application:
        """The application of this name, made where it is new.

        One that was idle not long ago comes back with the log of its events.
        """
        if name not in self.applications:
            self.applications[name] = self.retired.take(name) or Application(self, name)
        return self.applications[name]
