"""AudioSocket's frames, however the stream is cut."""

from hypothesis import given
from hypothesis import strategies as st

from stasisd.media import audiosocket
from stasisd.media.audiosocket import Frame, Parser

frames = st.lists(st.builds(Frame, st.integers(0, 255), st.binary(max_size=400)), max_size=8)


def test_the_layout_is_the_one_of_the_protocol() -> None:
    identity = bytes(range(16))
    assert audiosocket.make(audiosocket.IDENTITY, identity) == b"\x01\x00\x10" + identity
    assert audiosocket.make(audiosocket.AUDIO, bytes(320))[:3] == b"\x10\x01\x40"
    assert audiosocket.make(audiosocket.HANGUP) == b"\x00\x00\x00"


@given(frames, st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_frames_come_out_as_they_went_in(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(audiosocket.make(*frame) for frame in sent)
    parser, found = Parser(), []
    while stream:
        size = cuts[len(stream) % len(cuts)]
        found += parser.receive(stream[:size])
        stream = stream[size:]
    assert found == sent


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_anything_can_be_read_and_little_is_kept(pieces: list[bytes]) -> None:
    parser = Parser()
    for piece in pieces:
        parser.receive(piece)
        assert len(parser._rest) < 3 + audiosocket.LONGEST
