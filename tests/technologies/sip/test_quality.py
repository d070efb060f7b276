"""How a call's quality is written, by ARI and as variables."""

from stasisd.bindings.ari.rtp_statistics import rtp_json
from stasisd.core import events as core
from stasisd.core.quality import RtpQuality, measure
from stasisd.technologies.sip.quality import variables
from tests.support.clock import jumping_clock
from tests.technologies.sip.world import World

pytestmark = jumping_clock

QUALITY = RtpQuality(
    channel_id="1",
    local_ssrc=5,
    remote_ssrc=6,
    tx_packets=50,
    rx_packets=49,
    lost=1,
    remote_lost=2,
    jitter=0.0015,
    remote_jitter=0.003,
    round_trip=0.04,
)


def test_variables() -> None:
    written = variables(QUALITY)
    assert written["RTPAUDIOQOS"] == (
        "ssrc=5;themssrc=6;lp=1;rxjitter=0.001500;rxcount=49;txjitter=0.003000;txcount=50;rlp=2;"
        "rtt=0.040000;rxmes=0.000000;txmes=0.000000"
    )
    assert written["RTPAUDIOQOSRTT"] == (
        "     minrtt=000.040000;     maxrtt=000.040000;     avgrtt=000.040000;"
        "     stdevrtt=000.000000;"
    )
    assert "  avgtxlost=002.000000;" in written["RTPAUDIOQOSLOSS"]


def test_ari() -> None:
    written = rtp_json(QUALITY)
    assert (written["txploss"], written["rxploss"]) == (2, 1)
    assert (written["remote_maxjitter"], written["local_minjitter"]) == (0.003, 0.0015)
    assert (written["normdevrtt"], written["stdevrtt"]) == (0.04, 0.0)


async def test_a_call_is_measured_until_its_media_is_gone(world: World) -> None:
    phone = await world.phone("100")
    call = await phone.call("1001")
    await phone.talk(0.5)
    (channel,) = world.tenant.channels.values()
    measured = await measure(channel)
    assert measured is not None
    assert (measured.rx_packets, measured.rx_octets) == (25, 25 * 160)
    world.links[0].kill()
    assert await measure(channel) is None
    await world.events.until(core.ChannelDestroyed)
    assert await measure(channel) is None
    phone.hang_up(call)
