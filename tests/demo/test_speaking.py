import numpy as np
import pytest

from stasisd.demo.hearing import RATE
from stasisd.demo.speaking import FRAME, Origin, Speaking, tones
from stasisd.media import codecs
from stasisd.media.commands import DTMF_FREQUENCIES, Remote
from stasisd.rtp import packet, telephone_event

REMOTE = Remote(address=("192.0.2.1", 4000), codec="PCMA", payload_type=8, telephone_event=101)
ORIGIN = Origin(source=7, sequence=65534, timestamp=2**32 - FRAME)


def frames(speaking: Speaking, count: int) -> list[list[packet.Packet]]:
    return [[packet.parse(data) for data in speaking.next_frame()] for _ in range(count)]


def test_silence_is_sent_by_the_clock() -> None:
    sent = [each for (each,) in frames(Speaking(REMOTE, ORIGIN), 3)]
    assert [each.sequence for each in sent] == [65535, 0, 1]
    assert [each.timestamp for each in sent] == [2**32 - FRAME, 0, FRAME]
    assert {each.payload_type for each in sent} == {8}


def test_what_is_said_arrives_after_what_was_said_before() -> None:
    speaking = Speaking(REMOTE, ORIGIN)
    speaking.say(np.full(FRAME + 1, 1000, np.int16))
    speaking.say(np.full(FRAME, -1000, np.int16))
    sent = b"".join(each.payload for (each,) in frames(speaking, 4))
    samples = codecs.decode(np.frombuffer(sent, np.uint8), codecs.PCMA)
    assert (samples[: FRAME + 1] > 900).all()
    assert (abs(samples[FRAME + 1 : 2 * FRAME]) < 100).all()
    assert (samples[2 * FRAME : 3 * FRAME] < -900).all()
    assert (abs(samples[3 * FRAME :]) < 100).all()
    assert speaking.said[: FRAME + 1].tolist() == [1000] * (FRAME + 1)


def test_keys_are_events_with_the_timestamp_of_their_beginning() -> None:
    speaking = Speaking(REMOTE, ORIGIN)
    speaking.press("5#", 60)
    receiver = telephone_event.Receiver()
    heard, events = "", []
    for sent in frames(speaking, 20):
        for each in sent:
            if each.payload_type == 101:
                events.append(each)
                event = telephone_event.parse(each.payload)
                heard += "".join(d.digit for d in receiver.receive(event, 1, each.timestamp, 0.0))
    assert heard == "5#"
    assert [each.marker for each in events] == [True, *[False] * 4] * 2
    assert len({each.timestamp for each in events}) == 2
    assert speaking.idle
    assert len(speaking.said) == 20 * FRAME
    assert not speaking.said.any()


def test_keys_are_tones_where_events_are_not_taken() -> None:
    speaking = Speaking(Remote(address=("192.0.2.1", 4000)), ORIGIN)
    speaking.press("9", 100)
    frames(speaking, 8)
    spectrum = abs(np.fft.rfft(speaking.said[: RATE // 10].astype(float)))
    strongest = sorted(np.argsort(spectrum)[-2:] * 10)
    assert strongest == [round(each, -1) for each in DTMF_FREQUENCIES["9"]]


def test_what_is_no_key_is_refused() -> None:
    speaking = Speaking(REMOTE, ORIGIN)
    with pytest.raises(ValueError, match="'x'"):
        speaking.press("5x")
    assert speaking.idle


@pytest.mark.parametrize("flow", ["recvonly", "inactive"])
def test_on_hold_nothing_is_sent_and_time_goes_on(flow: str) -> None:
    speaking = Speaking(REMOTE, ORIGIN)
    first = frames(speaking, 1)[0][0]
    speaking.remote = Remote(address=("192.0.2.1", 4000), flow=flow)  # type: ignore[arg-type]  # one of them
    assert frames(speaking, 3) == [[], [], []]
    speaking.remote = REMOTE
    again = frames(speaking, 1)[0][0]
    assert (again.timestamp - first.timestamp) % 2**32 == 4 * FRAME


def test_tones_do_not_clip() -> None:
    assert abs(tones("D", RATE).astype(int)).max() < 2**14
