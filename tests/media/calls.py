"""A port with a far end that has already been latched on to, and what far ends do."""

import numpy as np
import trio

from stasisd.media import codecs
from stasisd.media.commands import Codec, Remote
from stasisd.media.control import Media, Port
from stasisd.media.reports import Latched, PortReport
from tests.support.media import Far, Network

from .audio import Samples, octets

FRAME = 160
QUIET = octets(np.zeros(FRAME, np.int16))


async def call(
    media: Media,
    network: Network,
    *,
    host: str = "192.0.2.1",
    codec: Codec = "PCMU",
    event: int | None = 101,
) -> tuple[Port, Far]:
    """A port in a call with a far end; one packet of silence has gone by."""
    port, far = await media.open_rtp(), network.far(host)
    payload_type = 0 if codec == "PCMU" else 8
    port.set_remote(Remote(far.address, codec, payload_type, telephone_event=event))
    assert port.address is not None
    far.send_audio(QUIET, port.address, payload_type=payload_type)
    reports = await port.receive()
    assert reports == [Latched(port.slot, port.generation, *far.address)]
    far.packets.clear()
    return port, far


async def say(far: Far, port: Port, samples: Samples, codec: int = codecs.PCMU) -> None:
    """Send samples at the pace of speech."""
    assert port.address is not None
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        far.send_audio(
            octets(samples[start : start + FRAME], codec), port.address, payload_type=8 * codec
        )
        await trio.sleep(0.02)


def heard(far: Far, codec: int = codecs.PCMU) -> Samples:
    """What came to a far end, as samples."""
    data = np.frombuffer(far.heard(8 * codec), np.uint8)
    return codecs.decode(data, codec)


def after_codec(samples: Samples, codec: int = codecs.PCMU) -> Samples:
    """What is left of samples when they went through G.711."""
    return codecs.decode(codecs.encode(samples, codec), codec)


def place_of(part: Samples, whole: Samples) -> int:
    """Where `part` begins in `whole`; -1 where it is not in there exactly."""
    if len(whole) < len(part):
        return -1
    windows = np.lib.stride_tricks.sliding_window_view(whole, len(part))
    found = np.flatnonzero((windows[:, :8] == part[:8]).all(axis=1))
    return next((int(at) for at in found if np.array_equal(windows[at], part)), -1)


async def next_of(port: Port, kind: type[PortReport]) -> PortReport:
    """The next report of a kind; others are dropped."""
    while True:
        for report in await port.receive():
            if isinstance(report, kind):
                return report
