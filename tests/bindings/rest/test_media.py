"""Who may open a WebSocket for sound, and where; on real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio_websocket import ConnectionRejected, WebSocketConnection, wrap_client_stream

from stasisd.bindings.rest.media import MediaResponder, media_prefix
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.media import MediaSession
from stasisd.core.media_socket import Expected, MediaSocket, SocketLost

from .support import FakeResponder

KNOWN = "f5b2a3a0-0000-4000-8000-000000000000"
PATIENCE = 10


class Place:
    """A server at which one socket is expected."""

    def __init__(self) -> None:
        self.expected = Expected()
        self.behind = FakeResponder()
        self.port = 0

    def find(self, connection_id: str) -> Expected | None:
        return self.expected if connection_id == KNOWN else None

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[WebSocketConnection]:
        """A WebSocket; a refusal is raised in a group."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream, trio.open_nursery() as nursery:
            yield await wrap_client_stream(
                nursery, stream, "127.0.0.1", f"/{path}", subprotocols=["media"]
            )
            nursery.cancel_scope.cancel()

    async def refused(self, path: str) -> int:
        """The status of a refusal."""
        with pytest.raises(ExceptionGroup) as caught:
            async with self.open(path):
                raise AssertionError("it was opened")
        return status_in(caught.value)


def status_in(error: BaseException) -> int:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConnectionRejected)
    return error.status_code


@asynccontextmanager
async def serving(prefix: str = "ari", *, lean: bool = True) -> AsyncIterator[Place]:
    place, stop = Place(), trio.Event()
    settings = HttpSettings(listen=(("127.0.0.1", 0),), prefix=prefix, lean=lean)
    responder = MediaResponder(
        place.behind,
        place.find,
        partial(MediaSession, max_message=1000),
        prefix=prefix,
        server="stasisd",
    )
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            ((_, place.port),) = await nursery.start(partial(serve, responder, settings, stop=stop))
            yield place
            place.expected.end()
            stop.set()


@pytest.mark.parametrize("lean", [True, False])
async def test_the_id_opens_once(lean: bool) -> None:
    async with serving(lean=lean) as place, place.open(f"media/{KNOWN}") as connection:
        assert connection.subprotocol == "media"
        socket: MediaSocket = await place.expected.wait()
        await socket.send(["told", b"ab"])
        assert [await connection.get_message() for _ in "12"] == ["told", b"ab"]
        await connection.send_message(b"cd")
        messages: list[str | bytes] = []
        while not messages:
            messages += await socket.receive()
        assert messages == [b"cd"]
        assert await place.refused(f"media/{KNOWN}") == 409
        await connection._stream.aclose()
        with pytest.raises(SocketLost):
            await socket.receive()


@pytest.mark.parametrize(
    "path", ["media/other", "media", "media/", f"media/{KNOWN}/x", f"media/x/{KNOWN}", "mediax/a"]
)
async def test_other_ids_are_absent(path: str) -> None:
    async with serving() as place:
        assert await place.refused(path) == 404
        assert not place.expected.claimed


async def test_what_is_no_upgrade_takes_nothing() -> None:
    async with serving() as place:
        stream = await trio.open_tcp_stream("127.0.0.1", place.port)
        async with stream:
            for path, status in ((KNOWN, b"426"), ("other", b"404")):
                request = f"GET /media/{path} HTTP/1.1\r\nhost: x\r\n\r\n"
                await stream.send_all(request.encode())
                assert (await stream.receive_some(65536)).startswith(b"HTTP/1.1 " + status)
        assert not place.expected.claimed


async def test_the_path_is_beside_that_of_ari() -> None:
    assert media_prefix("pbx/ari") == "pbx/media"
    async with serving("pbx/ari") as place:
        assert await place.refused(f"media/{KNOWN}") == 404
        async with place.open(f"pbx/media/{KNOWN}"):
            await place.expected.wait()


async def test_the_rest_is_answered_by_who_is_behind() -> None:
    async with serving() as place:
        stream = await trio.open_tcp_stream("127.0.0.1", place.port)
        async with stream:
            await stream.send_all(b"GET /ari/media/x HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b'"path":["ari","media","x"]' in await stream.receive_some(65536)
