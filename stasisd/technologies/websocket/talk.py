"""The conversation with a program on a media WebSocket, between it and the media process. Sans-IO.

In: messages of the program (``take``) and bytes of the media process (``hear``). Out: messages for
the program (``messages``), bytes for the media process (``sound``), and what the program wants of
the channel (``answered``, ``hung_up``).
"""

from collections.abc import Callable, Mapping

import msgspec

from stasisd.media import audiosocket
from stasisd.media.paced import SIGNALS

from . import control
from .control import BadCommand, Command, Value
from .speech import XOFF, XON, Speech


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """What a program is told of its channel, and the form of the texts."""

    connection_id: str
    channel: str
    channel_id: str
    format: str
    frame: int  # octets of 20 ms
    json: bool


class Talk:
    """One conversation, after the connection was opened."""

    def __init__(self, introduction: Introduction) -> None:
        self._introduction = introduction
        self._json = introduction.json
        self._speech = Speech(introduction.frame)
        self._parser = audiosocket.Parser()
        self._messages: list[str | bytes] = []
        self._xoff = self._buffering = self._reports_drained = False
        self.answered = self.hung_up = False
        self._commands: Mapping[str, Callable[[Command], None]] = {
            "ANSWER": self._answer,
            "HANGUP": self._hang_up,
            "START_MEDIA_BUFFERING": self._start_buffering,
            "STOP_MEDIA_BUFFERING": self._stop_buffering,
            "MARK_MEDIA": self._mark,
            "FLUSH_MEDIA": self._flush,
            "PAUSE_MEDIA": self._pause,
            "CONTINUE_MEDIA": self._continue,
            "GET_STATUS": self._status,
            "REPORT_QUEUE_DRAINED": self._report_drained,
        }

    def start(self, variables: Mapping[str, str]) -> None:
        """Tell the program what it gets."""
        own = self._introduction
        self._event(
            "MEDIA_START",
            connection_id=own.connection_id,
            channel=own.channel,
            channel_id=own.channel_id,
            format=own.format,
            optimal_frame_size=own.frame,
            ptime=20,
            channel_variables=variables,
        )

    @property
    def is_full(self) -> bool:
        """Whether the program should wait until some of what it said was heard.

        Never while it is paused, since what ends that comes behind what waits.
        """
        return self._speech.is_full and not self._speech.paused

    # --- in

    def take(self, message: str | bytes) -> None:
        """A message of the program: sound, or a command."""
        if isinstance(message, str):
            self._obey(message)
        elif not (self._speech.is_full and self._speech.paused):
            self._speech.say(message)
            if not self._xoff and self._speech.frames >= XOFF:
                self._xoff = True
                self._event("MEDIA_XOFF")

    def hear(self, data: bytes) -> None:
        """Bytes of the media process: what the channel hears, and what of the speech was heard."""
        for kind, content in self._parser.receive(data):
            if kind == audiosocket.AUDIO:
                self._messages.append(content)
            elif kind == audiosocket.DIGIT:
                digit, channel_id = content.decode(), self._introduction.channel_id
                self._event("DTMF_END", digit=digit, channel_id=channel_id)
            elif kind in SIGNALS:
                self._reached(kind)

    # --- out

    def messages(self) -> list[str | bytes]:
        """What the program is to be sent, in order."""
        messages, self._messages = self._messages, []
        return messages

    def sound(self) -> bytes:
        """What the media process is to be sent."""
        return self._speech.to_media()

    # --- what the program wants

    def _obey(self, text: str) -> None:
        try:
            command = control.read(text, json=self._json)
        except BadCommand as bad:
            self._event("ERROR", **self._of_channel, error_text=str(bad))
        else:
            self._commands[command.name](command)

    def _answer(self, _command: Command) -> None:
        self.answered = True

    def _hang_up(self, _command: Command) -> None:
        self.hung_up = True

    def _start_buffering(self, _command: Command) -> None:
        self._buffering = True

    def _stop_buffering(self, command: Command) -> None:
        self._buffering = False
        self._speech.mark(self._correlated("MEDIA_BUFFERING_COMPLETED", command))

    def _mark(self, command: Command) -> None:
        self._speech.mark(self._correlated("MEDIA_MARK_PROCESSED", command))

    def _flush(self, _command: Command) -> None:
        self._speech.flush()
        self._buffering = False
        self._tell_room()

    def _pause(self, _command: Command) -> None:
        self._speech.pause(True)

    def _continue(self, _command: Command) -> None:
        self._speech.pause(False)

    def _report_drained(self, _command: Command) -> None:
        self._reports_drained = True
        self._tell_room()

    def _status(self, _command: Command) -> None:
        self._event(
            "STATUS",
            **self._of_channel,
            queue_length=self._speech.frames,
            xon_level=XON,
            xoff_level=XOFF,
            queue_full=self._xoff,
            bulk_media=self._buffering,
            media_paused=self._speech.paused,
        )

    # --- telling

    def _reached(self, signal: int) -> None:
        text = self._speech.reached(signal)
        if text is not None:
            self._messages.append(text)
        self._tell_room()

    def _tell_room(self) -> None:
        """Say it where there is room again, or nothing left to be heard."""
        if self._xoff and self._speech.frames < XON:
            self._xoff = False
            self._event("MEDIA_XON")
        if self._reports_drained and self._speech.is_empty:
            self._reports_drained = False
            self._event("QUEUE_DRAINED")

    @property
    def _of_channel(self) -> dict[str, str]:
        return {"channel_id": self._introduction.channel_id}

    def _correlated(self, event: str, command: Command) -> str:
        fields = {**self._of_channel, "correlation_id": command.correlation_id}
        return control.write(event, fields, json=self._json)

    def _event(self, event: str, **fields: Value) -> None:
        said = control.write(event, fields or self._of_channel, json=self._json)
        self._messages.append(said)
