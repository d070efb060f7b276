"""ARI's RTPstat: the few numbers that we keep, under all the names that it has for them."""

from collections.abc import Mapping
from typing import Any

from stasisd.core.quality import RtpQuality


def rtp_json(quality: RtpQuality) -> Mapping[str, Any]:
    """ARI's RTPstat. Jitter and round trip are in seconds."""
    return {
        "txcount": quality.tx_packets,
        "rxcount": quality.rx_packets,
        "txploss": quality.remote_lost,
        "rxploss": quality.lost,
        "local_ssrc": quality.local_ssrc,
        "remote_ssrc": quality.remote_ssrc,
        "txoctetcount": quality.tx_octets,
        "rxoctetcount": quality.rx_octets,
        "channel_uniqueid": quality.channel_id,
        "txjitter": quality.remote_jitter,
        "rxjitter": quality.jitter,
        **_spread("remote_{}jitter", quality.remote_jitter),
        **_spread("local_{}jitter", quality.jitter),
        **_spread("remote_{}rxploss", float(quality.remote_lost)),
        **_spread("local_{}rxploss", float(quality.lost)),
        "rtt": quality.round_trip,
        **_spread("{}rtt", quality.round_trip),
        # No score is computed.
        "txmes": 0,
        "rxmes": 0,
        **_spread("remote_{}mes", 0.0),
        **_spread("local_{}mes", 0.0),
    }


def _spread(name: str, value: float) -> dict[str, float]:
    """Greatest, least, mean and deviation. One value is kept, which is all of the first three."""
    of = {"max": value, "min": value, "normdev": value, "stdev": 0.0}
    return {name.format(which): each for which, each in of.items()}
