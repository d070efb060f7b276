"""The world as its events tell it."""

from stasisd.core import events
from stasisd.core.bus import Mailbox
from stasisd.core.events import Event


class Told(Mailbox):
    """Follows all events; an assertion, KeyError or ValueError is one in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: set[str] = set()
        self.bridges: dict[str, list[str]] = {}
        self.playbacks: set[str] = set()
        self.recordings: set[str] = set()

    def put(self, _label: str, event: Event) -> None:
        match event:
            case events.ChannelEvent():
                self._of_channel(event)
            case events.BridgeEvent():
                self._of_bridge(event)
            case events.PlaybackEvent():
                over = isinstance(event, events.PlaybackFinished)
                _follow(self.playbacks, event.playback.id, over=over)
            case events.RecordingEvent():
                over = not isinstance(event, events.RecordingStarted)
                _follow(self.recordings, event.recording.name, over=over)

    def _of_channel(self, event: events.ChannelEvent) -> None:
        name = event.channel.id
        if isinstance(event, events.ChannelCreated):
            assert name not in self.channels
            self.channels.add(name)
        elif isinstance(event, events.ChannelDestroyed):
            self.channels.remove(name)
        else:
            assert name in self.channels, event

    def _of_bridge(self, event: events.BridgeEvent) -> None:
        name = event.bridge.id
        match event:
            case events.BridgeCreated():
                assert name not in self.bridges
                self.bridges[name] = []
            case events.BridgeDestroyed():
                assert self.bridges.pop(name) == []
            case events.ChannelEnteredBridge():
                self.bridges[name].append(event.channel.id)
            case events.ChannelLeftBridge():
                self.bridges[name].remove(event.channel.id)


def _follow(known: set[str], name: str, *, over: bool) -> None:
    if over:
        known.discard(name)  # one that never began ends, too
    else:
        known.add(name)
