"""From the sockets to the jitter buffers: parse all that came at once, and latch."""

import numpy as np
from numpy.typing import NDArray

from stasisd.rtp import packet, telephone_event

from .codecs import DECODE, L16, L16_16, Samples
from .ports import Ports, Rows
from .reports import Latched, Report
from .streams import EVENT, UNKNOWN, Streams
from .transport import Address, Stray, Transport

BATCH = 512  # packets read before they are looked at
WIDTH = 1024  # bytes; longer packets are cut, and are no audio of ours
ROUNDS = 4  # reads of each socket in a tick
LONGEST = 6  # units of 10 ms in a packet
_WIDTHS = (1, 1, 2, 4)  # octets of each codec for a sample of 8 kHz
# A slot, a telephone event, and its packet's SSRC and timestamp.
Heard = tuple[int, telephone_event.TelephoneEvent, tuple[int, int]]


class Receiver:
    """Reads every socket of the engine; `events` gathers telephone events until fetched."""

    def __init__(
        self, ports: Ports, streams: Streams, transport: Transport, reports: list[Report]
    ) -> None:
        self._ports = ports
        self._streams = streams
        self._transport = transport
        self._reports = reports
        self._matrix = np.zeros((BATCH, WIDTH), np.uint8)
        self._slots = np.zeros(BATCH, np.int64)
        self._lengths = np.zeros(BATCH, np.int64)
        self._events: list[Heard] = []
        self._reports_heard: list[tuple[int, bytes]] = []
        self.malformed = 0
        transport.attach(self._matrix, streams.packets)

    def poll(self, now: float) -> None:
        """Read what has come, several packets of a port one after another."""
        for _ in range(ROUNDS):
            count = self._transport.receive(self._slots, self._lengths)
            if not count:
                break
            self._take(self._slots[:count], self._lengths[:count], now)
        for stray in self._transport.strays():
            self._take_stray(stray, now)

    def events(self) -> list[Heard]:
        """Telephone events since the last call."""
        events, self._events = self._events, []
        return events

    def rtcp(self) -> list[tuple[int, bytes]]:
        """RTCP compounds since the last call: (slot, bytes)."""
        heard, self._reports_heard = self._reports_heard, []
        return heard

    def _take_stray(self, stray: Stray, now: float) -> None:
        slot = stray.slot
        if stray.is_rtcp:
            self._reports_heard.append((slot, stray.data))
            return
        data = stray.data[:WIDTH]
        self._matrix[0, : len(data)] = np.frombuffer(data, np.uint8)
        self._slots[0], self._lengths[0] = slot, len(data)
        known = self._take(self._slots[:1], self._lengths[:1], now)
        if known and not self._streams.latched[slot]:
            self._latch(slot, stray.sender)

    def _latch(self, slot: int, sender: Address) -> None:
        self._streams.latched[slot] = True
        self._streams.targets[slot] = sender
        self._transport.aim(slot, sender, latched=True)
        generation = int(self._ports.generation[slot])
        self._reports.append(Latched(slot, generation, sender[0], sender[1]))

    def _take(self, slots: Rows, lengths: Rows, now: float) -> bool:
        """Sort packets, one of each slot, into audio and events; whether any made sense."""
        streams = self._streams
        batch = packet.parse_batch(self._matrix[: len(slots)], lengths)
        meaning = streams.meaning[slots, batch.payload_type]
        good = batch.valid & (meaning != UNKNOWN)
        if not good.all():
            wrong = slots[~good]
            streams.malformed[wrong] += 1
            self.malformed += len(wrong)
        doubled = meaning == L16_16
        if doubled.any():  # all timestamps in units of 8 kHz
            stamps = np.where(doubled, batch.timestamp >> 1, batch.timestamp)
            batch = batch._replace(timestamp=stamps)
        streams_heard = np.flatnonzero(good & streams.hears[slots])
        if len(streams_heard):
            self._count(slots, batch, streams_heard, now)
            plain = (batch.length == streams.frame) & (batch.start == packet.HEADER)
            plain &= meaning < L16
            self._take_plain(slots, batch, meaning, streams_heard[plain[streams_heard]])
            for index in streams_heard[~plain[streams_heard]]:
                self._take_odd(slots, batch, meaning, int(index))
        return bool(good.any())

    def _count(self, slots: Rows, batch: packet.Batch, index: Rows, now: float) -> None:
        self._streams.reception.update(
            slots[index],
            batch.sequence[index],
            batch.timestamp[index],
            batch.ssrc[index],
            batch.length[index],
            now,
        )

    def _take_plain(
        self, slots: Rows, batch: packet.Batch, meaning: NDArray[np.uint8], index: Rows
    ) -> None:
        """The common case, all at once: a frame of audio behind a plain header."""
        if len(index):
            end = packet.HEADER + self._streams.frame
            octets = self._matrix[index, packet.HEADER : end]
            self._put(slots, batch, index, _expanded(octets, meaning[index]))

    def _take_odd(
        self, slots: Rows, batch: packet.Batch, meaning: NDArray[np.uint8], index: int
    ) -> None:
        """Telephone events, L16, and packets of other lengths or with an extension or padding."""
        start, length = int(batch.start[index]), int(batch.length[index])
        slot, payload = int(slots[index]), self._matrix[index, start : start + length]
        if meaning[index] == EVENT:
            source = int(batch.ssrc[index]), int(batch.timestamp[index])
            self._take_event(slot, payload.tobytes(), source)
            return
        octets_of_unit = self._streams.frame // 2 * _WIDTHS[meaning[index]]
        units, rest = divmod(length, octets_of_unit)
        if rest or not 0 < units <= LONGEST or len(payload) < length:
            self._malformed(slot)
        elif meaning[index] >= L16:
            samples = self._streams.linear[slot].decode(payload.tobytes())
            self._put(slots, batch, np.array([index]), samples[None, :])
        else:
            samples = _expanded(payload[None, :], meaning[index : index + 1])
            self._put(slots, batch, np.array([index]), samples)

    def _put(self, slots: Rows, batch: packet.Batch, index: Rows, samples: Samples) -> None:
        self._streams.jitter.put(
            slots[index],
            batch.sequence[index],
            batch.timestamp[index],
            batch.ssrc[index],
            samples,
        )

    def _take_event(self, slot: int, payload: bytes, source: tuple[int, int]) -> None:
        try:
            event = telephone_event.parse(payload)
        except telephone_event.MalformedEvent:
            self._malformed(slot)
        else:
            self._events.append((slot, event, source))

    def _malformed(self, slot: int) -> None:
        self._streams.malformed[slot] += 1
        self.malformed += 1


def _expanded(octets: NDArray[np.uint8], codecs: NDArray[np.uint8]) -> Samples:
    """K x n octets of G.711 as samples; `codecs` are those of the rows."""
    table = codecs.astype(np.intp) << 8
    return DECODE[octets + table[:, None]]
