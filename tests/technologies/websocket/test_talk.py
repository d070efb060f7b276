"""The conversation with a program, against a media process that plays at a test's word."""

from collections import deque

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stasisd.media import audiosocket, paced
from stasisd.media.paced import Signal
from stasisd.technologies.websocket import speech
from stasisd.technologies.websocket.talk import Introduction, Talk

FRAME = 320
INTRODUCTION = Introduction(
    connection_id="x", channel="WebSocket/x", channel_id="c", format="slin", frame=FRAME, json=True
)


class MediaProcess:
    """Queues what it is sent, as the media process does, and plays frame by frame."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.played = b""
        self.most = 0  # octets that were there at a time
        self._parser = audiosocket.Parser()
        self._queue: deque[bytes | int] = deque()
        self._paused = False

    def take(self) -> None:
        for kind, content in self._parser.receive(self.talk.sound()):
            if kind == audiosocket.AUDIO:
                self._queue.append(content)
            elif kind == Signal.MARK:
                self._queue.append(kind)
            elif kind == Signal.FLUSH:
                self._queue.clear()
                self.talk.hear(paced.make(Signal.FLUSH))
            else:
                self._paused = kind == Signal.PAUSE
        self.most = max(self.most, sum(len(q) for q in self._queue if isinstance(q, bytes)))

    def play(self, frames: int = 1) -> None:
        for _ in range(frames):
            self.take()
            room = 0 if self._paused else FRAME
            while self._queue and not self._paused and (room or isinstance(self._queue[0], int)):
                head = self._queue.popleft()
                if isinstance(head, int):
                    self.talk.hear(paced.make(Signal.MARK))
                    continue
                self.played += head[:room]
                if head[room:]:
                    self._queue.appendleft(head[room:])
                room -= len(head[:room])
            self.take()


def command(name: str, correlation_id: str = "") -> str:
    said = {"command": name, "correlation_id": correlation_id}
    return msgspec.json.encode(said).decode()


def events(talk: Talk) -> list[str]:
    """What the program was told, each with its correlation id."""
    told = [msgspec.json.decode(text) for text in talk.messages() if isinstance(text, str)]
    return [f"{event['event']} {event.get('correlation_id', '')}".strip() for event in told]


def status(talk: Talk) -> dict[str, object]:
    talk.take(command("GET_STATUS"))
    (text,) = talk.messages()
    assert isinstance(text, str)
    told: dict[str, object] = msgspec.json.decode(text)
    return told


def test_marks_come_when_what_is_before_them_was_heard() -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    talk.take(bytes(50 * FRAME))
    talk.take(command("MARK_MEDIA", "a"))
    talk.take(bytes(FRAME))
    talk.take(command("STOP_MEDIA_BUFFERING", "b"))
    media.play(49)
    assert events(talk) == []
    media.play(1)
    assert events(talk) == ["MEDIA_MARK_PROCESSED a"]
    media.play(1)
    assert events(talk) == ["MEDIA_BUFFERING_COMPLETED b"]
    assert len(media.played) == 51 * FRAME


def test_little_is_on_its_way() -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    talk.take(bytes(1000 * FRAME))
    media.play(1000)
    assert media.most <= (speech.AHEAD + speech.CHUNK) * FRAME
    assert len(media.played) == 1000 * FRAME


def test_what_is_flushed_is_neither_heard_nor_told() -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    talk.take(b"\1" * 100 * FRAME)
    talk.take(command("MARK_MEDIA", "lost"))
    media.play(3)
    talk.take(command("FLUSH_MEDIA"))
    talk.take(b"\2" * FRAME)
    talk.take(command("MARK_MEDIA", "kept"))
    talk.take(command("REPORT_QUEUE_DRAINED"))
    media.play(5)
    assert events(talk) == ["MEDIA_MARK_PROCESSED kept", "QUEUE_DRAINED"]
    assert media.played == b"\1" * 3 * FRAME + b"\2" * FRAME
    assert status(talk)["queue_length"] == 0


def test_marks_that_were_on_their_way_back_belong_to_what_was_flushed() -> None:
    talk = Talk(INTRODUCTION)
    talk.take(bytes(FRAME))
    talk.take(command("MARK_MEDIA", "old"))
    talk.sound()
    talk.take(command("FLUSH_MEDIA"))
    talk.take(command("MARK_MEDIA", "new"))
    talk.sound()
    talk.hear(2 * paced.make(Signal.MARK))
    assert events(talk) == []
    talk.hear(paced.make(Signal.FLUSH) + paced.make(Signal.MARK))
    assert events(talk) == ["MEDIA_MARK_PROCESSED new"]


def test_a_pause_keeps_all_of_it() -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    talk.take(command("PAUSE_MEDIA"))
    talk.take(bytes(10 * FRAME))
    media.play(20)
    assert media.played == b""
    assert status(talk)["media_paused"] is True
    talk.take(command("CONTINUE_MEDIA"))
    media.play(20)
    assert len(media.played) == 10 * FRAME


def test_the_program_is_told_when_to_stop_and_to_go_on() -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    talk.take(bytes((speech.XOFF - 1) * FRAME))
    assert events(talk) == []
    talk.take(bytes(1))
    talk.take(bytes(FRAME))
    assert events(talk) == ["MEDIA_XOFF"]
    told = status(talk)
    assert (told["queue_length"], told["queue_full"]) == (speech.XOFF + 1, True)
    media.play(100)
    assert events(talk) == []
    media.play(10)
    assert events(talk) == ["MEDIA_XON"]


def test_past_two_minutes_it_waits_and_in_a_pause_it_is_left_out() -> None:
    talk = Talk(INTRODUCTION)
    talk.take(bytes(speech.FULL * FRAME))
    assert events(talk) == ["MEDIA_XOFF"]
    full = [talk.is_full]
    talk.take(command("PAUSE_MEDIA"))
    full.append(talk.is_full)
    assert full == [True, False], "what ends the pause comes behind"
    talk.take(bytes(FRAME))
    assert status(talk)["queue_length"] == speech.FULL


def test_what_is_no_command_is_said_and_harms_nothing() -> None:
    talk = Talk(INTRODUCTION)
    talk.take("nonsense")
    talk.take(command("HANGUP"))
    assert talk.hung_up
    (text,) = talk.messages()
    assert isinstance(text, str)
    assert msgspec.json.decode(text) == {
        "event": "ERROR", "channel_id": "c", "error_text": "Unable to parse JSON command",
    }  # fmt: skip


def test_keys_and_sound_of_the_channel_reach_the_program() -> None:
    talk = Talk(INTRODUCTION)
    talk.hear(paced.sound(b"ab") + audiosocket.make(audiosocket.DIGIT, b"#"))
    sound, key = talk.messages()
    assert sound == b"ab"
    assert isinstance(key, str)
    assert msgspec.json.decode(key) == {"event": "DTMF_END", "digit": "#", "channel_id": "c"}


STEPS = st.one_of(
    st.binary(max_size=5000),
    st.sampled_from(["FLUSH_MEDIA", "PAUSE_MEDIA", "CONTINUE_MEDIA", "REPORT_QUEUE_DRAINED"]),
    st.integers(0, 99).map(lambda n: f"mark {n}"),
    st.integers(1, 30),
)


@given(st.lists(STEPS, max_size=30))
def test_whatever_is_said_all_is_heard_once_and_marks_keep_their_order(
    steps: list[bytes | str | int],
) -> None:
    talk = Talk(INTRODUCTION)
    media = MediaProcess(talk)
    said, marks = b"", list[str]()
    for step in steps:
        if isinstance(step, int):
            media.play(step)
        elif isinstance(step, bytes):
            talk.take(step)
            said += step
        elif step.startswith("mark"):
            talk.take(command("MARK_MEDIA", step))
            marks.append(f"MEDIA_MARK_PROCESSED {step}")
        else:
            talk.take(command(step))
        if step == "FLUSH_MEDIA":
            media.take()
            done = [e for e in events(talk) if e.startswith("MEDIA_MARK")]
            assert done == marks[: len(done)]
            said, marks = media.played, []
    talk.take(command("CONTINUE_MEDIA"))
    media.play(1000)
    assert media.played == said
    told = [event for event in events(talk) if event.startswith("MEDIA_MARK")]
    assert told == marks
    assert status(talk)["queue_length"] == 0
