"""The real sockets, over loopback."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import trio
import trio.testing

from stasisd.sip.events import (
    Acknowledged,
    BindingChanged,
    CallAnswered,
    CallEnded,
    CallId,
    CallReceived,
    Event,
    MalformedReceived,
    Registered,
)
from stasisd.sip.flow import Address, Flow
from stasisd.sip.registration import Policy
from stasisd.sip.uri import NameAddr, SipUri
from stasisd.technologies.sip import sockets
from stasisd.technologies.sip.inbox import Connected, Heard, Inbox
from stasisd.technologies.sip.line import Line
from stasisd.technologies.sip.settings import SipSettings
from stasisd.technologies.sip.sockets import CannotListen, Sockets, interface_towards
from tests.technologies.sip.phones import Anyone, request, sdp

E = TypeVar("E")

HOST = "127.0.0.1"
PATIENCE = 5.0


class End:
    """Sockets and what came in on them."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.inbox = Inbox()
        self.sockets = Sockets(nursery, self.inbox)
        self._came: list[Heard | Connected] = []

    async def next(self) -> Heard | Connected:
        with trio.fail_after(PATIENCE):
            while not self._came:
                await self.inbox.wait()
                self._came += self.inbox.take()
        return self._came.pop(0)

    async def hear(self) -> Heard:
        heard = await self.next()
        assert isinstance(heard, Heard)
        return heard


@asynccontextmanager
async def end() -> AsyncIterator[End]:
    async with trio.open_nursery() as nursery:
        yield End(nursery)
        nursery.cancel_scope.cancel()


async def test_datagrams_come_and_go() -> None:
    async with end() as one, end() as other:
        here, there = one.sockets.listen_udp(HOST, 0), other.sockets.listen_udp(HOST, 0)
        one.sockets.send(Flow("udp", here, there), b"hello")
        heard = await other.hear()
        assert heard == Heard(Flow("udp", there, here), b"hello")
        other.sockets.send(heard.flow, b"back")
        assert (await one.hear()).data == b"back"


async def test_many_datagrams_at_once_stay_in_order() -> None:
    async with end() as one, end() as other:
        here, there = one.sockets.listen_udp(HOST, 0), other.sockets.listen_udp(HOST, 0)
        count = 3 * sockets.BURST // 2
        for number in range(count):
            one.sockets.send(Flow("udp", here, there), b"%d" % number)
        assert [(await other.hear()).data for _ in range(count)] == [
            b"%d" % number for number in range(count)
        ]


async def test_what_cannot_be_sent_is_lost() -> None:
    async with end() as one, end() as other:
        here, there = one.sockets.listen_udp(HOST, 0), other.sockets.listen_udp(HOST, 0)
        gone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        gone.bind((HOST, 0))
        nobody = gone.getsockname()
        gone.close()
        for flow, data in (
            (Flow("udp", here, nobody), b"x"),  # an ICMP error comes back
            (Flow("udp", here, there), b"x" * 70_000),
            (Flow("udp", here, (HOST, 70_000)), b"x"),
            (Flow("udp", ("192.0.2.1", 5060), there), b"x"),
            (Flow("tcp", here, there, 99), b"x"),
            (Flow("tcp", here, there), b"x"),
        ):
            one.sockets.send(flow, data)
        one.sockets.send(Flow("udp", here, there), b"hello")
        assert (await other.hear()).data == b"hello"
        other.sockets.send(Flow("udp", there, here), b"back")
        assert (await one.hear()).data == b"back"


async def test_an_empty_datagram_is_no_end() -> None:
    async with end() as one, end() as other:
        here, there = one.sockets.listen_udp(HOST, 0), other.sockets.listen_udp(HOST, 0)
        one.sockets.send(Flow("udp", here, there), b"")
        one.sockets.send(Flow("udp", here, there), b"hello")
        assert (await other.hear()).data == b"hello"


async def test_a_taken_address_is_named() -> None:
    async with end() as one, end() as other:
        host, port = one.sockets.listen_udp(HOST, 0)
        with pytest.raises(CannotListen, match=rf"{host} port {port} \(UDP\): .*in use"):
            other.sockets.listen_udp(host, port)
        host, port = await one.sockets.listen_tcp(HOST, 0)
        with pytest.raises(CannotListen, match=rf"{host} port {port} \(TCP\): .*in use"):
            await other.sockets.listen_tcp(host, port)


