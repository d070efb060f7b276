"""How well a channel's RTP comes through, both ways."""

from typing import TYPE_CHECKING

import msgspec

from stasisd.media.control import MediaUnavailable

if TYPE_CHECKING:
    from .channel import Channel


class RtpQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the call began. Losses are in packets, jitter and round trip in seconds.

    What is ``remote`` was measured by the far end and told by RTCP; zero before that.
    """

    channel_id: str
    local_ssrc: int = 0
    remote_ssrc: int = 0
    tx_packets: int = 0
    tx_octets: int = 0
    rx_packets: int = 0
    rx_octets: int = 0
    lost: int = 0
    remote_lost: int = 0
    jitter: float = 0.0
    remote_jitter: float = 0.0
    round_trip: float = 0.0


async def measure(channel: "Channel") -> RtpQuality | None:
    """The channel's quality until now; None where it has no RTP, or no more."""
    port = channel.port
    if port is None or port.address is None or port.closed:
        return None
    try:
        counted = await port.rtp_statistics()
    except MediaUnavailable:
        return None
    return RtpQuality(
        channel_id=channel.id,
        local_ssrc=counted.local_ssrc,
        remote_ssrc=counted.remote_ssrc,
        tx_packets=counted.tx_packets,
        tx_octets=counted.tx_octets,
        rx_packets=counted.rx_packets,
        rx_octets=counted.rx_octets,
        lost=counted.lost,
        remote_lost=counted.remote_lost,
        jitter=counted.jitter_ms / 1000,
        remote_jitter=counted.remote_jitter_ms / 1000,
        round_trip=(counted.round_trip_ms or 0.0) / 1000,
    )
