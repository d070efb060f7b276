import re

import msgspec
import pytest
from hypothesis import given, settings

from stasisd.sdp.codecs import ALAW, BY_NAME, CODECS, ULAW, Codec, telephone_event
from stasisd.sdp.negotiation import Agreement, LocalMedia, NotAcceptable, agree, answer, offer
from stasisd.sdp.session import Direction, SdpError, Session, parse, serialise
from tests.sdp import shapes
from tests.sdp.mutation import mutated

LOCAL = LocalMedia(address="192.0.2.1", port=10000, session_id="42")
LOCAL_6 = LocalMedia(address="2001:db8::1", port=10000, session_id="42")
OPUS = Codec("opus", "opus", 48000, channels=2, fmtp="useinbandfec=1")


def changed(body: bytes, old: bytes, new: bytes) -> Session:
    assert old in body
    return parse(body.replace(old, new))


def answered(body: bytes, local: LocalMedia = LOCAL) -> tuple[Session, Agreement]:
    session, agreement = answer(parse(body), local, 1)
    assert parse(serialise(session)) == session
    return session, agreement


def test_an_offer_lists_our_codecs_events_and_address() -> None:
    assert serialise(offer(LOCAL, 7)).decode().split("\r\n") == [
        "v=0",
        "o=- 42 7 IN IP4 192.0.2.1",
        "s=stasisd",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 10000 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_baresip_is_answered_with_the_common_codecs_in_its_order() -> None:
    session, agreement = answered(shapes.BARESIP)
    assert session.media[0].formats == ("0", "8", "101")
    assert agreement == Agreement(
        rtp=("192.0.2.10", 25038),
        rtcp=("192.0.2.10", 25039),
        rtcp_mux=False,
        codec=ULAW,
        payload_type=0,
        accepts=((0, ULAW), (8, ALAW)),
        telephone_event=101,
        accepts_telephone_event=101,
        direction=Direction.SENDRECV,
        held=False,
        ptime=20,
    )


def test_linphone_over_ipv6_without_rtpmaps_and_with_events_at_two_rates() -> None:
    session, agreement = answered(shapes.LINPHONE, LOCAL_6)
    assert session.media[0].formats == ("0", "8", "100")
    assert session.connection is not None
    assert session.connection.family == "IP6"
    assert agreement.rtp == ("2001:db8::10", 7078)
    assert agreement.telephone_event == 100
    assert (session.media[1].kind, session.media[1].port) == ("video", 0)


def test_names_of_encodings_ignore_case_and_ptime_is_the_peers() -> None:
    _, agreement = answered(shapes.DESK_PHONE)
    assert agreement.codec is ALAW
    assert agreement.accepts == ((8, ALAW), (0, ULAW))
    assert agreement.telephone_event == 101
    assert agreement.ptime == 30


def test_static_payload_types_need_no_rtpmap() -> None:
    _, agreement = answered(shapes.STATIC_ONLY)
    assert agreement.codec is ULAW
    assert agreement.telephone_event is None
    assert agreement.accepts_telephone_event is None


@pytest.mark.parametrize("meaning", [b"PCMU/16000", b"PCMU/8000/2", b"G729/8000"])
def test_encoding_rate_and_channels_make_a_codec(meaning: bytes) -> None:
    body = shapes.STATIC_ONLY.replace(b"18 0", b"96 0") + b"a=rtpmap:96 " + meaning + b"\n"
    assert answered(body)[0].media[0].formats == ("0",)


def test_the_first_of_two_rtpmaps_counts() -> None:
    body = shapes.STATIC_ONLY + b"a=rtpmap:18 PCMA/8000\na=rtpmap:18 PCMU/8000\n"
    assert answered(body)[1].codec is ALAW


def test_a_refused_line_without_formats_gets_one() -> None:
    session, _ = answered(shapes.STATIC_ONLY + b"m=video 6000 RTP/AVP\n")
    assert session.media[1].formats == ("0",)


def test_an_rtpmap_overrules_the_static_meaning() -> None:
    with pytest.raises(NotAcceptable, match="none of our codecs"):
        answer(
            changed(shapes.STATIC_ONLY, b"RTP/AVP 18 0\n", b"RTP/AVP 0\na=rtpmap:0 G729/8000\n"),
            LOCAL,
            1,
        )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (shapes.SRTP_ONLY, "RTP/SAVP is not served"),
        (shapes.WEBRTC, "UDP/TLS/RTP/SAVPF is not served"),
        (shapes.LINPHONE, "can't be reached from 192.0.2.1"),
        (shapes.STATIC_ONLY.replace(b"18 0", b"18 4"), "none of our codecs"),
        (shapes.STATIC_ONLY.replace(b"18 0", b"200 x"), "none of our codecs"),
        (shapes.STATIC_ONLY.replace(b"audio 16384", b"audio 0"), "port 0"),
        (shapes.STATIC_ONLY.replace(b"audio", b"video"), "only audio"),
        (shapes.STATIC_ONLY.replace(b"c=IN IP4 203.0.113.5", b"a=x"), "no c="),
        (shapes.STATIC_ONLY.replace(b"c=IN IP4 203.0.113.5", b"c=IN IP4 a.example"), "a name"),
        (b"v=0\no=- 1 1 IN IP4 192.0.2.9\n", "no m= line"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotAcceptable, match=re.escape(reason)):
        answer(parse(body), LOCAL, 1)


def test_the_first_acceptable_of_several_lines_is_answered_and_the_others_in_order() -> None:
    session, agreement = answered(shapes.SEVERAL_LINES)
    assert [(m.kind, m.port, m.protocol, m.formats) for m in session.media] == [
        ("audio", 0, "RTP/SAVP", ("0",)),
        ("image", 0, "udptl", ("t38",)),
        ("audio", 10000, "RTP/AVP", ("8", "0")),
        ("audio", 0, "RTP/AVP", ("0",)),
    ]
    assert agreement.rtp == ("192.0.2.31", 4004)
    assert agreement.rtcp == ("192.0.2.32", 5005)


@pytest.mark.parametrize(
    ("theirs", "ours", "held"),
    [
        (b"a=sendrecv", Direction.SENDRECV, False),
        (b"a=sendonly", Direction.RECVONLY, True),
        (b"a=recvonly", Direction.SENDONLY, False),
        (b"a=inactive", Direction.INACTIVE, True),
    ],
)
@pytest.mark.parametrize("level", ["media", "session"])
def test_hold_by_direction(theirs: bytes, ours: Direction, held: bool, level: str) -> None:
    body = shapes.BARESIP
    if level == "session":
        body = body.replace(b"a=sendrecv\n", b"").replace(b"a=tool", theirs + b"\na=tool")
    else:
        body = body.replace(b"a=sendrecv", theirs)
    session, agreement = answered(body)
    assert session.media[0].direction is ours
    assert agreement.direction is ours
    assert agreement.held is held


@pytest.mark.parametrize("local", [LOCAL, LOCAL_6])
def test_hold_by_the_unspecified_address(local: LocalMedia) -> None:
    body = shapes.BARESIP.replace(b"c=IN IP4 192.0.2.10", b"c=IN IP4 0.0.0.0")
    session, agreement = answered(body, local)
    assert agreement.held
    assert agreement.rtp is None
    assert agreement.rtcp is None
    assert agreement.direction is Direction.RECVONLY
    assert session.media[0].direction is Direction.RECVONLY


def test_our_own_direction_limits_the_answer() -> None:
    local = msgspec.structs.replace(LOCAL, direction=Direction.SENDONLY)
    session, agreement = answered(shapes.BARESIP, local)
    assert session.media[0].direction is Direction.SENDONLY
    assert agreement.direction is Direction.SENDONLY
    assert not agreement.held


def test_we_send_with_their_numbers_and_accept_ours() -> None:
    theirs = parse(
        b"v=0\no=- 1 1 IN IP4 192.0.2.9\nc=IN IP4 192.0.2.9\n"
        b"m=audio 6000 RTP/AVP 97 120\na=rtpmap:97 PCMA/8000\na=rtpmap:120 telephone-event/8000\n"
    )
    agreement = agree(offer(LOCAL, 1), theirs)
    assert (agreement.codec, agreement.payload_type) == (ALAW, 97)
    assert agreement.accepts == ((0, ULAW), (8, ALAW))
    assert agreement.telephone_event == 120
    assert agreement.accepts_telephone_event == 101


def test_two_of_us_agree_with_each_other() -> None:
    peer = LocalMedia(address="192.0.2.2", port=20000, session_id="9", codecs=(ALAW,))
    ours = offer(LOCAL, 1)
    session, theirs = answer(ours, peer, 1)
    agreement = agree(ours, session)
    assert agreement.codec is theirs.codec is ALAW
    assert agreement.rtp == ("192.0.2.2", 20000)
    assert theirs.rtp == ("192.0.2.1", 10000)
    assert agreement.telephone_event == theirs.telephone_event == 101


@pytest.mark.parametrize(
    ("ours", "theirs", "direction", "held"),
    [
        (Direction.SENDRECV, b"a=sendrecv", Direction.SENDRECV, False),
        (Direction.SENDRECV, b"a=sendonly", Direction.RECVONLY, True),
        (Direction.SENDONLY, b"a=recvonly", Direction.SENDONLY, False),
        (Direction.SENDONLY, b"a=inactive", Direction.INACTIVE, True),
        (Direction.RECVONLY, b"a=sendonly", Direction.RECVONLY, False),
        (Direction.INACTIVE, b"a=inactive", Direction.INACTIVE, False),
    ],
)
def test_who_answers_our_hold_does_not_hold_us(
    ours: Direction, theirs: bytes, direction: Direction, held: bool
) -> None:
    ask = offer(msgspec.structs.replace(LOCAL, direction=ours), 1)
    agreement = agree(ask, changed(shapes.BARESIP, b"a=sendrecv", theirs))
    assert (agreement.direction, agreement.held) == (direction, held)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (shapes.STATIC_ONLY.replace(b"audio 16384", b"audio 0"), "m= line 1.*port 0"),
        (b"v=0\no=- 1 1 IN IP4 192.0.2.9\n", "fewer m= lines"),
        (shapes.STATIC_ONLY.replace(b"18 0", b"18"), "none of the codecs offered"),
        (shapes.SRTP_ONLY, "RTP/SAVP"),
    ],
)
def test_an_answer_that_settles_nothing_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(NotAcceptable, match=reason):
        agree(offer(LOCAL, 1), parse(body))