async def connected(one: End, other: End) -> tuple[Flow, Flow]:
    """A connection from one to the other, as both see it."""
    there = await other.sockets.listen_tcp(HOST, 0)
    wish = Flow("tcp", (HOST, 5060), there)
    one.sockets.connect(wish)
    opened = await one.next()
    assert isinstance(opened, Connected)
    assert opened.flow == wish
    here = Flow("tcp", wish.local, there, opened.connection)
    one.sockets.send(here, b"first")
    heard = await other.hear()
    assert heard.data == b"first"
    return here, heard.flow


async def test_a_connection_goes_both_ways_and_ends() -> None:
    async with end() as one, end() as other:
        here, there = await connected(one, other)
        other.sockets.send(there, b"back")
        assert (await one.hear()) == Heard(here, b"back")
        other.sockets.send(there, b"last words")
        other.sockets.disconnect(there)
        assert (await one.hear()).data == b"last words"
        assert await one.hear() == Heard(here, b"")
        assert await other.hear() == Heard(there, b"")
        one.sockets.send(here, b"too late")
        one.sockets.disconnect(here)


async def test_nobody_listens() -> None:
    async with end() as one, end() as other:
        there = await other.sockets.listen_tcp(HOST, 0)
        for remote in ((HOST, 1), (HOST, 70_000)):
            wish = Flow("tcp", there, remote)
            one.sockets.connect(wish)
            assert await one.next() == Connected(wish, None)


async def test_a_peer_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "WRITE_SECONDS", 0.1)
    async with end() as one:
        address = await one.sockets.listen_tcp(HOST, 0)
        stream = await trio.open_tcp_stream(*address)
        await stream.send_all(b"hello")
        flow = (await one.hear()).flow
        for _ in range(2 * sockets.QUEUED_WRITES):
            one.sockets.send(flow, bytes(65_536))
        assert await one.hear() == Heard(flow, b"")
        assert not one.sockets._queues
        await stream.aclose()


async def test_a_reset_is_an_end() -> None:
    async with end() as one:
        address = await one.sockets.listen_tcp(HOST, 0)
        stream = await trio.open_tcp_stream(*address)
        await stream.send_all(b"hello")
        flow = (await one.hear()).flow
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        await stream.aclose()
        assert await one.hear() == Heard(flow, b"")


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_CONNECTIONS", 1)
    async with end() as one:
        address = await one.sockets.listen_tcp(HOST, 0)
        first = await trio.open_tcp_stream(*address)
        await first.send_all(b"hello")
        assert (await one.hear()).data == b"hello"
        second = await trio.open_tcp_stream(*address)
        with trio.fail_after(PATIENCE):
            assert await second.receive_some() == b""
        await second.aclose()
        await first.send_all(b"still here")
        assert (await one.hear()).data == b"still here"
        await first.aclose()


async def test_nothing_is_left_open() -> None:
    async with end() as one, end() as other:
        await connected(one, other)
        made = one.sockets.listen_udp(HOST, 0)
    async with end() as again:
        again.sockets.listen_udp(*made)


def test_the_interface_towards_somebody() -> None:
    assert interface_towards(("127.0.0.1", 5060)) == "127.0.0.1"
    assert interface_towards(("255.255.255.255", 0)) == "127.0.0.1"  # there is no way


# --- user agents on them


class Everyone(Anyone):
    """Whoever wants may register."""

    def policy(self, aor: str) -> Policy:
        return Policy()


class Agent:
    """A line that is read all the time."""

    def __init__(self, transport: str) -> None:
        self.transport = transport
        self.line = Line(
            SipSettings(host=HOST, port=0, udp=transport == "udp", tcp=transport == "tcp")
        )
        self.heard: list[Event] = []
        self._news = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            await self.line.open(Everyone(), nursery)
            task_status.started()
            while True:
                self.heard += await self.line.receive()
                self._news.set()

    @property
    def address(self) -> Address:
        return self.line.transports[0].local

    def flow_to(self, other: "Agent") -> Flow:
        return Flow(self.transport, self.address, other.address)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def wait(self, kind: type[E], count: int = 1) -> list[E]:
        """All events of a kind, once there are so many."""
        with trio.fail_after(PATIENCE):
            while len(found := self.all(kind)) < count:
                self._news = trio.Event()
                await self._news.wait()
        return found


