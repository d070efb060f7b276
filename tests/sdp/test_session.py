import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.sdp.session import (
    MAX_BYTES,
    MAX_LINES,
    MAX_MEDIA,
    Attribute,
    Connection,
    Direction,
    Fmtp,
    Rtcp,
    RtpMap,
    SdpError,
    parse,
    serialise,
)
from tests.sdp import shapes
from tests.sdp.mutation import mutated

HEAD = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"


def test_a_description_is_read_into_its_parts() -> None:
    session = parse(shapes.BARESIP)
    assert session.origin.session_id == "3953571"
    assert session.origin.version == "271828"
    assert session.connection == Connection("IP4", "192.0.2.10")
    assert session.attributes == (Attribute("tool", "baresip 1.0.0"),)
    (audio,) = session.media
    assert (audio.kind, audio.port, audio.protocol) == ("audio", 25038, "RTP/AVP")
    assert audio.formats == ("96", "0", "8", "101")
    assert audio.rtpmaps[0] == RtpMap(96, "opus", 48000, 2)
    assert audio.fmtps[1] == Fmtp(101, "0-15")
    assert audio.direction is Direction.SENDRECV
    assert audio.ptime == 20
    assert audio.maxptime is None
    assert audio.rtcp == Rtcp(25039)
    assert audio.bandwidths == ("AS:125",)


def test_unknown_attributes_are_kept_in_order() -> None:
    (audio,) = parse(shapes.BARESIP).media
    assert audio.attributes == (
        Attribute("label", "1"),
        Attribute("rtcp-rsize"),
        Attribute("ssrc", "2882343476 cname:sip:100@192.0.2.1"),
    )


def test_connections_are_read_at_both_levels() -> None:
    session = parse(shapes.WEBRTC)
    assert session.connection is None
    assert session.media[0].connection == Connection("IP4", "0.0.0.0")
    assert session.media[0].rtcp == Rtcp(9, Connection("IP4", "0.0.0.0"))
    assert session.media[0].rtcp_mux
    assert session.media[1].formats == ("webrtc-datachannel",)


@pytest.mark.parametrize("body", shapes.ALL)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r", b"\n\n"])
def test_any_line_end_is_read_and_round_trips(body: bytes, line_end: bytes) -> None:
    session = parse(body.replace(b"\n", line_end))
    assert session == parse(body)
    assert parse(serialise(session)) == session


def test_a_repeated_or_malformed_known_attribute_is_kept_as_unknown() -> None:
    body = HEAD + (
        b"m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=sendrecv\r\na=ptime:fast\r\na=ptime:30\r\n"
        b"a=ptime:40\r\na=rtpmap:300 PCMU/8000\r\na=rtpmap:x\r\na=rtcp:nowhere\r\na=fmtp:x y\r\n"
    )
    (audio,) = parse(body).media
    assert audio.direction is Direction.SENDONLY
    assert audio.ptime == 30
    assert audio.rtpmaps == ()
    assert audio.rtcp is None
    assert [a.name for a in audio.attributes] == [
        "sendrecv", "ptime", "ptime", "rtpmap", "rtpmap", "rtcp", "fmtp",
    ]  # fmt: skip


def test_a_username_may_hold_blanks_or_be_missing() -> None:
    blanks = parse(b"v=0\r\no=Alice of Desk 1 2 IN IP4 192.0.2.1\r\n")
    assert blanks.origin.username == "Alice of Desk"
    assert parse(b"v=0\r\no=1 2 IN IP4 192.0.2.1\r\n").origin.username == "-"


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbf" + HEAD) == parse(HEAD)


def test_a_multicast_suffix_is_dropped() -> None:
    session = parse(HEAD + b"c=IN IP4 233.252.0.1/127\r\n")
    assert session.connection == Connection("IP4", "233.252.0.1")


def test_undecodable_bytes_become_replacement_characters() -> None:
    session = parse(b"v=0\r\no=\xff 1 2 IN IP4 192.0.2.1\r\ns=caf\xe9\r\n")
    assert session.name == "caf\ufffd"
    assert parse(serialise(session)) == session


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "v=0"),
        (b"v=1\r\n", "v=0"),
        (b"hello", "x=value"),
        (HEAD + b"ab=c\r\n", "x=value"),
        (b"v=0\r\ns=-\r\n", "no o="),
        (b"v=0\r\no=- 1 2 IN\r\n", "six fields"),
        (b"v=0\r\no=- 1 2 ATM IP4 x\r\n", "IN IP4"),
        (HEAD + b"c=IN IP5 x\r\n", "c="),
        (HEAD + b"c=IN IP4 /8\r\n", "c="),
        (HEAD + b"m=audio 1\r\n", "m="),
        (HEAD + b"m=audio 65536 RTP/AVP 0\r\n", "m= port"),
        (HEAD + b"m=audio -1 RTP/AVP 0\r\n", "m= port"),
        (HEAD + "m=audio ٣ RTP/AVP 0\r\n".encode(), "m= port"),
        (HEAD + b"m=audio 1/x RTP/AVP 0\r\n", "port count"),
        (HEAD + b"a=\0\r\n", "NUL"),
        (HEAD + b"a=x\r\n" * MAX_LINES, "lines"),
        (HEAD + b"m=audio 1 RTP/AVP 0\r\n" * (MAX_MEDIA + 1), "m= lines"),
        (HEAD + b"a=" + b"x" * MAX_BYTES, "bytes"),
    ],
)
def test_what_cannot_be_understood_says_why(body: bytes, complaint: str) -> None:
    with pytest.raises(SdpError, match=complaint):
        parse(body)


@pytest.mark.parametrize("value", ["a\r\nm=audio 1 RTP/AVP 0", "a\n", "a\0b"])
def test_a_value_cannot_smuggle_in_a_line(value: str) -> None:
    session = msgspec.structs.replace(parse(HEAD), name=value)
    with pytest.raises(SdpError):
        serialise(session)


def test_directions_are_made_of_two_rights() -> None:
    for direction in Direction:
        assert Direction.of(sends=direction.sends, receives=direction.receives) is direction


def check(body: bytes) -> None:
    try:
        session = parse(body)
    except SdpError:
        return
    assert parse(serialise(session)) == session


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_disturbed_descriptions_round_trip_or_raise_the_declared_error(body: bytes) -> None:
    check(body)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_round_trip_or_raise_the_declared_error(body: bytes) -> None:
    check(body)
    check(HEAD + body)


@pytest.mark.slow
@given(mutated())
@settings(max_examples=120_000, deadline=None, database=None)
def test_very_many_disturbed_descriptions(body: bytes) -> None:
    check(body)
