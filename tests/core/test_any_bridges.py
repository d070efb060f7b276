"""Any sequence of joins, leaves, hangups and ends: the model and the bridges agree after each."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stasisd.core import attendant, events, playback
from stasisd.core.bridge import Joining
from stasisd.core.bridge_kind import BridgeKind
from stasisd.core.tenant import Tenant
from tests.support.clock import run
from tests.support.tenant import Listener, assert_nothing_left, running_tenant
from tests.support.world import APP, call

CHANNELS, BRIDGES = [f"c{n}" for n in range(5)], ["b0", "b1", "holding"]
channels, bridges = st.sampled_from(CHANNELS), st.sampled_from(BRIDGES)
JOININGS = [Joining(), Joining(speaks=False), Joining(absorb_dtmf=True, quiet=True)]
steps = st.one_of(
    *[st.tuples(st.just("join"), bridges, channels, st.sampled_from(JOININGS))] * 4,
    *[st.tuples(st.just("leave"), bridges, channels)] * 2,
    st.tuples(st.just("hangup"), channels),
    st.tuples(st.just("call"), channels),
    st.tuples(st.just("destroy"), bridges),
    st.tuples(st.just("create"), bridges),
    st.tuples(st.just("play"), bridges),
    st.tuples(st.just("stop"), bridges),
)
Steps = list[tuple[Any, ...]]


class Model:
    """Who is in which bridge, and what is told: as it is meant, without media or tasks."""

    def __init__(self) -> None:
        self.members: dict[str, list[str]] = {}  # by bridge, in the order of BRIDGEPEER
        self.technology: dict[str, str] = {}
        self.told: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
        self.peers: dict[str, str] = {}
        self.calls: set[str] = set()

    def inside(self, bridge: str) -> set[str]:
        """The channels in a bridge; what plays there has a name with a slash."""
        return {member for member in self.members[bridge] if "/" not in member}

    def where(self, channel: str) -> str | None:
        return next((b for b, members in self.members.items() if channel in members), None)

    def create(self, bridge: str) -> None:
        self.members[bridge] = []
        self.technology[bridge] = "simple_bridge"

    def join(self, bridge: str, channel: str) -> None:
        self.leave(channel)
        self.members[bridge].append(channel)
        self.told[bridge].append(("ChannelEnteredBridge", self.inside(bridge)))
        self.settle(bridge, channel)

    def leave(self, channel: str) -> None:
        bridge = self.where(channel)
        if bridge is not None:
            self.members[bridge].remove(channel)
            self.peers.pop(channel, None)
            self.told[bridge].append(("ChannelLeftBridge", self.inside(bridge)))
            self.settle(bridge)

    def play(self, bridge: str, name: str) -> None:
        self.members[bridge].append(name)
        self.settle(bridge, name)

    def stop(self, bridge: str, name: str) -> None:
        self.members[bridge].remove(name)
        self.settle(bridge)

    def destroy(self, bridge: str) -> None:
        for channel in sorted(self.inside(bridge)):
            self.members[bridge].remove(channel)
            self.peers.pop(channel, None)
        del self.members[bridge]

    def settle(self, bridge: str, newcomer: str | None = None) -> None:
        members = self.members[bridge]
        technology = "softmix" if len(members) > 2 else "simple_bridge"
        if technology != self.technology[bridge] and newcomer is not None:
            members.remove(newcomer)
            members.insert(0, newcomer)
        self.technology[bridge] = technology
        if bridge != "holding" and len(members) > 1:
            for channel in self.inside(bridge):
                self.peers[channel] = ",".join(m for m in members if m != channel)


class World:
    """Does to a tenant what is done to the model."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.model = Model()
        self.names: dict[str, str] = {}  # of channels, by id

    async def step(self, what: str, *arguments: Any) -> None:
        model = self.model
        known = {*model.members, *model.calls}
        new = what in {"create", "call"}
        if any((a in known) == new for a in arguments if isinstance(a, str)):
            return
        done = getattr(self, what)(*arguments)
        if done is not None:
            await done
        self.check()

    def create(self, bridge: str) -> None:
        self.model.create(bridge)
        self.tenant.create_bridge(bridge, kind=BridgeKind(holding=bridge == "holding"))

    async def call(self, channel: str) -> None:
        made = await call(self.tenant, channel)
        self.model.calls.add(channel)
        self.names[channel] = made.name

    def join(self, bridge: str, channel: str, joining: Joining) -> None:
        self.model.join(bridge, channel)
        self.tenant.bridges[bridge].join(self.tenant.channels[channel], joining)

    def leave(self, bridge: str, channel: str) -> None:
        if self.model.where(channel) == bridge:
            self.model.leave(channel)
        self.tenant.bridges[bridge].leave(self.tenant.channels[channel])

    async def hangup(self, channel: str) -> None:
        self.model.leave(channel)
        self.model.calls.discard(channel)
        self.tenant.channels[channel].hangup()
        await trio.testing.wait_all_tasks_blocked()

    def destroy(self, bridge: str) -> None:
        self.model.destroy(bridge)
        self.tenant.bridges[bridge].destroy()

    def play(self, bridge: str) -> None:
        here = self.tenant.bridges[bridge]
        if not any(a.is_open for a in here.attendants):
            announcer = attendant.announcer_of(here)
            playback.play(announcer, ("sound:silence/9",))
            self.names[announcer.name] = announcer.name
            self.model.play(bridge, announcer.name)

    async def stop(self, bridge: str) -> None:
        for present in list(self.tenant.bridges[bridge].attendants):
            self.model.stop(bridge, present.name)
            for playing in present.playbacks:
                playing.stop()
        await trio.testing.wait_all_tasks_blocked()

    def check(self) -> None:
        model, tenant = self.model, self.tenant
        assert tenant.bridges.keys() == model.members.keys()
        for name, bridge in tenant.bridges.items():
            assert set(bridge.snapshot.channels) == model.inside(name)
            assert [c.id for c in bridge.channels] == list(bridge.snapshot.channels)
            assert all(c.bridge is bridge for c in bridge.channels)
            if name != "holding":
                assert bridge.snapshot.technology == model.technology[name]
        for channel in model.calls:
            live = tenant.channels[channel]
            expected = model.peers.get(channel)
            if expected is not None:
                expected = ",".join(self.names[peer] for peer in expected.split(","))
            assert live.variables.get("BRIDGEPEER") == expected
            assert (live.bridge and live.bridge.id) == model.where(channel)
        occupied = sum(1 for members in model.members.values() if members)
        assert tenant.media.statistics().mixes == occupied

    async def end(self) -> None:
        tenant = self.tenant
        for channel in list(tenant.channels.values()):
            channel.hangup()
        for bridge in list(tenant.bridges.values()):
            bridge.destroy()
        await trio.sleep(70)
        assert_nothing_left(tenant)
        assert (await tenant.media.worker_statistics()).mixes == 0