def test_rtcp_mux_needs_both_sides() -> None:
    local = msgspec.structs.replace(LOCAL, rtcp_mux=True)
    muxed = shapes.BARESIP.replace(b"a=ptime", b"a=rtcp-mux\na=ptime")
    session, agreement = answered(muxed, local)
    assert session.media[0].rtcp_mux
    assert agreement.rtcp == agreement.rtp == ("192.0.2.10", 25038)
    assert not answered(shapes.BARESIP, local)[0].media[0].rtcp_mux
    assert not answered(muxed)[1].rtcp_mux
    assert agree(offer(local, 1), session).rtcp_mux
    assert not agree(offer(LOCAL, 1), session).rtcp_mux


def test_an_rtcp_port_of_our_own_is_told() -> None:
    local = msgspec.structs.replace(LOCAL, rtcp_port=10500)
    session = offer(local, 1)
    assert b"a=rtcp:10500\r\n" in serialise(session)
    assert agree(offer(LOCAL, 1), session).rtcp == ("192.0.2.1", 10500)
    usual = msgspec.structs.replace(LOCAL, rtcp_port=10001)
    assert b"a=rtcp" not in serialise(offer(usual, 1))


def test_rtcp_after_the_last_port_goes_nowhere() -> None:
    _, agreement = answered(shapes.STATIC_ONLY.replace(b"16384", b"65535"))
    assert agreement.rtcp is None


