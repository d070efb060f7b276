"""The application against an ARI that is a few lines of memory."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from stasisd.demo.application import PATIENCE, Application, Visit
from stasisd.demo.ari import EventsOver, Json, Parameter, RequestRefused

CHANNEL: Json = {"id": "c1", "name": "PJSIP/100-00000000", "state": "Ring"}


class FakeAri:
    """Does nothing by itself: events are told by the test. ``refused`` are requests by status."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.parameters: list[dict[str, Parameter]] = []
        self.refused: dict[str, int] = {}
        self._playbacks = 0
        self._put, self._take = trio.open_memory_channel[Json](math.inf)

    async def request(self, method: str, path: str, **parameters: Parameter) -> Json:
        await trio.lowlevel.checkpoint()
        request = f"{method} {path} {parameters.get('media', parameters.get('operation', ''))}"
        self.requests.append(request.strip())
        self.parameters.append(parameters)
        if (status := self.refused.get(request.strip())) is not None:
            raise RequestRefused(request.strip(), status, "as the test wants")
        self._playbacks += path.endswith("/play")
        return {"id": f"p{self._playbacks}"}

    async def next_event(self) -> Json:
        try:
            return await self._take.receive()
        except trio.EndOfChannel:
            raise EventsOver from None

    async def tell(self, *events: Json) -> list[str]:
        """Let events come, and return the requests that they cause."""
        await trio.testing.wait_all_tasks_blocked()
        self.requests.clear()
        for event in events:
            self._put.send_nowait(event)
            await trio.testing.wait_all_tasks_blocked()
        return self.requests.copy()

    def close(self) -> None:
        self._put.close()


def start(channel: str = "c1") -> Json:
    return {"type": "StasisStart", "channel": CHANNEL | {"id": channel}}


def key(digit: str, channel: str = "c1") -> Json:
    return {"type": "ChannelDtmfReceived", "digit": digit, "channel": {"id": channel}}


def played(playback: str, channel: str = "c1") -> Json:
    about = {"id": playback, "target_uri": f"channel:{channel}"}
    return {"type": "PlaybackFinished", "playback": about}


def recorded(kind: str = "RecordingFinished") -> Json:
    return {"type": kind, "recording": {"name": "demo-c1", "target_uri": "channel:c1"}}


GONE: Json = {"type": "StasisEnd", "channel": CHANNEL}


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[FakeAri, trio.MemoryReceiveChannel[Visit]]]:
    ari = FakeAri()
    visits, visited = trio.open_memory_channel[Visit](10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Application(ari, visits).run)
        yield ari, visited
        nursery.cancel_scope.cancel()


async def test_a_call_is_answered_and_hears_the_menu() -> None:
    async with serving() as (ari, _):
        assert await ari.tell(start()) == [
            "POST channels/c1/answer",
            "POST channels/c1/play sound:demo-menu",
        ]


async def test_a_key_cuts_the_menu_short() -> None:
    async with serving() as (ari, _):
        assert await ari.tell(start(), key("1")) == [
            "POST channels/c1/answer",
            "POST channels/c1/play sound:demo-menu",
            "DELETE playbacks/p1",
            "POST channels/c1/play sound:demo-story",
        ]


async def test_keys_steer_the_story() -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), played("p1"))
        assert await ari.tell(*map(key, "555461*")) == [
            "POST playbacks/p2/control pause",
            "POST playbacks/p2/control unpause",
            "POST playbacks/p2/control pause",
            "POST playbacks/p2/control reverse",
            "POST playbacks/p2/control forward",
            "POST playbacks/p2/control restart",
            "DELETE playbacks/p2",
        ]


async def test_keys_that_mean_nothing_do_nothing() -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), played("p1"))
        assert await ari.tell(*map(key, "0A")) == []


async def test_a_story_that_is_over_can_be_told_again() -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), played("p1"), played("p2"))
        assert await ari.tell(key("1")) == ["POST channels/c1/play sound:demo-story"]


@pytest.mark.parametrize("end", [[key("#")], [played("p2"), key("#")]])
async def test_pound_asks_for_a_message(end: list[Json]) -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), played("p1"))
        assert (await ari.tell(*end))[-1] == "POST channels/c1/play sound:please-leave-message"


