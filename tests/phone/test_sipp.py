"""sipp plays what phones do; what the daemon made of it is seen in the events."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio

from stasisd.media.commands import DTMF_FREQUENCIES
from tests.support import program
from tests.support.listening import Listener

from . import sipp
from .examples import ASYNCARI, example
from .speech import RATE, Samples

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not sipp.is_installed(), reason="sipp (sip-tester) is not installed"),
]

transports = pytest.mark.parametrize("transport", ["udp", "tcp"])

# In the example application: the story, pause, go on, skip, on to the message; the message ends.
KEYS, LAST = "1556#", "#"
DIALPLAN = """\
[default]
exten => rings,1,Ringing()
 same => n,Wait(30)
exten => answers,1,Answer()
 same => n,Wait(30)
exten => calls,1,Dial(PJSIP/100,30)
 same => n,Hangup(${HANGUPCAUSE})
"""


@asynccontextmanager
async def daemon_and_observer(
    folder: Path, *, dialplan: str | None = None, more: str = ""
) -> AsyncIterator[tuple[program.Program, Listener]]:
    with trio.fail_after(90):
        async with (
            program.running(folder, program.configuration(more=more), dialplan) as daemon,
            daemon.listen("observer", everything=True) as observer,
        ):
            yield daemon, observer


async def sip(daemon: program.Program) -> tuple[str, int]:
    _, address = await daemon.addresses()
    return address


async def keys_of_the_call(observer: Listener) -> list[str]:
    """The keys that came until the call was over."""
    await observer.until("ChannelDestroyed")
    return [e["digit"] for e in observer.events if e["type"] == "ChannelDtmfReceived"]


# --- registration


@transports
async def test_a_phone_registers_with_a_password(transport: str, tmp_path: Path) -> None:
    async with daemon_and_observer(tmp_path) as (daemon, observer):
        await sipp.play("register", await sip(daemon), tmp_path, transport=transport, expires=60)
        change = await observer.until("EndpointStateChange")
        assert change["endpoint"]["resource"] == "100"
        assert change["endpoint"]["state"] == "online"
        if transport == "tcp":  # sipp closes its connection at its end
            change = await observer.until("EndpointStateChange")
            assert change["endpoint"]["state"] == "offline"


async def test_a_phone_takes_its_registration_back(tmp_path: Path) -> None:
    port = sipp.free_port()
    async with daemon_and_observer(tmp_path) as (daemon, observer):
        await sipp.play("register", await sip(daemon), tmp_path, port=port, expires=60)
        await observer.until("EndpointStateChange")
        await sipp.play("unregister", await sip(daemon), tmp_path, port=port)
        change = await observer.until("EndpointStateChange")
        assert change["endpoint"]["state"] == "offline"


async def test_a_registration_outlives_the_daemon_but_not_its_time(tmp_path: Path) -> None:
    more = "[sip.registration]\nmin_seconds = 1\n"
    async with daemon_and_observer(tmp_path, more=more) as (daemon, _):
        await sipp.play("register", await sip(daemon), tmp_path, expires=6)
        assert await daemon.end() == 0
    async with daemon_and_observer(tmp_path, more=more) as (daemon, observer):
        async with await daemon.client() as ari:
            endpoint = (await ari.get("/endpoints/PJSIP/100")).json()
        assert endpoint["state"] == "online"
        change = await observer.until("EndpointStateChange")
        assert change["endpoint"]["state"] == "offline"


@transports
async def test_anybody_may_ask_what_we_can(transport: str, tmp_path: Path) -> None:
    async with daemon_and_observer(tmp_path) as (daemon, _):
        await sipp.play("options", await sip(daemon), tmp_path, transport=transport)


# --- keys


async def test_keys_by_telephone_events(tmp_path: Path) -> None:
    pytest.importorskip("asyncari")
    async with (
        daemon_and_observer(tmp_path) as (daemon, observer),
        example(daemon, sys.executable, "-u", ASYNCARI),
    ):
        await sipp.play("keys", await sip(daemon), tmp_path, exten="1000", keys=KEYS, last=LAST)
        assert await keys_of_the_call(observer) == [*KEYS, *LAST]


def write_tones(path: Path, steps: list[str | float]) -> float:
    """Write keys, as tones of 100 ms, and pauses of seconds, as A-law. Returns its seconds."""
    sound = np.concatenate([_key(s) if isinstance(s, str) else _pause(s) for s in steps])
    soundfile.write(path, sound, RATE, subtype="ALAW", format="RAW")
    return len(sound) / RATE


def _key(key: str) -> Samples:
    turns = 2 * np.pi * np.arange(RATE // 10) / RATE
    low, high = DTMF_FREQUENCIES[key]
    wave = 0.25 * (np.sin(low * turns) + np.sin(high * turns))
    return np.concatenate([wave, _pause(0.1)])


def _pause(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


async def test_keys_as_tones_where_no_telephone_events_were_offered(tmp_path: Path) -> None:
    pytest.importorskip("asyncari")
    seconds = write_tones(tmp_path / "tones.alaw", [1.0, *KEYS, 6.0, *LAST, 1.0])
    async with (
        daemon_and_observer(tmp_path) as (daemon, observer),
        example(daemon, sys.executable, "-u", ASYNCARI),
    ):
        await sipp.play(
            "tones",
            await sip(daemon),
            tmp_path,
            exten="1000",
            milliseconds=int(seconds * 1000),
        )
        assert await keys_of_the_call(observer) == [*KEYS, *LAST]


# --- calls


@transports
async def test_a_caller_gives_up(transport: str, tmp_path: Path) -> None:
    async with daemon_and_observer(tmp_path, dialplan=DIALPLAN) as (daemon, observer):
        await sipp.play("cancel", await sip(daemon), tmp_path, transport=transport, exten="rings")
        over = await observer.until("ChannelDestroyed")
        assert over["channel"]["state"] == "Ring"
        assert over["cause"] == 16


@transports
async def test_a_caller_holds_and_resumes(transport: str, tmp_path: Path) -> None:
    async with daemon_and_observer(tmp_path, dialplan=DIALPLAN) as (daemon, observer):
        await sipp.play("hold", await sip(daemon), tmp_path, transport=transport, exten="answers")
        await observer.until("ChannelHold")
        await observer.until("ChannelUnhold")
        assert (await observer.until("ChannelDestroyed"))["cause"] == 16


async def test_a_busy_phone_is_busy_to_who_called_it(tmp_path: Path) -> None:
    port = sipp.free_port()
    async with (
        daemon_and_observer(tmp_path, dialplan=DIALPLAN) as (daemon, observer),
        trio.open_nursery() as nursery,
    ):
        server = await sip(daemon)
        await sipp.play("register", server, tmp_path, port=port, expires=60)
        await observer.until("EndpointStateChange")

        async def busy() -> None:
            await sipp.play("busy", server, tmp_path, port=port)

        nursery.start_soon(busy)
        await sipp.play("refused", server, tmp_path, exten="calls")


async def test_an_application_calls_a_phone_and_hangs_up(tmp_path: Path) -> None:
    port = sipp.free_port()
    async with (
        daemon_and_observer(tmp_path) as (daemon, observer),
        await daemon.client() as ari,
        trio.open_nursery() as nursery,
    ):
        server = await sip(daemon)
        await sipp.play("register", server, tmp_path, port=port, expires=60)
        await observer.until("EndpointStateChange")

        async def callee() -> None:
            await sipp.play("callee", server, tmp_path, port=port)

        nursery.start_soon(callee)
        where = {"endpoint": "PJSIP/100", "app": "observer"}
        channel = (await ari.post("/channels", params=where)).json()["id"]
        await observer.until("StasisStart", channel=channel)
        assert (await ari.delete(f"/channels/{channel}")).status_code == 204
        assert (await observer.until("ChannelDestroyed", channel=channel))["cause"] == 16