def entered_and_left(listener: Listener, bridge: str) -> list[tuple[str, set[str]]]:
    return [
        (type(event).__name__, set(event.bridge.channels))
        for event in listener.heard
        if isinstance(event, events.ChannelEnteredBridge | events.ChannelLeftBridge)
        and event.bridge.id == bridge
    ]


async def play(folder: Path, order: Steps) -> None:
    async with running_tenant(folder) as tenant:
        listener = Listener(tenant, APP, everything=True)
        world = World(tenant)
        for bridge in BRIDGES[1:]:
            await world.step("create", bridge)
        for channel in CHANNELS[1:]:
            await world.step("call", channel)
        for step in order:
            if step[0] == "destroy":  # what is told of that comes in the order of joining
                for inside in list(tenant.bridges.get(step[1], _NOBODY).channels):
                    await world.step("leave", step[1], inside.id)
            await world.step(*step)
        await listener.settle()
        for bridge in BRIDGES:
            assert entered_and_left(listener, bridge) == world.model.told[bridge]
        await world.end()


class _NOBODY:
    channels: list[Any] = []  # noqa: RUF012 - stands for a bridge that is not there


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=20, max_size=60))
def test_the_model_and_the_bridges_agree(
    tmp_path_factory: pytest.TempPathFactory, order: Steps
) -> None:
    run(play, tmp_path_factory.mktemp("any"), order)
