"""RTCP of every stream: a report about each five seconds, and what the far ends report."""

import numpy as np

from stasisd.rtp import rtcp

from .ports import Rows
from .reports import RtpStatistics
from .streams import Random, Streams
from .transport import Transport

INTERVAL_S = 5.0
FRAME_MS = 20
_RATE_MS = 8


class Heard:
    """What a far end said of itself and of us."""

    def __init__(self) -> None:
        self.last_sr = 0
        self.last_sr_at = 0.0
        self.round_trip: float | None = None
        self.lost = 0
        self.jitter = 0


class Reporting:
    """Reports of all streams; `unix_time` is the date at `now` 0."""

    def __init__(
        self, streams: Streams, transport: Transport, random: Random, unix_time: float
    ) -> None:
        self._streams = streams
        self._transport = transport
        self._random = random
        self._unix_time = unix_time
        self._due = np.full(len(streams.ssrc), np.inf)
        self._sent_before = np.zeros(len(streams.ssrc), np.int64)
        self._heard: dict[int, Heard] = {}
        self._names: dict[int, str] = {}
        self.malformed = 0

    def open(self, slot: int) -> None:
        """Begin with a stream; its name is drawn for it alone (RFC 7022)."""
        self._due[slot] = 0.0
        self._sent_before[slot] = 0
        self._heard[slot] = Heard()
        self._names[slot] = self._random(12).hex()

    def close(self, slot: int, now: float) -> None:
        """Say goodbye."""
        if slot in self._streams.targets and self._streams.tx_packets[slot]:
            goodbye = rtcp.Goodbye((int(self._streams.ssrc[slot]),))
            self._send(slot, now, 0, [goodbye])
        self._due[slot] = np.inf
        del self._heard[slot], self._names[slot]

    def tick(self, rows: Rows, now: float, frame_number: int) -> None:
        """Send the reports that are due; the interval is drawn anew each time (RFC 3550, 6.3)."""
        for slot in rows[self._due[rows] <= now].tolist():
            if self._due[slot] and slot in self._streams.targets:
                self._send(slot, now, frame_number, [])
            self._due[slot] = now + INTERVAL_S * (0.5 + self._random(1)[0] / 256)

    def _send(self, slot: int, now: float, frame_number: int, more: list[rtcp.Report]) -> None:
        ssrc = int(self._streams.ssrc[slot])
        blocks = self._blocks(slot, now)
        sent = int(self._streams.tx_packets[slot])
        first: rtcp.Report = rtcp.ReceiverReport(ssrc, blocks)
        if sent > self._sent_before[slot] and frame_number:
            stamp = int(self._streams.timestamps(np.array([slot]), frame_number)[0])
            octets = int(self._streams.tx_octets[slot])
            ntp = rtcp.ntp_time(self._unix_time + now)
            first = rtcp.SenderReport(ssrc, ntp, stamp, sent, octets, blocks)
        self._sent_before[slot] = sent
        compound = [first, rtcp.Description(ssrc, self._names[slot]), *more]
        self._transport.send_rtcp(slot, rtcp.make(compound))

    def _blocks(self, slot: int, now: float) -> tuple[rtcp.ReportBlock, ...]:
        reception, heard = self._streams.reception, self._heard[slot]
        if not reception.packets[slot]:
            return ()
        delay = int((now - heard.last_sr_at) * 65536) if heard.last_sr else 0
        block = rtcp.ReportBlock(
            ssrc=int(reception.ssrc[slot]),
            fraction_lost=reception.fraction_lost(slot),
            lost=reception.lost(slot),
            highest=reception.highest(slot),
            jitter=int(reception.jitter(slot) * self._ticks_of_ms(slot) / _RATE_MS),
            last_sr=heard.last_sr,
            delay=min(delay, 0xFFFFFFFF),
        )
        return (block,)

    def _ticks_of_ms(self, slot: int) -> float:
        """The stream's own clock; what we count ourselves is in units of 8 kHz."""
        return float(self._streams.step[slot]) / FRAME_MS

    def heard(self, slot: int, data: bytes, now: float) -> None:
        """Take a compound from the far end; what can't be read is counted."""
        try:
            reports = rtcp.parse(data)
        except rtcp.MalformedReport:
            self.malformed += 1
            return
        for report in reports:
            if isinstance(report, rtcp.SenderReport):
                self._heard[slot].last_sr = rtcp.middle(report.ntp)
                self._heard[slot].last_sr_at = now
            if isinstance(report, rtcp.SenderReport | rtcp.ReceiverReport):
                self._hear_blocks(slot, report.blocks, now)

    def _hear_blocks(self, slot: int, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        heard, ntp = self._heard[slot], rtcp.ntp_time(self._unix_time + now)
        for block in blocks:
            if block.ssrc == self._streams.ssrc[slot]:
                heard.lost, heard.jitter = block.lost, block.jitter
                heard.round_trip = rtcp.round_trip(block, ntp)

    def statistics(self, slot: int, request: int) -> RtpStatistics:
        """The counts of one stream; zeros for a port without RTP."""
        heard = self._heard.get(slot)
        if heard is None:
            return RtpStatistics(request)
        streams, reception = self._streams, self._streams.reception
        return RtpStatistics(
            request=request,
            local_ssrc=int(streams.ssrc[slot]),
            remote_ssrc=int(reception.ssrc[slot]),
            tx_packets=int(streams.tx_packets[slot]),
            tx_octets=int(streams.tx_octets[slot]),
            rx_packets=int(reception.packets[slot]),
            rx_octets=int(reception.octets[slot]),
            lost=reception.lost(slot),
            late=int(streams.jitter.late[slot]),
            malformed=int(streams.malformed[slot]),
            jitter_ms=reception.jitter(slot) / _RATE_MS,
            round_trip_ms=None if heard.round_trip is None else heard.round_trip * 1000,
            remote_lost=heard.lost,
            remote_jitter_ms=heard.jitter / self._ticks_of_ms(slot),
        )
