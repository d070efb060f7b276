"""The call's quality as channel variables, as dialplans and CDRs know them."""

from stasisd.core.quality import RtpQuality


def variables(quality: RtpQuality) -> dict[str, str]:
    """The ``RTPAUDIOQOS`` variables; times are in seconds, loss is in packets."""
    rx, tx, rtt = quality.jitter, quality.remote_jitter, quality.round_trip
    lost, remote_lost = float(quality.lost), float(quality.remote_lost)
    return {
        "RTPAUDIOQOS": (
            f"ssrc={quality.local_ssrc};themssrc={quality.remote_ssrc};"
            f"lp={quality.lost};rxjitter={rx:.6f};rxcount={quality.rx_packets};"
            f"txjitter={tx:.6f};txcount={quality.tx_packets};rlp={quality.remote_lost};"
            f"rtt={rtt:.6f};rxmes=0.000000;txmes=0.000000"
        ),
        "RTPAUDIOQOSJITTER": _spread("jitter", rx, "rx") + _spread("jitter", tx, "tx"),
        "RTPAUDIOQOSLOSS": _spread("lost", lost, "rx", "  ")
        + _spread("lost", remote_lost, "tx", "  "),
        "RTPAUDIOQOSRTT": _spread("rtt", rtt, "", "     "),
        "RTPAUDIOQOSMES": _spread("mes", 0.0, "rx", "   ") + _spread("mes", 0.0, "tx", "   "),
    }


def _spread(what: str, value: float, side: str, indent: str = "") -> str:
    """Least, greatest, mean and deviation. The media process keeps one value, which all show."""
    shown = {"min": value, "max": value, "avg": value, "stdev": 0.0}
    return "".join(f"{indent}{name}{side}{what}={v:010.6f};" for name, v in shown.items())
