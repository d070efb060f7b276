"""RTCP: sender and receiver reports, source description, goodbye (RFC 3550, section 6).

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |V=2|P| RC / SC |      PT       |      length in words - 1      |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |                         SSRC of sender                        |
    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
    :   SR: NTP time (64), RTP time, packets, octets; then blocks   :
    :   report block: SSRC, fraction lost (8), lost (24), highest   :
    :   sequence, jitter, last SR, delay since last SR              :

Packets travel in compounds; unknown kinds within one are stepped over.
"""

import struct
from collections.abc import Callable

import msgspec

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
_CNAME = 1
_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IIIII")
_BLOCK = struct.Struct("!IIIIII")
_SSRC = struct.Struct("!I")
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


class MalformedReport(ValueError):
    """The bytes are no RTCP compound."""


class ReportBlock(msgspec.Struct, frozen=True, gc=False):
    """How one source is received; `lost` may be negative, `jitter` is in timestamp units.

    `last_sr` and `delay` are in 1/65536 s, 0 when no sender report has come.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_sr: int = 0
    delay: int = 0


class SenderReport(msgspec.Struct, frozen=True):
    """A report of one who sends; `ntp` is 32.32 fixed point seconds since 1900."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(msgspec.Struct, frozen=True):
    """A report of one who only receives."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class Description(msgspec.Struct, frozen=True, gc=False):
    """The canonical name of a source."""

    ssrc: int
    cname: str


class Goodbye(msgspec.Struct, frozen=True):
    """Sources that leave."""

    ssrcs: tuple[int, ...]


Report = SenderReport | ReceiverReport | Description | Goodbye


def parse(data: bytes) -> list[Report]:
    """Read a compound; raises MalformedReport."""
    if len(data) < _HEADER.size:
        raise MalformedReport("shorter than a header")
    reports: list[Report] = []
    at = 0
    while at < len(data):
        body, count, kind, at = _next(data, at)
        try:
            report = _READERS[kind](body, count) if kind in _READERS else None
        except struct.error as error:
            raise MalformedReport("shorter than its count") from error
        if report is not None:
            reports.append(report)
    return reports


def _next(data: bytes, at: int) -> tuple[bytes, int, int, int]:
    """(body, count, kind, where the next one starts)."""
    if len(data) - at < _HEADER.size:
        raise MalformedReport("rest of a header")
    first, kind, words = _HEADER.unpack_from(data, at)
    end = at + 4 + 4 * words
    if first >> 6 != 2 or end > len(data):
        raise MalformedReport("not version 2" if first >> 6 != 2 else "longer than its packet")
    return data[at + 4 : end], first & 0x1F, kind, end


def _read_blocks(body: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, *rest = _BLOCK.unpack_from(body, at + index * _BLOCK.size)
        lost = loss & 0xFFFFFF
        signed = lost - 0x1000000 if lost & 0x800000 else lost
        blocks.append(ReportBlock(ssrc, loss >> 24, signed, *rest))
    return tuple(blocks)


def _read_sender(body: bytes, count: int) -> SenderReport:
    (ssrc,) = _SSRC.unpack_from(body)
    high, low, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
    blocks = _read_blocks(body, 4 + _SENDER.size, count)
    return SenderReport(ssrc, high << 32 | low, timestamp, packets, octets, blocks)


def _read_receiver(body: bytes, count: int) -> ReceiverReport:
    return ReceiverReport(_SSRC.unpack_from(body)[0], _read_blocks(body, 4, count))


def _read_description(body: bytes, count: int) -> Description | None:
    """Only the first chunk's CNAME is of use to us."""
    if count == 0:
        return None
    (ssrc,) = _SSRC.unpack_from(body)
    at = 4
    while at + 1 < len(body) and body[at] != 0:
        kind, length = body[at], body[at + 1]
        if kind == _CNAME:
            return Description(ssrc, body[at + 2 : at + 2 + length].decode("utf-8", "replace"))
        at += 2 + length
    return None


def _read_goodbye(body: bytes, count: int) -> Goodbye:
    return Goodbye(struct.unpack_from(f"!{count}I", body))


_READERS: dict[int, Callable[[bytes, int], Report | None]] = {
    SENDER_REPORT: _read_sender,
    RECEIVER_REPORT: _read_receiver,
    DESCRIPTION: _read_description,
    GOODBYE: _read_goodbye,
}


def make(reports: list[Report]) -> bytes:
    """Write a compound."""
    return b"".join(_make_one(report) for report in reports)


def _make_one(report: Report) -> bytes:
    match report:
        case SenderReport():
            sender = _SENDER.pack(
                report.ntp >> 32,
                report.ntp & 0xFFFFFFFF,
                report.timestamp & 0xFFFFFFFF,
                report.packets & 0xFFFFFFFF,
                report.octets & 0xFFFFFFFF,
            )
            body = _SSRC.pack(report.ssrc) + sender + _make_blocks(report.blocks)
            return _frame(SENDER_REPORT, len(report.blocks), body)
        case ReceiverReport():
            body = _SSRC.pack(report.ssrc) + _make_blocks(report.blocks)
            return _frame(RECEIVER_REPORT, len(report.blocks), body)
        case Description():
            name = report.cname.encode()[:255]
            item = bytes((_CNAME, len(name))) + name
            padding = bytes(4 - len(item) % 4)
            return _frame(DESCRIPTION, 1, _SSRC.pack(report.ssrc) + item + padding)
        case Goodbye():
            body = struct.pack(f"!{len(report.ssrcs)}I", *report.ssrcs)
            return _frame(GOODBYE, len(report.ssrcs), body)


def _frame(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _make_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF,
            block.highest,
            block.jitter,
            block.last_sr,
            block.delay,
        )
        for block in blocks
    )


def ntp_time(unix: float) -> int:
    """Seconds since 1970 as NTP's 32.32 fixed point."""
    return int((unix + _NTP_EPOCH) * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle(ntp: int) -> int:
    """The middle 32 bits of an NTP time: 16.16 seconds, as report blocks quote it."""
    return ntp >> 16 & 0xFFFFFFFF


def round_trip(block: ReportBlock, ntp: int) -> float | None:
    """Seconds to the reporter and back, by a block that arrived at `ntp` (section 6.4.1).

    None where the block quotes no sender report, or clocks make it nonsense.
    """
    if not block.last_sr:
        return None
    ticks = (middle(ntp) - block.last_sr - block.delay) & 0xFFFFFFFF
    return ticks / 65536 if ticks < 60 * 65536 else None
