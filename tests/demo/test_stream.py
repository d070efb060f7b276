"""A stream on real sockets."""

from __future__ import annotations

import socket

import trio

from stasisd.demo.stream import Stream
from stasisd.media.commands import Remote

HOST = "127.0.0.1"


async def test_a_packet_that_comes_as_the_stream_ends_does_no_harm() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as far:
        far.bind((HOST, 0))
        for _ in range(10):  # which task runs first is left to chance
            stream = await Stream.open(HOST)
            async with trio.open_nursery() as nursery:
                stream.settle(Remote(far.getsockname()), nursery)
                await trio.testing.wait_all_tasks_blocked()
                far.sendto(b"no packet", stream.address)
                await trio.lowlevel.checkpoint()
                stream.end()
