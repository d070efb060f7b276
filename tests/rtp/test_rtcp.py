"""RFC 3550, section 6."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stasisd.rtp import rtcp

words = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    rtcp.ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest=words,
    jitter=words,
    last_sr=words,
    delay=words,
)
some_blocks = st.lists(blocks, max_size=3).map(tuple)
reports = st.one_of(
    st.builds(
        rtcp.SenderReport,
        ssrc=words,
        ntp=st.integers(0, 2**64 - 1),
        timestamp=words,
        packets=words,
        octets=words,
        blocks=some_blocks,
    ),
    st.builds(rtcp.ReceiverReport, ssrc=words, blocks=some_blocks),
    st.builds(rtcp.Description, ssrc=words, cname=st.text(min_size=1, max_size=60)),
    st.builds(rtcp.Goodbye, ssrcs=st.lists(words, max_size=4).map(tuple)),
)


@given(st.lists(reports, min_size=1, max_size=4))
def test_what_is_made_is_read(compound: list[rtcp.Report]) -> None:
    data = rtcp.make(compound)
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == compound


def test_unknown_kinds_are_stepped_over() -> None:
    feedback = bytes([0x81, 205, 0, 1]) + bytes(4)
    goodbye = rtcp.make([rtcp.Goodbye((1,))])
    assert rtcp.parse(feedback + goodbye) == [rtcp.Goodbye((1,))]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80\xc8", bytes(8), b"\x80\xc9\x00\x05abcd", b"\x81\xc9\x00\x01abcd", b"\x85\xcb\0\0"],
)
def test_lies_are_refused(data: bytes) -> None:
    with pytest.raises(rtcp.MalformedReport):
        rtcp.parse(data)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=80), st.lists(reports, max_size=2).map(rtcp.make)), st.data())
@example(b"\x81\xca\x00\x01\x00\x00\x00\x01", None)
def test_nothing_but_the_declared_error_escapes(data: bytes, draw: st.DataObject | None) -> None:
    if draw is not None and data:
        at = draw.draw(st.integers(0, len(data) - 1))
        data = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    try:
        rtcp.parse(data)
    except rtcp.MalformedReport:
        pass


def test_round_trip_is_what_is_left_of_the_delay() -> None:
    sent = rtcp.ntp_time(1_700_000_000.0)
    arrived = rtcp.ntp_time(1_700_000_000.35)
    block = rtcp.ReportBlock(1, 0, 0, 0, 0, last_sr=rtcp.middle(sent), delay=int(0.25 * 65536))
    assert rtcp.round_trip(block, arrived) == pytest.approx(0.1, abs=0.001)


def test_no_sender_report_or_a_wrong_clock_is_no_round_trip() -> None:
    now = rtcp.ntp_time(1_700_000_000.0)
    assert rtcp.round_trip(rtcp.ReportBlock(1, 0, 0, 0, 0), now) is None
    ahead = rtcp.ReportBlock(1, 0, 0, 0, 0, last_sr=rtcp.middle(now) + 5, delay=0)
    assert rtcp.round_trip(ahead, now) is None