@asynccontextmanager
async def agents(transport: str) -> AsyncIterator[tuple[Agent, Agent]]:
    """A phone and a server."""
    phone, server = Agent(transport), Agent(transport)
    async with trio.open_nursery() as nursery:
        await nursery.start(phone.run)
        await nursery.start(server.run)
        yield phone, server
        nursery.cancel_scope.cancel()


def call(phone: Agent, server: Agent) -> CallId:
    uri = SipUri(HOST, "600", server.address[1])
    made = phone.line.agent.invite(
        uri,
        NameAddr(uri),
        NameAddr(SipUri(HOST, "100")),
        phone.flow_to(server),
        sdp(),
        phone.line.now(),
    )
    phone.line.flush()
    return made


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_calls(transport: str) -> None:
    async with agents(transport) as (phone, server):
        calls = [call(phone, server) for _ in range(20)]
        received = await server.wait(CallReceived, 20)
        for invite in received:
            server.line.agent.answer(invite.call, sdp(), server.line.now())
        server.line.flush()  # all of them in few writes
        await phone.wait(CallAnswered, 20)
        await server.wait(Acknowledged, 20)
        for each in calls:
            phone.line.agent.hangup(each, 16, phone.line.now())
        phone.line.flush()
        assert {ended.cause for ended in await server.wait(CallEnded, 20)} == {16}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_registrations(transport: str) -> None:
    async with agents(transport) as (phone, server):
        registrar = SipUri(HOST, port=server.address[1])
        phone.line.agent.register(
            registrar, NameAddr(SipUri(HOST, "100")), phone.flow_to(server), phone.line.now()
        )
        phone.line.flush()
        await phone.wait(Registered)
        assert len(server.line.agent.bindings("100", server.line.now())) == 1
        assert server.line.local(transport) == server.address
        assert server.line.local({"udp": "tcp", "tcp": "udp"}[transport]) is None


async def test_a_binding_ends_with_its_connection() -> None:
    async with agents("tcp") as (_, server):
        stream = await trio.open_tcp_stream(*server.address)
        await stream.send_all(request("REGISTER").replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        await server.wait(BindingChanged)
        await stream.aclose()
        assert (await server.wait(BindingChanged, 2))[1].removed


async def test_messages_in_pieces_and_in_heaps() -> None:
    async with agents("tcp") as (_, server):
        stream = await trio.open_tcp_stream(*server.address)
        heap = b"".join(
            request("REGISTER", user=f"u{number}", cseq=number).replace(b"/UDP", b"/TCP")
            for number in range(1, 31)
        )
        for start in range(0, len(heap), 1000):
            await stream.send_all(heap[start : start + 1000])
            await trio.testing.wait_all_tasks_blocked()
        await server.wait(BindingChanged, 30)
        answers = b""
        with trio.fail_after(PATIENCE):
            while answers.count(b"SIP/2.0 200") < 30:
                answers += await stream.receive_some()
        await stream.aclose()


async def test_garbage_on_a_connection_ends_it() -> None:
    async with agents("tcp") as (_, server):
        stream = await trio.open_tcp_stream(*server.address)
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(PATIENCE):
            while await stream.receive_some():
                pass
        await server.wait(MalformedReceived)
        await stream.aclose()


def test_what_peers_are_told() -> None:
    told = SipSettings(host="0.0.0.0", advertised_address="198.51.100.7")
    flow = Flow("udp", ("0.0.0.0", 5060), ("127.0.0.1", 5060))
    assert Line(told).reachable_host(flow) == "198.51.100.7"
    assert Line(SipSettings()).reachable_host(flow) == "127.0.0.1"
    assert Line(told)._advertised(("0.0.0.0", 5070)) == ("198.51.100.7", 5070)
    assert Line(SipSettings())._advertised(("192.0.2.9", 5070)) == ("192.0.2.9", 5070)