def test_a_new_offer_keeps_the_session_and_raises_the_version() -> None:
    first = offer(LOCAL, 1)
    again = offer(LOCAL, 2, first)
    assert again.origin.session_id == first.origin.session_id
    assert (first.origin.version, again.origin.version) == ("1", "2")
    assert again.media == first.media


def test_a_new_offer_keeps_the_lines_and_numbers_of_what_was_answered() -> None:
    body = shapes.SEVERAL_LINES.replace(
        b"m=audio 4004 RTP/AVP 8 0", b"m=audio 4004 RTP/AVP 8 96"
    ).replace(b"a=rtcp:5005", b"a=rtpmap:96 telephone-event/8000\na=rtcp:5005")
    session, _ = answered(body)
    again = offer(msgspec.structs.replace(LOCAL, direction=Direction.SENDONLY), 2, session)
    assert [(m.kind, m.port) for m in again.media] == [
        ("audio", 0), ("image", 0), ("audio", 10000), ("audio", 0),
    ]  # fmt: skip
    assert again.media[2].formats == ("0", "8", "96")
    assert again.media[2].direction is Direction.SENDONLY


def test_an_offer_after_a_session_without_audio_adds_a_line() -> None:
    video = parse(shapes.STATIC_ONLY.replace(b"audio 16384", b"video 0"))
    assert [(m.kind, m.port) for m in offer(LOCAL, 2, video).media] == [
        ("video", 0), ("audio", 10000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "ptime"),
    [
        (b"", 20),
        (b"a=ptime:0\n", 20),
        (b"a=ptime:33\n", 30),
        (b"a=ptime:9999\n", 120),
        (b"a=ptime:60\na=maxptime:40\n", 40),
        (b"a=maxptime:10\n", 10),
        (b"a=maxptime:1\n", 10),
    ],
)
def test_ptime_is_whole_frames_within_the_peers_limit(lines: bytes, ptime: int) -> None:
    assert answered(shapes.STATIC_ONLY + lines)[1].ptime == ptime


