"""Whatever is done with channels, each keeps its id, and no id means two of them."""

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stasisd.technologies.local import Half
from tests.support.clock import run
from tests.support.server import Server, Socket, serving
from tests.support.tenant import assert_nothing_left

IDS = ["a", "b", "c", "d"]
LOCAL = "endpoint=Local/{}@conformance"
PEER = "external_host=192.0.2.1:9&format=ulaw"
PLACES = ["echo", "ring", "hold", "busy", "app-one", "early-one"]
# Each half of a Local channel may be in an application, and so acted on.
halves = st.sampled_from([*IDS, *(f"{channel_id};2" for channel_id in IDS)])
ids, apps = st.sampled_from(IDS), st.sampled_from(["one", "two", "nobody"])
places = st.sampled_from(PLACES)


def request(method: str, path: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Requests to a path with the parts in it."""
    return st.tuples(*parts).map(lambda chosen: f"{method} {path.format(*chosen)}")


steps = st.one_of(
    request("POST", f"/channels?{LOCAL}&app={{}}&channelId={{}}", places, apps, ids),
    request(
        "POST",
        f"/channels/create?{LOCAL}&app={{}}&channelId={{}}&otherChannelId={{}}",
        places, apps, ids, ids,
    ),
    request("POST", f"/channels/externalMedia?{PEER}&app={{}}&channelId={{}}", apps, ids),
    request("POST", "/channels/{}/snoop/{}?spy=in&app={}", halves, ids, apps),
    request("POST", "/channels/{}/dial?caller={}&timeout=2", ids, halves),
    *[request("POST", "/channels/{}/move?app={}", halves, apps)] * 3,
    *[request("POST", "/bridges/bridge/addChannel?channel={}", halves)] * 3,
    request("POST", "/bridges/bridge/removeChannel?channel={}", halves),
    request("POST", "/channels/{}/continue?context=conformance&extension={}", halves, places),
    request("POST", "/channels/{}/redirect?endpoint=Local/x", halves),
    request("POST", "/channels/{}/answer", halves),
    request("POST", "/channels/{}/moh", halves),
    request("DELETE", "/channels/{}", halves),
    st.just("wait"),
)  # fmt: skip


class Book:
    """What was told of channels: which id has which name, and which are over."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # of channels that live, by their ids
        self.over: set[str] = set()  # names
        self.read = 0

    def hear(self, messages: list[dict[str, Any]]) -> None:
        for message in messages[self.read :]:
            for role in ("channel", "peer", "caller"):
                if role in message:
                    self._told_of(message[role])
            if message["type"] == "ChannelDestroyed":
                self.over.add(self.names.pop(message["channel"]["id"]))
        self.read = len(messages)

    def _told_of(self, channel: dict[str, Any]) -> None:
        assert channel["name"] not in self.over, f"told of after its end: {channel['name']}"
        assert self.names.setdefault(channel["id"], channel["name"]) == channel["name"]
        assert list(self.names.values()).count(channel["name"]) == 1, "one channel, two ids"


async def lives(server: Server, book: Book, socket: Socket) -> None:
    """Everything agrees on which channels there are and what they are called."""
    await trio.testing.wait_all_tasks_blocked()
    book.hear(socket.messages)
    there = {channel["id"]: channel["name"] for channel in await server.get("/ari/channels")}
    assert there == book.names
    for channel_id, channel in server.tenant.channels.items():
        assert channel.id == channel.snapshot.id == channel_id
    for channel_id in there:
        assert (await server.get(f"/ari/channels/{channel_id}"))["id"] == channel_id


async def do(server: Server, step: str) -> None:
    if step == "wait":
        await trio.sleep(1)
        return
    method, target = step.split(" ", 1)
    reply = await server.request(method, f"/ari{target}")
    assert reply.status < 500 or b"Allocation failed" in reply.body, (step, reply)


def redirect(_leg: Half, _resource: str) -> None:
    """Send the far end elsewhere, as a phone would be."""


async def play(folder: Path, chosen: list[str]) -> None:
    with mock.patch.object(Half, "redirect", redirect, create=True):
        await _play(folder, chosen)


async def _play(folder: Path, chosen: list[str]) -> None:
    async with serving(folder) as server:
        for app in ("one", "two"):
            await server.listen(f"/ari/events?app={app}")
        socket = await server.listen("/ari/events?app=all&subscribeAll=true")
        await server.request("POST", "/ari/bridges/bridge")
        book = Book()
        for step in chosen:
            await do(server, step)
            await lives(server, book, socket)
        for channel_id in list(server.tenant.channels):
            await server.request("DELETE", f"/ari/channels/{channel_id}")
        await trio.sleep(70)
        await lives(server, book, socket)
        assert not book.names
        await server.request("DELETE", "/ari/bridges/bridge")
        assert_nothing_left(server.tenant)


quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=30, deadline=None, suppress_health_check=quiet, derandomize=True)
@given(st.lists(steps, min_size=10, max_size=40))
def test_a_channel_keeps_its_id(tmp_path: Path, chosen: list[str]) -> None:
    run(play, tmp_path, chosen)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=quiet)
@given(st.lists(steps, min_size=10, max_size=60))
def test_a_channel_keeps_its_id_for_long(tmp_path: Path, chosen: list[str]) -> None:
    run(play, tmp_path, chosen)
