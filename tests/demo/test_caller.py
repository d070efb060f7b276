"""The caller against an application that does its part, or does it wrong, in virtual time."""

import io

import pytest
import trio
from rich.console import Console

from stasisd.demo.call import CallRefused
from stasisd.demo.caller import KEYS, Caller, NotAsExpected
from stasisd.demo.ear import NotHeard
from stasisd.demo.narration import Narrator
from stasisd.demo.phone import open_phone

from .network import VirtualNetwork, network
from .teller import Teller

__all__ = ["network"]

HOST = "192.0.2.1"


async def go_through(*faults: str) -> tuple[str, str]:
    """The keys that the application got, and what was printed."""
    printed = io.StringIO()
    narrator = Narrator(Console(file=printed, width=100), trio.current_time, verbose=False)
    async with (
        open_phone("teller", "", (HOST, 9), host=HOST) as phone,
        open_phone("caller", "", phone.address, host=HOST) as caller,
        trio.open_nursery() as nursery,
    ):
        teller = Teller(*faults)
        nursery.start_soon(teller.run, phone)
        await Caller(caller, narrator).go_through()
        return teller._call.stream.keys, printed.getvalue()
    raise AssertionError


async def test_the_caller_goes_through_all_of_it(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    begin = trio.current_time()
    keys, printed = await go_through()
    assert keys == KEYS
    assert trio.current_time() - begin < 40
    assert "The story is 3.00 s further back." in printed
    assert "It goes on where it stopped." in printed
    assert "normal clearing" in printed


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("refuses", (CallRefused, "486")),
        ("does not pause", (NotHeard, "silence was not heard")),
        ("goes on elsewhere", (NotAsExpected, "should have gone on where it stopped")),
        ("forgets its place", (NotAsExpected, "should have gone on where it stopped")),
        ("does not go back", (NotHeard, "another part of demo-story was not heard")),
        ("skips too far", (NotAsExpected, "should move the story by 3.0 s, and did by 6.0")),
        ("does not restart", (NotAsExpected, "should start the story again")),
        ("does not stop", (NotHeard, "silence was not heard")),
        ("does not beep", (NotHeard, "a beep was not heard")),
        ("loses the message", (NotHeard, "the message")),
        ("stays", (NotAsExpected, "did not hang up")),
        ("fails", (NotAsExpected, "ended with cause 127")),
    ],
)
async def test_the_caller_notices_what_is_wrong(
    network: VirtualNetwork,
    autojump_clock: object,
    fault: str,
    expected: tuple[type[Exception], str],
) -> None:
    kind, message = expected
    with pytest.RaisesGroup(pytest.RaisesExc(kind, match=message), flatten_subgroups=True):
        await go_through(fault)
