"""Parties of ours in a bridge: they play to it or record it, and are no channels.

Each is a pair of ports: one half sits in the bridge, the other is played to or recorded. Clients
see such a party by its name alone, inside of BRIDGEPEER.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio

from stasisd.media.control import MediaUnavailable, NoPortsLeft, Port
from stasisd.media.reports import MusicFailed

from . import recording
from .bridge import Joining
from .bridge_kind import ANNOUNCER

if TYPE_CHECKING:
    from .bridge import Bridge
    from .playback import Playback

SPEAKER = Joining(role=ANNOUNCER, hears=False, quiet=True)
LISTENER = Joining(role="recorder", speaks=False, quiet=True)


class NoMedia(Exception):
    """The media process has no ports for an attendant; the message says why."""


class Seat:
    """The half of an attendant that is in the bridge."""

    def __init__(self, name: str, port: Port) -> None:
        self.name = name
        self.port: Port | None = port


class Attendant:
    """In the bridge from the moment it is made until it is dismissed or its work is done."""

    over = "the bridge was destroyed"

    def __init__(
        self,
        bridge: "Bridge",
        kind: str,
        joining: Joining,
        work: Callable[["Attendant"], Awaitable[None]],
    ) -> None:
        """``kind`` is the first part of the name; ``work`` says by its return that it is done.

        Raises :class:`NoMedia`.
        """
        tenant = self.tenant = bridge.tenant
        try:
            port, seated = tenant.media.open_pair()
        except (MediaUnavailable, NoPortsLeft) as unavailable:
            raise NoMedia(str(unavailable)) from None
        self.bridge = bridge
        self.topics: tuple[str, ...] = bridge.topics
        self.target_uri = f"bridge:{bridge.id}"
        self.language = tenant.settings.language
        self.application_name = bridge.application_name
        self.port: Port | None = port
        self.playbacks: list[Playback] = []
        self.kind = kind
        self.dismissed = False
        self.name = f"{kind}-{tenant.new_name_suffix()};2"
        self._seat = Seat(self.name, seated)
        self._ports = (port, seated)
        self._work = work
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None
        self._waiting: list[Callable[[], Awaitable[None]]] = []
        bridge.attendants.append(self)
        bridge.seat(self._seat, joining)
        tenant.start_task(self._live)

    @property
    def is_open(self) -> bool:
        """Whether something may start on it."""
        return not self.dismissed

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Start a task that ends with this attendant."""
        if self._nursery is None:
            self._waiting.append(task)
        else:
            self._nursery.start_soon(task)

    async def _live(self) -> None:
        """Work, and let a bug end this attendant only."""
        try:
            with self._scope:
                await self._attend()
        except Exception:  # the barrier: a bug ends one attendant of a bridge
            self.bridge.log.exception("attendant crashed", attendant=self.name)
        finally:
            self.dismiss()
            for port in self._ports:
                port.close()
            self.bridge.attendants.remove(self)
            self.tenant.retire_bridge(self.bridge)

    async def _attend(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for task in self._waiting:
                nursery.start_soon(task)
            await self._work(self)
            self.dismiss()  # before anything can be started on what is about to end

    def dismiss(self) -> None:
        """Leave the bridge and end what runs here. Idempotent."""
        if not self.dismissed:
            self.dismissed = True
            self.bridge.unseat(self._seat)
            self._scope.cancel()


def _find(bridge: "Bridge", kind: str) -> Attendant | None:
    return next((a for a in bridge.attendants if a.kind == kind and a.is_open), None)


# --- playing

ANNOUNCEMENTS = "Announcer/ARI"


async def _until_played(announcer: Attendant) -> None:
    while announcer.playbacks:
        await announcer.playbacks[-1].finished.wait()


def announcer_of(bridge: "Bridge") -> Attendant:
    """The one that plays to the bridge, made where there is none.

    It leaves when all is played, so something has to be played at once. Raises
    :class:`NoMedia`.
    """
    found = _find(bridge, ANNOUNCEMENTS)
    return found or Attendant(bridge, ANNOUNCEMENTS, SPEAKER, _until_played)


# --- music

MUSIC = "Announcer/ARI_MOH"


class NoMusic(Exception):
    """There is no music that could be stopped."""


async def _play_music(player: Attendant) -> None:
    """Play until dismissed, or the media process is gone."""
    assert player.port is not None
    async for report in player.port.reports():
        if isinstance(report, MusicFailed):
            player.bridge.log.warning("music on hold can't be read", reason=report.reason)


def start_music(bridge: "Bridge", music_class: str = "") -> None:
    """Let all hear music, in place of the one that they hear. Raises :class:`NoMedia`."""
    player = _find(bridge, MUSIC) or Attendant(bridge, MUSIC, SPEAKER, _play_music)
    assert player.port is not None
    player.port.hold_music(bridge.tenant.music.segments(music_class))


def stop_music(bridge: "Bridge") -> None:
    """End the music at once. Raises :class:`NoMusic`."""
    player = _find(bridge, MUSIC)
    if player is None:
        raise NoMusic
    player.dismiss()


# --- recording


async def record(bridge: "Bridge", wanted: recording.Wanted) -> recording.LiveRecording:
    """Record what is said in a bridge.

    Raises what :func:`.recording.record` raises, or :class:`NoMedia`.
    """
    spec = await recording.prepare(bridge.tenant, wanted)
    if bridge.destroyed:
        raise recording.NotRecordable

    async def work(_recorder: Attendant) -> None:
        await live.finished.wait()

    recorder = Attendant(bridge, "Recorder/ARI", LISTENER, work)
    live = recording.begin(recorder, wanted, spec)
    return live
