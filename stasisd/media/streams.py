"""The RTP side of ports: whom each sends to and hears, in which codec, with which numbers."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stasisd.rtp.jitter import JitterBuffer
from stasisd.rtp.packet import wire_dtype
from stasisd.rtp.reception import Reception

from .codecs import L16, L16_16, NUMBERS
from .commands import MAX_PORTS, Remote
from .linear import Linear
from .ports import Rows

# What a payload type means on a stream.
UNKNOWN, EVENT = 255, 254
_NO_EVENT = -1
_STATIC = {0: NUMBERS["PCMU"], 8: NUMBERS["PCMA"]}  # heard even where the other was agreed on

Random = Callable[[int], bytes]


class Streams:
    """Arrays over slots; `packets` is the TX matrix, a row of which goes to the socket."""

    def __init__(self, random: Random, frame: int = 160, slots: int = MAX_PORTS) -> None:
        self._random = random
        self.frame = frame
        self.ssrc = np.zeros(slots, np.uint32)
        self.sequence = np.zeros(slots, np.uint16)
        self.offset = np.zeros(slots, np.uint32)  # of timestamps against frames since the epoch
        self.payload_type = np.zeros(slots, np.uint8)
        self.codec = np.zeros(slots, np.uint8)
        self.meaning = np.full((slots, 128), UNKNOWN, np.uint8)
        self.event_out = np.full(slots, _NO_EVENT, np.int16)
        self.sends = np.zeros(slots, np.bool_)
        self.hears = np.zeros(slots, np.bool_)
        self.latched = np.zeros(slots, np.bool_)
        self.talking = np.zeros(slots, np.bool_)  # sent in the frame before: no marker due
        self.tx_packets = np.zeros(slots, np.int64)
        self.tx_octets = np.zeros(slots, np.int64)
        self.malformed = np.zeros(slots, np.int64)
        self.packets = np.zeros(slots, wire_dtype(frame))
        self.jitter = JitterBuffer(slots, frame // 2)
        self.reception = Reception(slots)
        self.step = np.full(slots, frame, np.int64)  # of timestamps in a frame
        self.linear: dict[int, Linear] = {}
        self.remotes: dict[int, Remote] = {}
        self.targets: dict[int, tuple[str, int]] = {}

    def open(self, slot: int) -> None:
        """Begin a stream: random SSRC, sequence and timestamp (RFC 3550, section 5.1)."""
        drawn = self._random(10)
        self.ssrc[slot] = int.from_bytes(drawn[:4])
        self.offset[slot] = int.from_bytes(drawn[4:8])
        self.sequence[slot] = int.from_bytes(drawn[8:])
        self.sends[slot] = self.hears[slot] = self.latched[slot] = self.talking[slot] = False
        self.tx_packets[slot] = self.tx_octets[slot] = self.malformed[slot] = 0
        self.meaning[slot] = UNKNOWN
        self.event_out[slot] = _NO_EVENT
        self.jitter.reset(slot)
        self.reception.reset(slot)

    def close(self, slot: int) -> None:
        """Forget the far end."""
        self.sends[slot] = self.hears[slot] = False
        self.event_out[slot] = _NO_EVENT
        self.linear.pop(slot, None)
        self.remotes.pop(slot, None)
        self.targets.pop(slot, None)

    def set_remote(self, slot: int, remote: Remote) -> tuple[str, int]:
        """Take what was negotiated; where to send from now on.

        A far end whose address was not changed by the new agreement is still sent to where its
        packets came from, until they come from elsewhere.
        """
        former = self.remotes.get(slot)
        keep = former is not None and former.address == remote.address and self.latched[slot]
        target = self.targets[slot] if keep else remote.address
        self.remotes[slot], self.targets[slot] = remote, target
        self.latched[slot] = False
        self.payload_type[slot] = remote.payload_type
        self._set_codec(slot, NUMBERS[remote.codec])
        self.sends[slot] = remote.flow in {"sendrecv", "sendonly"}
        self.hears[slot] = remote.flow in {"sendrecv", "recvonly"}
        self._learn(slot, remote)
        return target

    def _set_codec(self, slot: int, codec: int) -> None:
        if codec >= L16 and (slot not in self.linear or self.codec[slot] != codec):
            self.linear[slot] = Linear(16000 if codec == L16_16 else 8000, ">")
        self.codec[slot] = codec
        self.step[slot] = self.frame * (2 if codec == L16_16 else 1)

    def _learn(self, slot: int, remote: Remote) -> None:
        meaning = self.meaning[slot]
        meaning[:] = UNKNOWN
        for payload_type, codec in _STATIC.items():
            meaning[payload_type] = codec
        meaning[remote.payload_type] = NUMBERS[remote.codec]
        for event_type in (remote.telephone_event, remote.telephone_event_in):
            if event_type is not None:
                meaning[event_type] = EVENT
        event = remote.telephone_event
        self.event_out[slot] = _NO_EVENT if event is None else event

    def takes_events(self, slot: int) -> bool:
        """Whether the far end wants DTMF as telephone events."""
        return bool(self.event_out[slot] != _NO_EVENT)

    def timestamps(self, rows: Rows, frame_number: int) -> NDArray[np.uint32]:
        """The RTP timestamps of this frame."""
        elapsed = (frame_number * self.step[rows] & 0xFFFFFFFF).astype(np.uint32)
        stamps: NDArray[np.uint32] = self.offset[rows] + elapsed
        return stamps
