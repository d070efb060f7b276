"""Two phones on a virtual network, and a registrar made of our own user agent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
import trio

from stasisd.credentials.digest import ha1
from stasisd.demo.call import Call, CallRefused
from stasisd.demo.hearing import RATE, Samples
from stasisd.demo.phone import Phone, RegistrationRefused, open_phone
from stasisd.demo.stream import StreamOver
from stasisd.sip.endpoint import Endpoint
from stasisd.sip.events import By
from stasisd.sip.flow import Address, Flow
from stasisd.sip.registration import Policy
from stasisd.sip.settings import Settings, Transport
from stasisd.sip.uri import Uri

from .network import VirtualNetwork, network

__all__ = ["network"]

HOST = "192.0.2.1"
NOWHERE = (HOST, 9)
REGISTRAR = (HOST, 5060)


@asynccontextmanager
async def two_phones() -> AsyncIterator[tuple[Phone, Phone]]:
    async with (
        open_phone("bob", "", NOWHERE, host=HOST) as bob,
        open_phone("alice", "", bob.address, host=HOST) as alice,
    ):
        yield alice, bob


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[Call, Call]]:
    """Alice has called and Bob has answered."""
    async with two_phones() as (alice, bob):
        calling = await alice.dial("bob")
        called = await bob.wait_call()
        called.answer()
        await calling.wait_answered()
        yield calling, called


def speech(seconds: float) -> Samples:
    """Noise that is not like itself when shifted."""
    drawn = np.random.default_rng(1).normal(0, 3000, round(seconds * RATE))
    return drawn.astype(np.int16)


def holds(heard: Samples, said: Samples) -> bool:
    """Whether all that was said was heard, but for the noise of G.711."""
    products = np.correlate(heard.astype(float), said.astype(float))
    return bool(products.max() > 0.99 * np.dot(said.astype(float), said.astype(float)))


async def test_what_is_said_is_heard(network: VirtualNetwork, autojump_clock: object) -> None:
    async with talking() as (calling, called):
        message = speech(0.5)
        calling.say(message)
        await called.listen(1.0)
        assert holds(called.heard, message)
        assert holds(calling.said, message)
        assert not calling.heard.any()


async def test_keys_arrive_once_and_in_order(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with talking() as (calling, called):
        calling.press("12")
        calling.press("#")
        await calling.wait_said()
        await called.listen(0.2)
        assert called.stream.keys == "12#"
        assert not called.heard.any()


async def test_the_end_of_a_key_may_be_lost(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with talking() as (calling, called):
        network.lost = lambda data: len(data) == 16 and bool(data[13] & 0x80)
        calling.press("1")
        await called.listen(1.0)
        assert called.stream.keys == "1"


async def test_listening_takes_as_long_as_it_says(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with talking() as (calling, _):
        begin = trio.current_time()
        assert len(await calling.listen(2.0)) == 2 * RATE
        assert trio.current_time() - begin == pytest.approx(2.0, abs=0.2)


async def test_both_sides_are_told_of_a_hangup(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with talking() as (calling, called):
        called.hang_up(cause=17)
        ending = await calling.wait_ended()
        assert (ending.cause, ending.by) == (17, By.REMOTE)
        assert (await called.wait_ended()).by is By.LOCAL


async def test_the_sound_remains_and_no_more_is_waited_for(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with talking() as (calling, called):
        calling.say(speech(0.3))
        await called.listen(0.6)
        calling.hang_up()
        with pytest.raises(StreamOver):
            await called.listen(60)
        with pytest.raises(StreamOver):
            called.press("1")
        heard = len(called.heard)
        await trio.sleep(5)
        assert len(called.heard) == heard
        assert called.heard.any()


async def test_ringing_is_told(network: VirtualNetwork, autojump_clock: object) -> None:
    async with two_phones() as (alice, bob):
        calling = await alice.dial("bob")
        called = await bob.wait_call()
        called.ring()
        await calling.wait_status(180)
        assert not calling.said.any()


async def test_a_refusal_names_its_status(network: VirtualNetwork, autojump_clock: object) -> None:
    async with two_phones() as (alice, bob), trio.open_nursery() as nursery:
        nursery.start_soon(_refuse, bob)
        with pytest.raises(CallRefused, match="486"):
            await alice.call("bob")


async def _refuse(bob: Phone) -> None:
    (await bob.wait_call()).hang_up(cause=17)


async def test_who_stops_waiting_gives_the_call_up(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with two_phones() as (alice, bob), trio.open_nursery() as nursery:
        nursery.start_soon(alice.call, "bob")
        called = await bob.wait_call()
        called.ring()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            assert (await called.wait_ended()).by is By.REMOTE


async def test_a_caller_may_be_gone_before_anyone_looks(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with two_phones() as (alice, bob):
        calling = await alice.dial("bob")
        await trio.sleep(1)
        calling.hang_up()
        await trio.sleep(1)
        called = await bob.wait_call()
        assert (await called.wait_ended()).by is By.REMOTE


async def test_calls_that_nobody_takes_are_refused_as_busy(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with two_phones() as (alice, _):
        for _ in range(8):
            await alice.dial("bob")
        with pytest.raises(CallRefused, match="486"):
            await alice.call("bob")


async def test_a_phone_that_is_closed_leaves_its_calls(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with open_phone("bob", "", NOWHERE, host=HOST) as bob:
        async with open_phone("alice", "", bob.address, host=HOST) as alice:
            calling = await alice.dial("bob")
            called = await bob.wait_call()
            called.answer()
            await calling.wait_answered()
        assert (await called.wait_ended()).by is By.REMOTE
    assert network.sockets == {}


async def test_nobody_there(network: VirtualNetwork, autojump_clock: object) -> None:
    async with open_phone("alice", "", NOWHERE, host=HOST) as alice:
        begin = trio.current_time()
        with pytest.raises(CallRefused, match="408"):
            await alice.call("bob")
        assert trio.current_time() - begin == pytest.approx(32, abs=1)


# --- registration


class OneUser:
    def name_of(self, address: Uri, target: Uri) -> str:
        return address.user

    def realm_of(self, name: str) -> str:
        return "stasisd"

    def is_open(self, name: str, flow: Flow) -> bool:
        return False

    def ha1(self, username: str, realm: str, algorithm: str) -> str | None:
        return ha1("alice", realm, "secret", algorithm) if username == "alice" else None

    def may_use(self, username: str, name: str) -> bool:
        return username == name

    def policy(self, aor: str) -> Policy:
        return Policy()


async def registrar(*, task_status: trio.TaskStatus[Endpoint]) -> None:
    """One user agent on a socket, without timers: what it is told, it answers at once."""
    numbers = iter(range(10_000))
    settings = Settings(transports=(Transport("udp", REGISTRAR),))
    agent = Endpoint(settings, OneUser(), token=lambda: f"t{next(numbers)}", secret=b"s")
    with trio.socket.socket() as sock:
        await sock.bind(REGISTRAR)
        task_status.started(agent)
        while True:
            data, remote = await sock.recvfrom(65535)
            agent.receive(data, Flow("udp", REGISTRAR, remote), trio.current_time())
            for flow, answer in agent.datagrams_to_send(trio.current_time()):
                await sock.sendto(answer, flow.remote)


@asynccontextmanager
async def registering(password: str) -> AsyncIterator[tuple[Phone, Callable[[], int]]]:
    """A phone, and how many contacts its name has."""
    async with trio.open_nursery() as nursery:
        agent: Endpoint = await nursery.start(registrar)
        server: Address = REGISTRAR
        async with open_phone("alice", password, server, host=HOST) as phone:
            yield phone, lambda: len(agent.bindings("alice", trio.current_time()))
        nursery.cancel_scope.cancel()


async def test_a_phone_registers_and_stays_registered(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    async with registering("secret") as (phone, count):
        assert await phone.register(120) == 120
        assert count() == 1
        await trio.sleep(1000)
        assert count() == 1
        await phone.unregister()
        assert count() == 0


async def test_a_wrong_password_is_refused(network: VirtualNetwork, autojump_clock: object) -> None:
    async with registering("wrong") as (phone, count):
        with pytest.raises(RegistrationRefused, match=r"40[13]"):
            await phone.register()
        assert count() == 0


async def test_the_trace_shows_both_directions(
    network: VirtualNetwork, autojump_clock: object
) -> None:
    shown = []
    async with (
        open_phone("bob", "", NOWHERE, host=HOST) as bob,
        open_phone(
            "alice",
            "",
            bob.address,
            host=HOST,
            trace=lambda direction, data: shown.append((direction, data[:10])),
        ) as alice,
    ):
        await alice.dial("bob")
        await bob.wait_call()
        await trio.sleep(0.1)
    assert (">", b"INVITE sip") in shown
    assert ("<", b"SIP/2.0 10") in shown
