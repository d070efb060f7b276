"""Any sequence of requests: an answer that was declared, a consistent world, nothing left."""

import gc
import re
import weakref
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
import pytest
import structlog
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stasisd.core.attendant import Attendant
from stasisd.core.bridge import Bridge, Member
from stasisd.core.bus import EVERYTHING
from stasisd.core.channel import Channel
from stasisd.core.endpoint import Endpoint
from stasisd.core.stage import Stage
from stasisd.core.tenant import Tenant
from stasisd.technologies.snoop import Snoop
from tests.support.clock import run
from tests.support.server import Server, Socket, serving
from tests.support.tenant import assert_nothing_left
from tests.support.world import Carrier, Drawer

from .steps import BEGINNING, FOREVER, MOST, ORDINARY, Step, odd
from .told import Told

APPLICATIONS = ["app", "other"]

# What a 500 may say: these were recorded, or are what a recording's disk says.
DECLARED = (
    "Allocation failed",
    "Error parsing request",
    "Failed to queue media for playback",
    "Failed to set variable",
    "Unable to create bridge",
    "Unable to read provided function",
    "Unknown device",
)
FAILURES = {"channel crashed", "attendant crashed", "request failed", "media command rejected"}

STEPS = st.lists(st.one_of(ORDINARY, ORDINARY, ORDINARY, odd()), min_size=50, max_size=100)
BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@BOUNDED
@given(STEPS)
def test_any_requests(tmp_path_factory: pytest.TempPathFactory, steps: list[Step]) -> None:
    run(play, tmp_path_factory.mktemp("any"), steps)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(BOUNDED, max_examples=1350, derandomize=False)
@given(STEPS)
def test_very_many_requests(tmp_path_factory: pytest.TempPathFactory, steps: list[Step]) -> None:
    run(play, tmp_path_factory.mktemp("any"), steps)


async def play(folder: Path, steps: list[Step]) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(folder) as server:
            furnish(server.tenant)
            tasks = trio.lowlevel.current_statistics().tasks_living
            client = Client(server)
            await client.ask_all(BEGINNING + steps)
            await end(server, client)
            assert trio.lowlevel.current_statistics().tasks_living == tasks
            client.assert_forgotten()
    crashed = [log for log in logs if log["event"] in FAILURES]
    assert not crashed, crashed


def furnish(tenant: Tenant) -> None:
    """Have what a tenant alone has not: a phone that takes messages, and objects to configure."""
    tenant.endpoints["PJSIP", "100"] = Endpoint(tenant, "PJSIP", "100")
    tenant.technologies["PJSIP"] = Carrier()
    tenant.configuration["class"] = Drawer()


