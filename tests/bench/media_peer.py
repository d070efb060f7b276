"""The far ends of all channels of a load run, as one light process.

`python -m tests.bench.media_peer FIRST_PORT COUNT MODE SECONDS SETTLE` talks from one socket to
COUNT RTP ports on loopback, every second one from FIRST_PORT on. With MODE playback each channel
gets one packet, so that the media process latches; else each gets a packet every 20 ms. When the
time is over, what arrived after the first SETTLE seconds is printed as JSON. Arrival is the
kernel's own timestamp, so delays of this process do not count; each system call moves many packets.
"""

import ctypes
import json
import socket
import struct
import sys
import time
from typing import Any

import numpy as np

VECTOR = 512
SIZE = 256
CONTROL = 64
SO_TIMESTAMPNS = 35
MSG_DONTWAIT = 0x40
FRAME_S = 0.02
SLICES = 20  # a frame's packets are sent in as many bursts
_libc = ctypes.CDLL(None, use_errno=True)


class IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.POINTER(IoVec)),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class MMsgHdr(ctypes.Structure):
    _fields_ = (("header", MsgHdr), ("length", ctypes.c_uint32))


class Vector:
    """Messages for recvmmsg or sendmmsg, over numpy arrays."""

    def __init__(self, count: int, size: int, names: bool) -> None:
        self.data = np.zeros((count, size), np.uint8)
        self.control = np.zeros((count, CONTROL), np.uint8)
        self.names = np.zeros((count, 16), np.uint8)
        self.iov = (IoVec * count)()
        self.messages = (MMsgHdr * count)()
        for i in range(count):
            self.iov[i] = IoVec(self.data[i].ctypes.data, size)
            header = self.messages[i].header
            header.iov = ctypes.pointer(self.iov[i])
            header.iov_length = 1
            if names:
                header.name, header.name_length = self.names[i].ctypes.data, 16
            else:
                header.control = self.control[i].ctypes.data
        self.count = count
        self._lengths = np.frombuffer(memoryview(self.messages).cast("B"), np.uint8).reshape(
            count, -1
        )

    def reset_control(self) -> None:
        offset = MsgHdr.control_length.offset
        self._lengths[:, offset : offset + 8].view(np.uint64)[:] = CONTROL


class Sink:
    """Everything that arrived: kernel time in ns, SSRC, RTP timestamp, payload type."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._vector = Vector(VECTOR, SIZE, names=False)
        self._times: list[Any] = []
        self._heads: list[Any] = []

    def read(self) -> int:
        self._vector.reset_control()
        got = int(
            _libc.recvmmsg(self._sock.fileno(), self._vector.messages, VECTOR, MSG_DONTWAIT, None)
        )
        if got <= 0:
            return 0
        stamp = self._vector.control[:got, 16:32].copy().view(np.int64)
        self._times.append(stamp[:, 0] * 1_000_000_000 + stamp[:, 1])
        self._heads.append(self._vector.data[:got, :12].copy())
        return got

    def report(self, settle: float) -> dict[str, float]:
        if not self._times:
            return {"packets": 0}
        heads, times = np.concatenate(self._heads), np.concatenate(self._times)
        settled = times >= times[0] + settle * 1e9
        heads, times = heads[settled], times[settled]
        words = heads[:, 4:].copy().view(">u4").astype(np.int64)
        late, gaps = [], []
        for ssrc in np.unique(words[:, 1]):
            mine = words[:, 1] == ssrc
            at = times[mine] / 1e6
            stamps = words[mine, 0] - words[mine, 0][0]
            schedule = stamps.astype(np.int32) / 8  # over the wrap of the counter
            offset = at - at[0] - schedule
            late.append(offset - np.median(offset))
            gaps.append(np.abs(np.diff(offset)))
        deviation, jitter = np.concatenate(late), np.concatenate(gaps)
        return {
            "packets": len(times),
            "streams": len(late),
            "on_time": float((np.abs(deviation) <= 5).mean()),
            "worst_ms": float(np.abs(deviation).max()),
            "jitter_p99_ms": float(np.percentile(jitter, 99)),
        }


class Source:
    """The same 20 ms to every channel, numbered on."""

    def __init__(self, sock: socket.socket, first: int, count: int) -> None:
        self._sock = sock
        self._vector = Vector(count, 172, names=True)
        for i in range(count):
            name = struct.pack("!H4s", first + 2 * i, socket.inet_aton("127.0.0.1"))
            raw = struct.pack("=H", socket.AF_INET) + name
            self._vector.names[i, : len(raw)] = np.frombuffer(raw, np.uint8)
        data = self._vector.data
        data[:, 0] = 0x80
        data[:, 8:12] = np.arange(1, count + 1, dtype=">u4").view(np.uint8).reshape(-1, 4)
        data[:, 12:] = np.random.default_rng(1).integers(0, 256, (count, 160), np.uint8)

    def send(self, frame: int, part: int, parts: int) -> None:
        """Send one of `parts` of the packets of a frame."""
        vector = self._vector
        start, end = vector.count * part // parts, vector.count * (part + 1) // parts
        vector.data[start:end, 2:4] = np.frombuffer(struct.pack("!H", frame & 0xFFFF), np.uint8)
        stamp = struct.pack("!I", frame * 160 & 0xFFFFFFFF)
        vector.data[start:end, 4:8] = np.frombuffer(stamp, np.uint8)
        first = ctypes.byref(vector.messages, start * ctypes.sizeof(MMsgHdr))
        _libc.sendmmsg(self._sock.fileno(), first, end - start, 0)


def main() -> None:
    first, count, mode, seconds, settle = sys.argv[1:6]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)
    sys.stdin.readline()
    sink, source = Sink(sock), Source(sock, int(first), int(count))
    start = time.monotonic()
    source.send(0, 0, 1)
    slot = SLICES
    while (now := time.monotonic()) < start + float(seconds):
        due = start + slot * FRAME_S / SLICES
        if now >= due:
            if mode != "playback":
                source.send(slot // SLICES, slot % SLICES, SLICES)
            slot += 1
        elif sink.read() < VECTOR:
            time.sleep(max(0.0, due - time.monotonic()))
    while sink.read():
        pass
    print(json.dumps(sink.report(float(settle))))


if __name__ == "__main__":
    main()