def test_a_later_codec_is_a_row() -> None:
    local = msgspec.structs.replace(LOCAL, codecs=(OPUS, *CODECS))
    ours = offer(local, 1)
    assert ours.media[0].formats == ("96", "0", "8", "101", "97")
    assert ours.media[0].rtpmaps[3].clock_rate == 48000
    assert ours.media[0].fmtps[0].parameters == "useinbandfec=1"
    session, agreement = answered(shapes.BARESIP, local)
    assert session.media[0].formats == ("96", "0", "8")
    assert (agreement.codec, agreement.payload_type) == (OPUS, 96)
    assert agreement.telephone_event is None, "the events offered are at another clock rate"
    assert agree(ours, parse(shapes.BARESIP), local.codecs).codec == OPUS


def test_codecs_can_be_found_by_the_name_in_the_configuration() -> None:
    assert BY_NAME == {"ulaw": ULAW, "alaw": ALAW}
    assert telephone_event(8000).is_telephone_event


def test_events_can_be_left_out() -> None:
    local = msgspec.structs.replace(LOCAL, telephone_event=False)
    assert offer(local, 1).media[0].formats == ("0", "8")
    session, agreement = answered(shapes.BARESIP, local)
    assert session.media[0].formats == ("0", "8")
    assert agreement.telephone_event is None


def check(body: bytes) -> None:
    try:
        session = parse(body)
    except SdpError:
        return
    ours = offer(LOCAL, 1)
    for negotiate in (lambda: answer(session, LOCAL, 1)[0], lambda: agree(ours, session)):
        try:
            result = negotiate()
        except NotAcceptable:
            continue
        if isinstance(result, Session):
            assert len(result.media) == len(session.media)
            assert parse(serialise(result)) == result
            assert offer(LOCAL, 2, result).media


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_disturbed_descriptions_are_settled_or_refused(body: bytes) -> None:
    check(body)


@pytest.mark.slow
@given(mutated())
@settings(max_examples=120_000, deadline=None, database=None)
def test_very_many_disturbed_descriptions(body: bytes) -> None:
    check(body)
