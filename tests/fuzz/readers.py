"""What reads bytes that others wrote, with examples to disturb and the errors that it declares."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from stasisd.bindings.ari.parameters import pairs, segments
from stasisd.bindings.rest.head import read_head
from stasisd.bindings.websocket.frames import FrameError, FrameReader
from stasisd.dialplan.expressions import ExpressionError, evaluate
from stasisd.dialplan.matcher import Matcher
from stasisd.dialplan.parser import DialplanError
from stasisd.dialplan.parser import parse as parse_dialplan
from stasisd.dialplan.regular import RegularExpressionError, compile_regular, search
from stasisd.dialplan.variables import MAX_DEPTH, SubstitutionError, substitute
from stasisd.rtp import packet, rtcp, telephone_event
from stasisd.sdp import negotiation
from stasisd.sdp import session as sdp
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.parser import MalformedMessage, StreamParser
from stasisd.sip.parser import parse as parse_sip
from stasisd.technologies.websocket import control
from tests.bindings.rest.test_websockets import masked
from tests.sdp import mutation as sdp_mutation
from tests.sdp import shapes
from tests.sip import mutation as sip_mutation

DIALPLAN = Path(__file__).parent.parent / "compatibility" / "target" / "extensions.conf"
LOCAL = negotiation.LocalMedia(address="192.0.2.1", port=10000, session_id="42")
WIDEST = 1500  # bytes of a datagram


class NotPlain(Exception):
    """Not a head of the hot path: hypercorn says what is wrong."""


class Reader(msgspec.Struct, frozen=True):
    """`read` takes bytes and raises nothing but `refuses`."""

    name: str
    read: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    examples: Sequence[bytes]
    tokens: Sequence[bytes]


def read_sip(data: bytes) -> None:
    """A datagram, and each header field that somebody could ask for."""
    message = parse_sip(data)
    for name in ("via", "from_", "to", "call_id", "cseq", "contacts", "record_route", "uri"):
        try:
            getattr(message, name, None)
        except MalformedSip:
            pass


def read_sip_stream(data: bytes) -> None:
    """The same bytes as they come over TCP, in three pieces."""
    stream = StreamParser()
    third = len(data) // 3
    for piece in (data[:third], data[third : 2 * third], data[2 * third :]):
        stream.feed(piece)
        while stream.next_message() is not None:
            pass


def read_sdp(data: bytes) -> None:
    """A description, read and answered; whether it is acceptable is no matter of syntax."""
    session = sdp.parse(data)
    assert sdp.parse(sdp.serialise(session)) == session
    try:
        answered, _ = negotiation.answer(session, LOCAL, 1)
    except negotiation.NotAcceptable:
        return
    assert sdp.parse(sdp.serialise(answered)) == answered


def read_rtp(data: bytes) -> None:
    """A packet alone and in a batch, which have to agree, and the event that it may carry."""
    matrix = np.zeros((1, WIDEST), np.uint8)
    matrix[0, : len(data)] = np.frombuffer(data[:WIDEST], np.uint8)
    batch = packet.parse_batch(matrix, np.array([len(data)]))
    try:
        one = packet.parse(data)
    except packet.MalformedPacket:
        assert not batch.valid[0]
        raise
    assert batch.valid[0]
    telephone_event.parse(one.payload)


def read_dialplan(data: bytes) -> None:
    """A dialplan, and the search for each of its extensions."""
    plan = parse_dialplan(data.decode("utf-8", "replace"), "extensions.conf")
    matcher = Matcher(plan)
    for name, context in plan.contexts.items():
        for extension in context.extensions:
            matcher.find(name, extension.name)


def read_substitution(data: bytes) -> None:
    """Variables and functions in a text."""
    values = {"X": "hello", "N": "3"}
    warnings: list[str] = []
    substitute(data.decode("utf-8", "replace"), values.get, lambda name, _: name, warnings.append)


def read_regular(data: bytes) -> None:
    """A pattern and a text, which are parted by a space."""
    pattern, _, text = data.decode("utf-8", "replace").partition(" ")
    search(compile_regular(pattern), text)


def read_frames(data: bytes) -> None:
    """WebSocket frames in two pieces."""
    reader = FrameReader(1 << 20)
    for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
        reader.receive(piece)


def read_media_command(data: bytes) -> None:
    """A text on a media WebSocket, in one of both forms."""
    text = data.decode("utf-8", "replace")
    control.read(text, json=text.startswith("{"))


def read_http(data: bytes) -> None:
    """The head of a request, its path and its query."""
    end = data.find(b"\r\n\r\n")
    head = read_head(data[: end + 4]) if end >= 0 else None
    if head is None:
        raise NotPlain
    path, _, query = head.target.decode("latin-1").partition("?")
    segments(path)
    pairs(query)


PACKET = packet.make(packet.Packet(0, 1, 160, 7, bytes(160)))
EVENT = telephone_event.make(telephone_event.TelephoneEvent(5, 800, end=True))
BLOCK = rtcp.ReportBlock(1, 0, -3, 70_000, 12, 5, 6)
REPORTS = rtcp.make(
    [
        rtcp.SenderReport(7, 1 << 60, 160, 1, 160, (BLOCK,)),
        rtcp.ReceiverReport(7, (BLOCK, BLOCK)),
        rtcp.Description(7, "name@host"),
        rtcp.Goodbye((7,)),
    ]
)
BYTES = [b"\0", b"\xff", b"\x80", b"\x7f", b"\0\0\0\1", b"\xff\xff\xff\xff", b"\x90", b"\xb0"]
HEAD = b"GET /ari/channels/1%2e2?app=a&x=%zz HTTP/1.1\r\nHost: t\r\nA: b\r\n"
NESTED = b"${" * MAX_DEPTH + b"X" + b"}" * MAX_DEPTH
WORDS = [
    b"${", b"$[", b"}", b"]", b"(", b")", b'"', b"\\", b",", b":", b";", b"=", b"=~", b"!", b"|",
    b"&", b"+", b"-", b"*", b"/", b"%", b"?", b"[", b"{", b"^", b"$", b".", b"\n", b" ", b"\0",
    b"9" * 30, b"-1", b"X", b"\xd9\xa3", b"\xff", b"_[1-5", b"exten => ", b" same => n,",
    b"include => ", b"[a](+)", b"[globals]\n", b"A=${A}${A}\n", b";--", b"--;",
]  # fmt: skip

READERS = (
    Reader("SIP, a datagram", read_sip, (MalformedMessage,), sip_mutation.SEEDS,
           sip_mutation.TOKENS),
    Reader("SIP, a stream", read_sip_stream, (MalformedMessage,), sip_mutation.SEEDS,
           sip_mutation.TOKENS),
    Reader("SDP, and the answer to it", read_sdp, (sdp.SdpError,), shapes.ALL,
           sdp_mutation.TOKENS),
    Reader("RTP, and telephone events", read_rtp,
           (packet.MalformedPacket, telephone_event.MalformedEvent),
           [PACKET, packet.make(packet.Packet(101, 1, 160, 7, EVENT)), PACKET[:20]], BYTES),
    Reader("RTCP", rtcp.parse, (rtcp.MalformedReport,), [REPORTS, REPORTS[:52]], BYTES),
    Reader("dialplan", read_dialplan, (DialplanError,),
           [b"[a]\nexten => 1,1,NoOp(x)\n same => n,Hangup()\n", DIALPLAN.read_bytes()], WORDS),
    Reader("dialplan, expressions", lambda data: evaluate(data.decode("utf-8", "replace")),
           (ExpressionError,), [b'1 + 2 * (3 - 4) / 5 % 6', b'"a" = "b" | 1 & 2', b'1 ? 2 :: 3'],
           WORDS),
    Reader("dialplan, substitution", read_substitution, (SubstitutionError,),
           [b"${X:1:2} $[${N} + 1] ${F(${X},y)}", b"${" * MAX_DEPTH + b"X" + b"}" * MAX_DEPTH],
           WORDS),
    Reader("dialplan, regular expressions", read_regular, (RegularExpressionError,),
           [b"^a(b|c)*[0-9]{2,3}$ abcb12", b"(a*)+b aaaa"], WORDS),
    Reader("HTTP, a request's head", read_http, (NotPlain,),
           [HEAD + b"\r\n", HEAD + b"Content-Length: 5\r\n\r\nabcde"],
           [*BYTES, b"\r\n", b"\n", b" ", b":", b"%", b"?", b"&", b"Host: t\r\n", b"HTTP/1.1",
            b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n"]),
    Reader("WebSocket frames", read_frames, (FrameError,),
           [masked(0x81, b"text") + masked(0x89, b"ping"), masked(0x01, b"\xc3") +
            masked(0x80, b"\xa9"), masked(0x82, bytes(200)), masked(0x88, b"\x03\xe8bye")],
           [*BYTES, b"\x81", b"\x88", b"\xfe", b"\xff\0\0\0\0"]),
    Reader("commands on a media WebSocket", read_media_command, (control.BadCommand,),
           [b"MARK_MEDIA a b", b'{"command":"MARK_MEDIA","correlation_id":"7"}'],
           [*WORDS, b"FLUSH_MEDIA", b"null", b"1e999", b"\\ud800", b'{"command":']),
)  # fmt: skip
