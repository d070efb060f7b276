"""Channels that exchange sound with a program over TCP."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trio
import trio.testing

from stasisd.media import audiosocket
from tests.support.clock import jumping_clock
from tests.support.server import Server, Socket, serving
from tests.support.tenant import assert_nothing_left

ID = UUID("40325ec2-5efd-4bd3-805f-53576e581d13")
PLACE = f"external_host=192.0.2.1:9092&encapsulation=audiosocket&transport=tcp&data={ID}"
FRAME = bytes(range(160)) * 2  # 20 ms of 16-bit samples


class Program:
    """The other end of our connections, which reads when it is asked to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._parser = audiosocket.Parser()
        self.ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self.asked: list[tuple[str, int]] = []
        monkeypatch.setattr("trio.open_tcp_stream", self._connect)

    async def _connect(self, host: str, port: int) -> trio.SocketStream:
        await trio.lowlevel.checkpoint()
        self.asked.append((host, port))
        return FakeStream(self.ours)  # type: ignore[return-value] # what is used of one

    def frames(self) -> list[audiosocket.Frame]:
        data = b""
        try:
            while more := self._theirs.recv(65536):
                data += more
        except BlockingIOError:
            pass
        return self._parser.receive(data)

    def say(self, kind: int, content: bytes = b"") -> None:
        self._theirs.send(audiosocket.make(kind, content))

    def close(self) -> None:
        self._theirs.close()
        self.ours.close()


class FakeStream:
    def __init__(self, ours: socket.socket) -> None:
        self.socket = ours


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Program(monkeypatch)
    yield made
    made.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def heard(server: Server) -> Socket:
    return await server.listen("/ari/events?app=app")


async def ask(server: Server, parameters: str) -> tuple[int, Any]:
    reply = await server.request(
        "POST", f"/ari/channels/externalMedia?app=app&channelId=e&{parameters}"
    )
    return reply.status, reply.json


@jumping_clock
async def test_a_program_is_told_who_calls_and_hears_and_speaks(
    server: Server, heard: Socket, program: Program
) -> None:
    status, channel = await ask(server, f"{PLACE}&format=slin")
    assert (status, channel["state"]) == (200, "Down")
    assert channel["name"] == f"AudioSocket/192.0.2.1:9092-{ID}"
    assert channel["channelvars"] == {"CONFVAR": ""}
    assert program.asked == [("192.0.2.1", 9092)]
    await heard.until("StasisStart")
    port = server.tenant.channels["e"].port
    assert port is not None
    port.echo(True)
    for _ in range(20):
        program.say(audiosocket.AUDIO, FRAME)
        await trio.sleep(0.02)
    hello, *rest = program.frames()
    assert hello == (audiosocket.IDENTITY, ID.bytes)
    assert [frame for frame in rest if frame == (audiosocket.AUDIO, FRAME)]
    program.say(audiosocket.DIGIT, b"7")
    assert (await heard.until("ChannelDtmfReceived"))["digit"] == "7"
    await server.request("DELETE", "/ari/channels/e")
    await heard.until("ChannelDestroyed")
    await trio.sleep(1)
    assert program.frames()[-1] == (audiosocket.HANGUP, b"")
    assert_nothing_left(server.tenant)


@jumping_clock
@pytest.mark.parametrize("closes", [True, False])
async def test_a_program_that_hangs_up_ends_the_channel(
    closes: bool, server: Server, heard: Socket, program: Program
) -> None:
    await ask(server, f"{PLACE}&format=slin16")
    await heard.until("StasisStart")
    if closes:
        program.close()
    else:
        program.say(audiosocket.HANGUP)
    ended = await heard.until("ChannelDestroyed")
    assert ended["cause"] == 16
    await trio.sleep(1)
    assert_nothing_left(server.tenant)


@jumping_clock
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (f"{PLACE}&format=ulaw", "Provided format (ulaw) was not found"),
        (f"{PLACE}&format=slin&connection_type=server",
         "connection_type must be 'client' for audiosocket encapsulation"),
        (PLACE.replace(f"{ID}", "me") + "&format=slin",
         "data must be a UUID for audiosocket encapsulation"),
        (PLACE.replace("transport=tcp", "transport=udp") + "&format=slin",
         "transport must be 'tcp' for audiosocket encapsulation"),
    ],
)  # fmt: skip
async def test_what_is_refused(
    parameters: str, message: str, server: Server, heard: Socket, program: Program
) -> None:
    status, said = await ask(server, parameters)
    assert (status, said["message"]) == (400, message)
    assert not program.asked
    assert_nothing_left(server.tenant)


@jumping_clock
@pytest.mark.parametrize("waits", [True, False])
async def test_nobody_there(
    waits: bool, server: Server, heard: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(_host: str, _port: int) -> None:
        await trio.sleep(60 if waits else 0)
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr("trio.open_tcp_stream", connect)
    status, said = await ask(server, f"{PLACE}&format=slin")
    assert (status, said["error"]) == (500, "Allocation failed")
    assert_nothing_left(server.tenant)


@jumping_clock
async def test_a_failure_behind_the_connection_leaves_nothing(
    server: Server, heard: Socket, program: Program
) -> None:
    echo = "endpoint=Local/echo@conformance&app=app"
    await server.request("POST", f"/ari/channels?{echo}&channelId=e")
    assert (await ask(server, f"{PLACE}&format=slin"))[0] == 409
    assert not program.asked
    await server.request("DELETE", "/ari/channels/e")


async def test_over_a_real_connection(server: Server, heard: Socket) -> None:
    parser = audiosocket.Parser()
    frames: list[audiosocket.Frame] = []
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def program(stream: trio.SocketStream) -> None:
            async for data in stream:
                frames.extend(parser.receive(bytes(data)))
                if len(frames) > 5:
                    await stream.send_all(audiosocket.make(audiosocket.HANGUP))
                    return

        nursery.start_soon(trio.serve_listeners, program, [listener])
        port = listener.socket.getsockname()[1]
        place = PLACE.replace("192.0.2.1:9092", f"127.0.0.1:{port}")
        assert (await ask(server, f"{place}&format=slin"))[0] == 200
        await heard.until("StasisStart")
        await server.request("POST", "/ari/channels/e/silence")
        with trio.fail_after(10):
            await heard.until("ChannelDestroyed")
        nursery.cancel_scope.cancel()
    assert [kind for kind, _ in frames[:2]] == [audiosocket.IDENTITY, audiosocket.AUDIO]
