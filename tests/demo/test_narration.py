import io
from typing import Any

import pytest
from rich.console import Console

from stasisd.core import events
from stasisd.demo.narration import DETAILS, Narrator

UUID = "5fd936dc-61d7-4b5b-9234-d80890167d94"
CHANNEL = {"name": "PJSIP/100-00000000", "state": "Up"}


def printed(tell: str, *arguments: Any, verbose: bool = False, width: int = 70) -> str:
    out = io.StringIO()
    times = iter([100.0, 102.5])
    console = Console(file=out, width=width)
    narrator = Narrator(console, lambda: next(times), verbose=verbose)
    getattr(narrator, tell)(*arguments)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_a_step_tells_the_time_since_the_start() -> None:
    assert printed("step", "The phone [calls].") == "  2.5 s  The phone [calls]."


def test_a_request_with_its_status_stands_beside() -> None:
    parameters = {"media": "sound:beep", "beep": True}
    shown = printed("requested", "POST", f"playbacks/{UUID}/play", parameters, 201)
    assert shown.splitlines() == [
        "         → POST /ari/playbacks/5fd936dc…/play media=sound:beep",
        "           beep=true 201",
    ]


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"type": "ChannelDtmfReceived", "digit": "#"}, "ChannelDtmfReceived #"),
        ({"type": "StasisStart", "channel": CHANNEL}, "StasisStart PJSIP/100-00000000 in state Up"),
        ({"type": "RecordingFinished", "recording": {}}, "RecordingFinished 0 s"),
        ({"type": "DeviceStateChanged"}, "DeviceStateChanged"),
    ],
)
def test_an_event_is_one_line(event: dict[str, Any], shown: str) -> None:
    assert printed("notified", event) == f"         ← {shown}"


def test_all_details_are_of_events_that_there_are() -> None:
    assert {name for name in DETAILS if not hasattr(events, name)} == set()


def test_everything_is_shown_to_who_wants_it() -> None:
    event = {"type": "ChannelDtmfReceived", "digit": "#", "id": UUID}
    assert UUID in printed("notified", event, verbose=True, width=200)
    sip = b"INVITE sip:1000@127.0.0.1 SIP/2.0\r\nVia: x\r\n"
    assert printed("sip", ">", sip) == ""
    assert printed("sip", ">", sip, verbose=True).endswith("> INVITE sip:1000@127.0.0.1 SIP/2.0")


def test_the_summary_lists_the_files() -> None:
    shown = printed("summary", [("out/[x].wav", "1.0 s", "what was heard")], "All is well.")
    assert "out/[x].wav  1.0 s   what was heard" in shown
    assert shown.endswith("All is well.")
