"""RFC 6455 at the server's end, beside wsproto's client."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage

from stasisd.bindings.websocket import frames
from stasisd.bindings.websocket.frames import (
    Closed,
    FrameError,
    FrameReader,
    Incoming,
    close_frame,
    pong_frame,
    text_frame,
    text_frames,
)

LIMIT = 70_000
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def read(data: bytes, cuts: Sequence[int] = ()) -> list[Incoming]:
    """Feed bytes, cut at these places."""
    reader, found, start = FrameReader(LIMIT), list[Incoming](), 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        found += reader.receive(data[start:cut])
        start = cut
    return found


def frame(first: int, payload: bytes, second: int = 0x80) -> bytes:
    """A short masked frame, by its first byte."""
    mask = os.urandom(4) if second & 0x80 else b""
    hidden = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if mask else payload
    return bytes((first, second | len(payload))) + mask + hidden


@given(st.lists(TEXTS))
def test_frames_read_as_they_were_written(messages: list[str]) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(text_frames(message.encode() for message in messages))
    assert [event for event in client.events() if isinstance(event, TextMessage)] == [
        TextMessage(message) for message in messages
    ]


@pytest.mark.parametrize("length", [125, 126, 65535, 65536])
def test_frame_length_fields(length: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(text_frame(b"x" * length))
    received = "".join(
        str(event.data) for event in client.events() if isinstance(event, TextMessage)
    )
    assert received == "x" * length
    assert read(Connection(ConnectionType.CLIENT).send(TextMessage(received))) == [received]


SENT = st.one_of(
    st.builds(TextMessage, TEXTS, message_finished=st.just(True)),
    st.builds(BytesMessage, st.binary(), message_finished=st.just(True)),
    st.builds(Ping, st.binary(max_size=125)),
    st.builds(Pong, st.binary(max_size=125)),
)


@given(st.lists(SENT), st.lists(st.integers(0, 10_000)))
def test_what_a_client_writes_is_read_however_it_is_cut(
    events: list[Event], cuts: list[int]
) -> None:
    client = Connection(ConnectionType.CLIENT)
    data = b"".join(client.send(event) for event in events)
    expected: list[Incoming] = []
    for event in events:
        if isinstance(event, Message):
            expected.append(event.data)
        else:
            expected.append(
                frames.Ping(bytes(event.payload)) if isinstance(event, Ping) else frames.Pong()
            )
    assert read(data, cuts) == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_read_or_declared_wrong(data: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(FrameError):
        read(data, cuts)


def test_pieces_become_one_message_around_a_ping() -> None:
    text = "grüße".encode()
    data = frame(0x01, text[:3]) + frame(0x89, b"?") + frame(0x00, text[3:5])
    assert read(data + frame(0x80, text[5:])) == [frames.Ping(b"?"), "grüße"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0xC1, b"x"), 1002),  # a reserved bit
        (frame(0x83, b"x"), 1002),  # no opcode
        (frame(0x81, b"x", second=0), 1002),  # not masked
        (frame(0x80, b"x"), 1002),  # a piece of nothing
        (frame(0x01, b"x") + frame(0x81, b"x"), 1002),  # a message inside another
        (frame(0x09, b"x"), 1002),  # a control frame in pieces
        (bytes((0x89, 0xFE, 0, 126)), 1002),  # a long control frame
        (frame(0x81, b"\xff"), 1007),
        (frame(0x01, b"\xc3") + frame(0x80, b""), 1007),
        (frame(0x88, b"\x03"), 1002),
        (frame(0x88, b"\x03\xed"), 1002),  # 1005 is never sent
        (frame(0x88, b"\x03\xe8\xff"), 1007),
        (bytes((0x81, 0xFF)) + (1 << 40).to_bytes(8, "big"), 1009),
        (bytes((0x01, 0xFE)) + (60_000).to_bytes(2, "big") + bytes(60_004)
         + bytes((0x00, 0xFE)) + (20_000).to_bytes(2, "big"), 1009),
    ],
)  # fmt: skip
def test_what_may_not_be(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as raised:
        read(data)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("payload", "closed"),
    [(b"", Closed(1005)), (b"\x03\xe8bye", Closed(1000, "bye")), (b"\x0f\xa0", Closed(4000))],
)
def test_end_of_the_peer(payload: bytes, closed: Closed) -> None:
    assert read(frame(0x88, payload)) == [closed]


@pytest.mark.parametrize(("code", "reason"), [(1001, "bye"), (1008, "ü" * 100), (1005, "")])
def test_end_of_ours(code: int, reason: str) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(pong_frame(b"!") + close_frame(code, reason))
    pong, close = client.events()
    assert (isinstance(pong, Pong) and pong.payload) == b"!"
    assert isinstance(close, CloseConnection)
    assert close.code == code
    assert reason.startswith(close.reason or "")