class Client:
    """Asks, and looks at the world after each answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tenant = server.tenant
        self.told = Told()
        self.told.subscribe(self._tenant.bus, [EVERYTHING])
        self._sockets: list[Socket] = []
        self._asking = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    async def ask_all(self, steps: list[Step]) -> None:
        await self._open("/ari/events?app=app,other")
        async with trio.open_nursery() as nursery:
            for step in steps:
                if step.wait is None:
                    nursery.start_soon(self._ask, step)
                else:
                    await self._ask(step)
                    await trio.sleep(step.wait)

    async def _open(self, target: str) -> None:
        opened = await self._server.open(target)
        if isinstance(opened, Socket):
            self._sockets.append(opened)

    def close_all(self) -> None:
        """Close all sockets."""
        self.told.end()
        while self._sockets:
            self._sockets.pop().close()

    async def _ask(self, step: Step) -> None:
        asked = Asked.of(step, self._tenant)
        self._asking += 1
        try:
            with trio.fail_after(30):
                await self._patiently(step, asked)
        finally:
            self._asking -= 1
        self.check()

    async def _patiently(self, step: Step, asked: "Asked") -> None:
        """Wait for the answer, or give up after so many turns."""
        async with trio.open_nursery() as nursery:
            if step.patience is not None:
                nursery.start_soon(_tire, step.patience, nursery.cancel_scope)
            await self._answered(step, asked)
            nursery.cancel_scope.cancel()

    async def _answered(self, step: Step, asked: "Asked") -> None:
        if step.method == "OPEN":
            await self._open(asked.uri)
        elif step.method == "CLOSE":
            if len(self._sockets) > 1:
                self._sockets.pop().close()
        elif step.way == "socket":
            answer = await self._sockets[0].say(asked.message(step.method))
            _judge(step, answer["status_code"], answer.get("message_body", ""))
        else:
            headers = {"content-type": "application/json"} if asked.body else {}
            reply = await self._server.request(
                step.method, asked.uri, body=asked.body, headers=headers
            )
            _judge(step, reply.status, reply.body.decode(errors="replace"))

    def check(self) -> None:
        """What holds at every moment."""
        tenant, told = self._tenant, self.told
        for things in (tenant.channels, tenant.bridges, tenant.playbacks, tenant.recordings):
            self._seen.update(things.values())
        assert told.channels == tenant.channels.keys()
        shown = {bridge.id: list(bridge.snapshot.channels) for bridge in tenant.bridges.values()}
        assert told.bridges == shown
        assert told.playbacks <= tenant.playbacks.keys()
        assert told.recordings <= tenant.recordings.keys()
        check_objects(tenant)
        bridges = [thing for thing in self._seen if isinstance(thing, Bridge)]
        check_media(tenant, bridges, self._asking)

    def assert_forgotten(self) -> None:
        """Nothing holds on to what there was."""
        gc.collect()
        assert not self._seen, list(self._seen)


async def _tire(turns: int, scope: trio.CancelScope) -> None:
    for _ in range(turns):
        await trio.lowlevel.checkpoint()
    scope.cancel()


class Asked(NamedTuple):
    """A step in the words of the moment."""

    uri: str
    body: bytes | None

    @classmethod
    def of(cls, step: Step, tenant: Tenant) -> "Asked":
        segments = (quote(there(tenant, part), safe="") for part in step.path.split("/"))
        query = [(name, there(tenant, value)) for name, value in step.query]
        uri = "/".join(segments) + (f"?{urlencode(query)}" if query else "")
        return cls(uri, None if step.body is None else msgspec.json.encode(step.body))

    def message(self, method: str) -> str:
        """The same as a RESTRequest."""
        request = {
            "type": "RESTRequest",
            "method": method,
            "uri": self.uri.removeprefix("/ari/"),
            "content_type": "application/json" if self.body else "",
            "message_body": (self.body or b"").decode(),
        }
        return msgspec.json.encode(request).decode()


def there(tenant: Tenant, text: str) -> str:
    """A text with what there is in it."""
    held = [channel for channel in tenant.channels.values() if channel.visit is not None]
    objects = {
        "c": list(tenant.channels),
        "s": [channel.id for channel in held],
        "u": [channel.id for channel in held if channel.state == "Down"],
        "b": list(tenant.bridges),
        "p": list(tenant.playbacks),
        "r": [*tenant.recordings, "x0", "f/x5"],
        "a": APPLICATIONS,
    }

    def name(match: re.Match[str]) -> str:
        kind, number = objects[match[1]], int(match[2])
        return kind[number % len(kind)] if kind and number < MOST else "none"

    return re.sub(r"{([cbprasu])(\d)}", name, text)


def _judge(step: Step, status: int, body: str) -> None:
    assert status < 500 or status == 501 or any(text in body for text in DECLARED), (step, body)
    assert status != 401


def check_objects(tenant: Tenant) -> None:
    """Whatever names something else names what is there."""
    for channel in tenant.channels.values():
        assert not channel.destroyed
        assert channel.bridge is None or channel in channel.bridge.channels
        assert all(tenant.channels[snoop.id] is snoop for snoop in channel.snoops)
        if channel.name.startswith(Snoop.name) and not channel.hungup:
            assert any(channel in spied.snoops for spied in tenant.channels.values())
        if channel.visit is not None:
            application = channel.visit.application
            assert tenant.applications[application.name] is application
    for bridge in tenant.bridges.values():
        assert tuple(member.id for member in bridge.channels) == bridge.snapshot.channels
        assert all(member.bridge is bridge for member in bridge.channels)
        assert all(attendant.bridge is bridge for attendant in bridge.attendants)
    for playing in tenant.playbacks.values():
        assert playing in playing.stage.playbacks
        assert runs(playing.stage)
    for name, live in tenant.recordings.items():
        assert live.name == name
        assert runs(live.stage)


def runs(stage: Stage) -> bool:
    """Whether what is played or recorded there may still be under way."""
    if isinstance(stage, Attendant):
        return stage in stage.bridge.attendants
    return isinstance(stage, Channel) and not stage.destroyed


def check_media(tenant: Tenant, bridges: list[Bridge], opening: int) -> None:
    """Each port is a channel's or an attendant's, or so many requests may be opening one.

    `bridges` are also those that were destroyed; a bridge with somebody in it has a mix.
    """
    statistics = tenant.media.statistics()
    ports = [channel.port for channel in tenant.channels.values() if has_media(channel)]
    owned = len(ports) + 2 * sum(len(bridge.attendants) for bridge in bridges)
    assert owned <= statistics.ports <= owned + opening
    rtp = sum(port is not None and port.address is not None for port in ports)
    assert rtp <= statistics.udp_ports <= rtp + opening
    assert statistics.mixes == sum(map(is_mixed, tenant.bridges.values()))


def has_media(member: Member) -> bool:
    return member.port is not None and not member.port.closed


def is_mixed(bridge: Bridge) -> bool:
    return any(map(has_media, bridge.channels)) or any(a.is_open for a in bridge.attendants)


async def end(server: Server, client: Client) -> None:
    """Hang up, destroy, and unsubscribe all there is: nothing is left of it, here or there."""
    tenant = server.tenant
    for channel in list(tenant.channels.values()):
        channel.hangup()
    for bridge in list(tenant.bridges.values()):
        bridge.destroy()
    await trio.sleep(70)
    client.check()
    assert_nothing_left(tenant)
    worker = await tenant.media.worker_statistics()
    held = (worker.ports, worker.sockets, worker.playbacks, worker.recordings, worker.files)
    assert (*held, worker.mixes, worker.rejected) == (0, 0, 0, 0, 0, 0, 0)
    assert tenant.converting.borrowed_tokens == 0
    assert tenant.device_states.get("Local/echo@conformance") == "NOT_INUSE"
    client.close_all()
    for application in list(tenant.applications.values()):
        for topic in FOREVER:
            application.forget(topic)
    assert not tenant.applications
    for name in APPLICATIONS:  # kept for who would come back
        tenant.retired.drop(name)
    assert tenant.bus.statistics() == {"topics": 0, "routes": 0}
    for log in list(tenant.log_files.all()):
        tenant.log_files.remove(log.path.name)
    await trio.testing.wait_all_tasks_blocked()
