"""From what ports have to say to the sockets: encode, number and send all at once."""

import numpy as np

from stasisd.rtp import packet, telephone_event

from .codecs import ENCODE, L16
from .ports import Ports, Rows
from .streams import Streams
from .transport import Transport

_MARKER = 0x80


class Sender:
    """Writes RTP for every port of the engine."""

    def __init__(self, ports: Ports, streams: Streams, transport: Transport) -> None:
        self._ports = ports
        self._streams = streams
        self._transport = transport

    def send(self, rows: Rows, frame_number: int) -> None:
        """Send the `tx` of those rows that have any, and a far end that hears."""
        streams = self._streams
        speaks = self._ports.tx_ok[rows] & streams.sends[rows]
        due = rows[speaks]
        companded = streams.codec[due] < L16
        if len(due):
            self._send_companded(due[companded], frame_number)
            for slot in due[~companded].tolist():
                self._send_linear(slot, frame_number)
        streams.talking[rows] = speaks

    def _send_companded(self, due: Rows, frame_number: int) -> None:
        streams = self._streams
        self._encode(due)
        self._number(due, frame_number)
        streams.tx_packets[due] += 1
        streams.tx_octets[due] += streams.frame
        self._transport.send(due.tolist())

    def _send_linear(self, slot: int, frame_number: int) -> None:
        """L16 is for programs, which are few: a packet at a time."""
        streams = self._streams
        payload = streams.linear[slot].encode(self._ports.tx[slot])
        timestamp = int(streams.timestamps(np.array([slot]), frame_number)[0])
        first = not streams.talking[slot]
        self._send_one(slot, int(streams.payload_type[slot]), timestamp, payload, first=first)

    def _encode(self, due: Rows) -> None:
        codecs = self._streams.codec[due]
        for codec, table in enumerate(ENCODE):
            rows = due[codecs == codec]
            if len(rows):
                samples = self._ports.tx[rows].view(np.uint16)
                self._streams.packets["payload"][rows] = table[samples]

    def _number(self, due: Rows, frame_number: int) -> None:
        streams = self._streams
        sequence = streams.sequence[due]
        streams.sequence[due] = sequence + np.uint16(1)
        marker = np.where(streams.talking[due], 0, _MARKER).astype(np.uint8)
        packet.make_batch(
            streams.packets,
            due,
            second=streams.payload_type[due] | marker,
            sequence=sequence,
            timestamp=streams.timestamps(due, frame_number),
            ssrc=streams.ssrc[due],
        )

    def send_event(
        self, slot: int, event: telephone_event.TelephoneEvent, timestamp: int, *, first: bool
    ) -> None:
        """Send one packet of a telephone event, all of which share the event's timestamp."""
        streams = self._streams
        if not streams.sends[slot]:
            return
        payload = telephone_event.make(event)
        self._send_one(slot, int(streams.event_out[slot]), timestamp, payload, first=first)

    def _send_one(
        self, slot: int, payload_type: int, timestamp: int, payload: bytes, *, first: bool
    ) -> None:
        streams = self._streams
        sequence, ssrc = int(streams.sequence[slot]), int(streams.ssrc[slot])
        streams.sequence[slot] = sequence + 1 & 0xFFFF
        made = packet.Packet(payload_type, sequence, timestamp, ssrc, payload, first)
        streams.tx_packets[slot] += 1
        streams.tx_octets[slot] += len(payload)
        self._transport.send_one(slot, packet.make(made))
