"""The codecs that negotiation knows: one row each, so that a later codec is one more row."""

from msgspec import Struct

from stasisd.sdp.session import RtpMap

TELEPHONE_EVENT = "telephone-event"


class Codec(Struct, frozen=True, gc=False):
    """A codec as SDP names it.

    `name` is the format's name in the configuration and in ARI (`ulaw`). `clock_rate` is that of
    the RTP timestamps, in Hz; the sample rate of G.722 and Opus differs from it. `payload_type`
    is the static one of RFC 3551, None when a number is chosen for each session.
    """

    name: str
    encoding: str
    clock_rate: int
    payload_type: int | None = None
    channels: int = 1
    fmtp: str | None = None

    @property
    def is_telephone_event(self) -> bool:
        """Whether this is RFC 4733 events and not sound."""
        return self.encoding == TELEPHONE_EVENT

    def is_mapped_by(self, rtpmap: RtpMap) -> bool:
        """Whether an rtpmap means this codec; encoding names ignore case (RFC 8866, 6.6)."""
        return (
            rtpmap.encoding.lower() == self.encoding.lower()
            and rtpmap.clock_rate == self.clock_rate
            and rtpmap.channels == self.channels
        )


ULAW = Codec("ulaw", "PCMU", 8000, payload_type=0)
ALAW = Codec("alaw", "PCMA", 8000, payload_type=8)

CODECS = (ULAW, ALAW)
BY_NAME = {codec.name: codec for codec in CODECS}


def telephone_event(clock_rate: int) -> Codec:
    """Return the row of RFC 4733 events, whose clock follows the codec beside it."""
    return Codec(TELEPHONE_EVENT, TELEPHONE_EVENT, clock_rate, fmtp="0-16")
