"""What the far end of a channel hears and says beside what is played and bridged."""

from typing import TYPE_CHECKING

from stasisd.media.commands import Side

from .tone_detection import ToneDetection

if TYPE_CHECKING:
    from .channel import Channel


# Whose wish it is that a channel hears music.
ASKED, BRIDGED = "asked", "bridged"


class Sound:
    """Each channel has one. Without media its verbs do nothing.

    Music and what is listened for are wishes that last: :meth:`begin` takes them to media that come
    later.
    """

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        # The silence in milliseconds that ends talk, and the magnitude from which on it is talk.
        self.talk_detection: tuple[int, int] | None = None
        self.tone_detection: ToneDetection | None = None
        # Who wants the channel to hear music, and of which class.
        self._music: dict[str, str] = {}

    def begin(self) -> None:
        """The channel got its media."""
        if self.talk_detection is not None:
            self.detect_talk(*self.talk_detection)
        if self.tone_detection is not None:
            self._listen_for(self.tone_detection)
        if self._music:
            self._play_music()

    def mute(self, direction: Side) -> None:
        """Silence what the far end says (in), hears (out), or both."""
        if self._channel.port is not None:
            self._channel.port.mute(direction)

    def unmute(self, direction: Side) -> None:
        """Take ``mute`` back."""
        if self._channel.port is not None:
            self._channel.port.unmute(direction)

    def hold_music(self, *, on: bool, music_class: str = "") -> None:
        """Let the far end hear music in place of the others; what is played comes first.

        Of this class, else of the channel's, else of the default one.
        """
        self._hear_music(ASKED, music_class if on else None)

    def entertain(self, *, on: bool, music_class: str = "") -> None:
        """The same, as the bridge wants it; either wish is enough, and what was asked wins."""
        self._hear_music(BRIDGED, music_class if on else None)

    @property
    def _music_class(self) -> str | None:
        return self._music.get(ASKED, self._music.get(BRIDGED))

    def _hear_music(self, wish: str, music_class: str | None) -> None:
        before = self._music_class
        if music_class is None:
            self._music.pop(wish, None)
        else:
            self._music[wish] = music_class
        if self._music_class != before:
            self._play_music()

    def _play_music(self) -> None:
        channel, wanted = self._channel, self._music_class
        if channel.port is None:
            return
        if wanted is None:
            channel.port.hold_music(None)
        else:
            channel.port.hold_music(channel.tenant.music.segments(wanted, channel.music_class))

    def send_silence(self, *, on: bool) -> None:
        """Send silence while there is nothing else to send."""
        if self._channel.port is not None:
            self._channel.port.silence(on)

    def send_dtmf(self, digits: str, **times_ms: int) -> None:
        """Send digits to the far end; see the media's command for the times."""
        if self._channel.port is not None:
            self._channel.port.send_dtmf(digits, **times_ms)

    def detect_talk(self, silence_ms: int | None, threshold: int = 0) -> None:
        """Tell when the far end talks, and when it was silent for so long; None ends that.

        ``threshold`` is the mean magnitude of 16-bit samples from which on sound is talk.
        """
        self.talk_detection = None if silence_ms is None else (silence_ms, threshold)
        if self._channel.port is not None:
            self._channel.port.detect_talk(silence_ms, threshold)

    def detect_tone(self, wanted: ToneDetection | None) -> None:
        """Listen for a tone, in place of the one before, whose counts go on; None ends it."""
        before, self.tone_detection = self.tone_detection, wanted
        if before is not None and wanted is not None:
            wanted.heard_in, wanted.heard_out = before.heard_in, before.heard_out
        if before is not wanted:
            self._listen_for(wanted)

    def heard_tone(self, *, outgoing: bool) -> str | None:
        """Count a tone that was listened for.

        None where it is not to be told; else where the channel is to go because of it, or "".
        """
        wanted = self.tone_detection
        if wanted is None or not wanted.heard(outgoing=outgoing):
            return None
        if wanted.over:
            self._listen_for(wanted)
        return wanted.place(outgoing=outgoing)

    def _listen_for(self, wanted: ToneDetection | None) -> None:
        port = self._channel.port
        if port is None:
            return
        for outgoing in (False, True):
            if wanted is None or not wanted.listens(outgoing=outgoing):
                port.detect_tone(0, outgoing=outgoing)
            else:
                port.detect_tone(
                    wanted.frequency,
                    outgoing=outgoing,
                    duration_ms=wanted.duration_ms,
                    decibels=wanted.decibels,
                )
