"""Who asked for it: requests, the tasks they start, and those who end what others began."""

import trio

from stasisd.core import playback
from stasisd.core.bus import Delivery, Mailbox
from stasisd.core.cause import Cause, caused_by, current
from stasisd.core.tenant import Tenant
from tests.support.clock import jumping_clock
from tests.support.world import APP, call, dial_in

pytestmark = jumping_clock


class Ear:
    """What an application hears, by the request that caused it."""

    def __init__(self, tenant: Tenant) -> None:
        self.mailbox = Mailbox()
        tenant.serve_application(APP).connect(self.mailbox, everything=True)

    async def heard(self, seconds: float = 2.0) -> list[tuple[str, str | None]]:
        taken: list[Delivery] = []
        with trio.move_on_after(seconds):
            while True:
                taken += [d for d in await self.mailbox.receive() if isinstance(d, Delivery)]
        return [(type(d.event).__name__, d.caused_by) for d in taken]


async def test_what_happens_at_once_names_its_request(tenant: Tenant) -> None:
    ear = Ear(tenant)
    asked = Cause("r1")
    with caused_by(asked):
        tenant.create_bridge("b")
    tenant.create_bridge("c")
    assert await ear.heard() == [("BridgeCreated", "r1"), ("BridgeCreated", None)]
    assert asked.sequences == {APP: tenant.applications[APP].journal.last - 1}
    assert current() is None


async def test_what_a_request_started_names_it_to_the_end(tenant: Tenant) -> None:
    ear = Ear(tenant)
    channel = await call(tenant, "c")
    channel.port = await tenant.media.open_rtp()
    await ear.heard()
    with caused_by(Cause("play")):
        playback.play(channel, ("sound:silence/1",), playback_id="p")
    assert await ear.heard(3) == [("PlaybackStarted", "play"), ("PlaybackFinished", "play")]


async def test_who_stops_a_playback_causes_its_end(tenant: Tenant) -> None:
    ear = Ear(tenant)
    channel = await call(tenant, "c")
    channel.port = await tenant.media.open_rtp()
    with caused_by(Cause("play")):
        playing = playback.play(channel, ("sound:silence/9",), playback_id="p")
    await ear.heard()
    with caused_by(Cause("stop")):
        playing.stop()
    assert await ear.heard() == [("PlaybackFinished", "stop")]


async def test_who_hangs_up_causes_the_end_of_the_call(tenant: Tenant) -> None:
    ear = Ear(tenant)
    with caused_by(Cause("originate")):
        channel = await call(tenant, "c")
    assert {"originate"} == {request for _, request in await ear.heard()}
    with caused_by(Cause("hangup")):
        channel.hangup()
    ends = await ear.heard()
    assert {request for _, request in ends} == {"hangup"}, ends
    assert {name for name, _ in ends} >= {"StasisEnd", "ChannelDestroyed"}


async def test_what_the_far_end_does_is_caused_by_nobody(tenant: Tenant) -> None:
    ear = Ear(tenant)
    with caused_by(Cause("originate")):
        channel = await call(tenant, "c")
    await ear.heard()
    channel.hangup()
    assert {request for _, request in await ear.heard()} == {None}


async def test_who_lets_a_channel_go_on_causes_what_its_dialplan_does(tenant: Tenant) -> None:
    ear = Ear(tenant)
    with caused_by(Cause("originate")):
        channel = await call(tenant, "c")
    await ear.heard()
    assert channel.visit is not None
    with caused_by(Cause("continue")):
        channel.visit.leave(("conformance", "bye", 1))
    went = await ear.heard(5)
    assert ("StasisEnd", "continue") in went
    assert ("ChannelDialplan", "continue") in went
    assert "originate" not in {r for n, r in went if n in {"StasisEnd", "ChannelDialplan"}}


async def test_a_call_from_outside_names_nobody(tenant: Tenant) -> None:
    ear = Ear(tenant)
    dial_in(tenant, "app-app@conformance")
    heard = await ear.heard(2)
    assert "ChannelCreated" in {name for name, _ in heard}
    assert {request for _, request in heard} == {None}


async def test_keys_are_pressed_by_nobody_that_asked(tenant: Tenant) -> None:
    """Though the task that listens for them was started in the course of a request."""
    seen: list[Cause | None] = []
    Ear(tenant)
    channel = await call(tenant, "c")

    def pressed(*_arguments: object) -> None:
        seen.append(current())

    channel.watch_media = lambda _port: _note(pressed)  # type: ignore[assignment,method-assign]
    with caused_by(Cause("request")):
        channel.attach(await tenant.media.open_rtp())
    await trio.sleep(0.1)
    assert seen == [None]


async def _note(what: object) -> None:
    assert callable(what)
    what()