async def test_pound_in_the_menu_skips_the_story() -> None:
    async with serving() as (ari, _):
        requests = await ari.tell(start(), key("#"))
        assert requests[-1] == "POST channels/c1/play sound:please-leave-message"


async def test_who_says_nothing_is_asked_for_a_message(autojump_clock: Any) -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), played("p1"), played("p2"))
        await trio.sleep(PATIENCE + 0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert ari.requests[-1] == "POST channels/c1/play sound:please-leave-message"


async def test_a_message_is_recorded_played_and_the_call_hung_up() -> None:
    async with serving() as (ari, visited):
        await ari.tell(start(), key("#"))
        assert await ari.tell(played("p2")) == ["POST channels/c1/record"]
        wanted = {"format": "wav", "beep": True, "terminateOn": "#", "maxSilenceSeconds": 4}
        assert wanted.items() <= ari.parameters[-1].items()
        assert await ari.tell(key("#"), recorded()) == ["POST channels/c1/play sound:demo-recorded"]
        assert await ari.tell(played("p3")) == ["POST channels/c1/play recording:demo-c1"]
        assert await ari.tell(played("p4")) == ["POST channels/c1/play sound:demo-thanks"]
        assert await ari.tell(played("p5")) == ["DELETE channels/c1"]
        assert visited.receive_nowait() == Visit("c1", "##", "demo-c1")


async def test_a_recording_that_fails_is_told() -> None:
    async with serving() as (ari, visited):
        await ari.tell(start(), key("#"), played("p2"))
        requests = await ari.tell(recorded("RecordingFailed"))
        assert requests == ["POST channels/c1/play sound:demo-nothing-recorded"]
        await ari.tell(played("p3"), played("p4"))
        assert visited.receive_nowait() == Visit("c1", "#", None)


@pytest.mark.parametrize(
    "until", [[], [played("p1")], [key("#")], [key("#"), played("p2")], [played("p1"), key("5")]]
)
async def test_a_hangup_ends_the_conversation_at_once(until: list[Json]) -> None:
    async with serving() as (ari, visited):
        await ari.tell(start(), *until)
        assert await ari.tell(GONE) == []
        assert visited.receive_nowait().hung_up_by_caller
        assert await ari.tell(key("1")) == []


async def test_a_request_that_comes_too_late_is_a_hangup() -> None:
    async with serving() as (ari, visited):
        ari.refused = {"POST channels/c1/answer": 404, "DELETE channels/c1": 404}
        await ari.tell(start())
        visit = visited.receive_nowait()
        assert visit.hung_up_by_caller


async def test_a_playback_that_has_just_ended_need_not_be_stopped() -> None:
    async with serving() as (ari, _):
        ari.refused = {"DELETE playbacks/p1": 404}
        requests = await ari.tell(start(), key("1"))
        assert requests[-1] == "POST channels/c1/play sound:demo-story"


async def test_a_refusal_ends_one_call_and_says_why() -> None:
    async with serving() as (ari, visited):
        ari.refused = {"POST channels/c1/play sound:demo-menu": 500}
        requests = await ari.tell(start(), start("c2"))
        visit = visited.receive_nowait()
        assert visit.failure is not None
        assert "500" in visit.failure
        assert "DELETE channels/c1" in requests
        assert requests[-1] == "POST channels/c2/play sound:demo-menu"


async def test_calls_do_not_hear_each_other() -> None:
    async with serving() as (ari, _):
        await ari.tell(start(), start("c2"))
        requests = await ari.tell(key("1", "c2"))
        assert requests == ["DELETE playbacks/p2", "POST channels/c2/play sound:demo-story"]


async def test_events_about_strangers_are_no_matter() -> None:
    async with serving() as (ari, _):
        assert await ari.tell(key("1", "c9"), {"type": "DeviceStateChanged"}) == []


async def test_the_end_of_the_events_ends_the_application() -> None:
    ari = FakeAri()
    ari.close()
    visits, _ = trio.open_memory_channel[Visit](1)
    with pytest.RaisesGroup(EventsOver):
        await Application(ari, visits).run()
