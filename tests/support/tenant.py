"""A tenant with the conformance dialplan on the real media engine, under the jumping clock.

Modules that take the fixture `tenant` say `pytestmark = jumping_clock`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
import trio

from caps.keyring import Keyring, RootKey
from stasisd.core import bus, sounds
from stasisd.core.audit_log import AuditSettings
from stasisd.core.events import Event
from stasisd.core.journal import EventLimits
from stasisd.core.limits import Limits
from stasisd.core.remote_media import RemoteSettings
from stasisd.core.tenant import Tenant, TenantSettings
from stasisd.dialplan.interpreter import Interpreter
from stasisd.dialplan.parser import parse
from stasisd.media.control import Media, MediaSettings
from stasisd.operations.tenure import Tenures
from stasisd.technologies.audiosocket import AudioSocket
from stasisd.technologies.local import Local
from stasisd.technologies.snoop import Snoop
from stasisd.technologies.unicast_rtp import UnicastRtp
from stasisd.technologies.websocket import MediaWebSocket
from stasisd.tenants.keys import TenantKeys
from tests.support.media import Network, in_process

TARGET = Path(__file__).parent.parent / "compatibility" / "target"
PROMPTS = Path(__file__).parent.parent.parent / "stasisd" / "sounds"
EPOCH = 1_795_470_000.0
# Where programs are that exchange media with a tenant under test.
NETWORKS = ("127.0.0.0/8", "192.0.2.0/24")


@cache
def prompts() -> sounds.Sounds:
    return sounds.scan([PROMPTS])


def make_tenant(
    media: Media,
    folder: Path,
    dialplan: str | None = None,
    name: str = "default",
    domains: tuple[str, ...] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
    *,
    networks: tuple[str, ...] = NETWORKS,
) -> Tenant:
    """A tenant that is not running yet; by default with the dialplan of the recordings."""
    text = (TARGET / "extensions.conf").read_text() if dialplan is None else dialplan
    tenant = Tenant(
        TenantSettings(
            name=name,
            domains=domains,
            limits=limits,
            channelvars=("CONFVAR",),
            recordings=folder / "recordings",
            logs=folder / "log",
            audit=AuditSettings(folder=folder / "audit"),
            remote=RemoteSettings(folder=folder / "media-cache"),
            media_networks=networks,
        ),
        media=media,
        sounds=prompts(),
        wall_clock=lambda: EPOCH + trio.current_time(),
    )
    plan = parse(text, "extensions.conf")
    tenant.globals.update(plan.variables)
    tenant.router = Interpreter(plan)
    ring = Keyring(RootKey(f"{name}-{age}", name, bytes(32)) for age in ("old", "new"))
    tenant.keys = TenantKeys(name, Tenures(ring, tenant.now))
    tenant.technologies["Local"] = Local()
    tenant.technologies["UnicastRTP"] = UnicastRtp()
    tenant.technologies["AudioSocket"] = AudioSocket()
    tenant.technologies["WebSocket"] = MediaWebSocket()
    tenant.technologies["Snoop"] = Snoop()
    return tenant


@asynccontextmanager
async def beside(tenant: Tenant, folder: Path, name: str) -> AsyncIterator[Tenant]:
    """Another tenant that runs, on the same media."""
    async with trio.open_nursery() as nursery:
        made = make_tenant(tenant.media, folder, name=name, domains=(f"{name}.example",))
        await nursery.start(made.run)
        yield made
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running_tenant(
    folder: Path,
    dialplan: str | None = None,
    name: str = "default",
    *,
    bind: str = "192.0.2.100",
    network: Network | None = None,
    networks: tuple[str, ...] = NETWORKS,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> AsyncIterator[Tenant]:
    """A tenant that runs, with media of its own; what is left in it at the end is cancelled."""
    media = Media(MediaSettings(bind=bind), in_process(network or Network()))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        made = make_tenant(media, folder, dialplan, name, networks=networks, limits=limits)
        await nursery.start(made.run)
        yield made
        nursery.cancel_scope.cancel()


def bare_tenant(limits: EventLimits | None = None) -> Tenant:
    """A tenant without media or tasks: objects that only tell."""
    settings = TenantSettings(recordings=Path("/nowhere"), events=limits or EventLimits())
    media = Media(MediaSettings(), in_process(Network()))
    return Tenant(settings, media=media, sounds=prompts(), wall_clock=lambda: EPOCH)


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    """A running tenant with the dialplan of the recordings."""
    async with running_tenant(tmp_path) as made:
        yield made


def assert_nothing_left(tenant: Tenant) -> None:
    """No object, no port, nobody that listens to an object that is gone."""
    assert not tenant.channels
    assert not tenant.playbacks
    assert not tenant.recordings
    statistics = tenant.media.statistics()
    assert (statistics.ports, statistics.udp_ports, statistics.unfinished) == (0, 0, 0)
    if not tenant.bridges:
        assert statistics.mixes == 0


class Listener:
    """Collects what applications hear, or what everybody hears where none is named."""

    def __init__(self, tenant: Tenant, *names: str, everything: bool = False) -> None:
        self.mailbox = bus.Mailbox()
        for name in names:
            tenant.serve_application(name).connect(self.mailbox, everything=everything)
        if not names:
            self.mailbox.subscribe(tenant.bus, [bus.EVERYTHING])
        self.heard: list[Event] = []
        self._pending: list[Event] = []

    async def next(self) -> Event:
        """The next event."""
        while not self._pending:
            self._pending += [d[1] for d in await self.mailbox.receive() if isinstance(d, tuple)]
        event = self._pending.pop(0)
        self.heard.append(event)
        return event

    async def until(self, *types: type[Event], id: str | None = None) -> Event:  # noqa: A002 - as the events call it
        """Listen until an event of one of these types comes, of this object if named."""
        while True:
            event = await self.next()
            if isinstance(event, types) and id in {None, *ids_of(event)}:
                return event

    async def settle(self, seconds: float = 1.0) -> None:
        """Hear what happens within so many seconds."""
        with trio.move_on_after(seconds):
            while True:
                await self.next()

    def of(self, object_id: str) -> list[Event]:
        """What was heard so far of one object."""
        return [event for event in self.heard if object_id in ids_of(event)]

    def names(self, object_id: str | None = None) -> list[str]:
        """The types of what was heard so far, of all objects or of one."""
        events = self.heard if object_id is None else self.of(object_id)
        return [type(event).__name__ for event in events]


def ids_of(event: Event) -> set[str]:
    """The ids of the objects an event is about, a recording's name being its id."""
    found = set()
    for name in ("channel", "peer", "playback", "bridge"):
        snapshot = getattr(event, name, None)
        if snapshot is not None:
            found.add(snapshot.id)
    recording = getattr(event, "recording", None)
    if recording is not None:
        found.add(recording.name)
    return found
