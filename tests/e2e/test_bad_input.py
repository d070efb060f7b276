"""The daemon as a program, among disks that are full and peers that say anything."""

from __future__ import annotations

import random
import resource
import socket
from collections.abc import Iterable
from pathlib import Path

import trio

from tests.sip.mutation import SEEDS, mutate
from tests.support.phone import phone
from tests.support.program import configuration, running

# Bytes that the media process may write into a file: two seconds of a recording, or less.
DISK = 20_000
HTTP = (
    b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /ari/channels HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /ari/channels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /ari/channels HTTP/1.1\r\nX: " + b"a" * 100_000,
    b"GET /ari/events?app=x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n\xff\xff\xff",
)


async def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with (
            running(tmp_path, configuration()) as daemon,
            daemon.listen("full") as listener,
            await daemon.client() as client,
        ):
            # Like a disk that is full: writing fails, in this process only.
            resource.prlimit(daemon.worker(), resource.RLIMIT_FSIZE, (DISK, DISK))
            await client.post("/channels?endpoint=Local/600&app=full&channelId=one")
            await listener.until("StasisStart", channel="one")
            asked = await client.post("/channels/one/record?name=long&format=wav")
            assert asked.status_code == 201, asked.text
            recording = (await listener.until("RecordingFailed"))["recording"]
            assert (recording["name"], recording["state"]) == ("long", "failed")
            assert "File too large" in recording["cause"]
            assert (await client.get("/channels/one")).json()["state"] == "Up"
            assert (await client.post("/channels/one/play?media=sound:beep")).status_code == 201
            await listener.until("PlaybackFinished")
            assert (daemon.recordings / "long.wav").stat().st_size <= DISK


async def test_noise_on_every_port_leaves_a_call_alone(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with running(tmp_path, configuration()) as daemon:
            http, sip = await daemon.addresses()
            async with phone(sip) as caller, await daemon.client() as client:
                call = caller.call("600")
                await call.answered.wait()
                assert call.remote is not None
                datagrams(call.remote, [bytes(172), b"\x80\x00" * 86, b"\x80"])
                datagrams(sip, SEEDS)
                await streams(sip, [b"INVITE" * 40_000, SEEDS[0][:200], b"\0" * 100])
                await streams(http, HTTP)
                channels = (await client.get("/channels")).json()
                (state,) = [each["state"] for each in channels if "PJSIP/100" in each["name"]]
                assert state == "Up"
                assert not call.over.is_set()
                call.hang_up()
            assert await daemon.end() == 0
    assert [entry for entry in daemon.log if entry["level"] not in {"info", "warning"}] == []


def datagrams(to: tuple[str, int], seeds: list[bytes]) -> None:
    chance = random.Random(1)
    with socket.socket(type=socket.SOCK_DGRAM) as noisy:
        for _ in range(500):
            noisy.sendto(mutate(chance.choice(seeds), chance)[:60_000], to)


async def streams(to: tuple[str, int], everything: Iterable[bytes]) -> None:
    """Say each on a connection of its own, and wait until the server closes it."""
    for data in everything:
        stream = await trio.open_tcp_stream(*to)
        async with stream:
            try:
                await stream.send_all(data)
                await stream.send_eof()
                async for _ in stream:
                    pass
            except trio.BrokenResourceError:
                pass
