"""Files fetched by HTTP, from a server on loopback that says what a test wants it to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from stasisd.core import remote_media
from stasisd.core.egress import look_up
from stasisd.core.remote_media import FetchFailed, RemoteMedia, RemoteSettings

BODY = b"RIFF" + bytes(96)
Answer = Callable[[str, dict[str, str]], bytes]


def answer(status: str = "200 OK", body: bytes = BODY, **headers: str) -> bytes:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in {"Content-Length": len(body), **named}.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


class Elsewhere:
    """A web server. ``asked`` are the paths and headers of the requests so far."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.says: Answer = lambda _path, _headers: answer()
        self.stalls = False
        self.port = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            data = b""
            while b"\r\n\r\n" not in data:
                data += await stream.receive_some()
            first, *lines = data.decode().split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (li.partition(": ") for li in lines)
            }
            path = first.split()[1]
            self.asked.append((path, headers))
            await stream.send_all(self.says(path, headers))
            if self.stalls:
                await trio.sleep_forever()

    def url(self, path: str = "/hello.wav", host: str = "media.example") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    made = Elsewhere()
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, made.serve, [listener])
        made.port = listener.socket.getsockname()[1]
        yield made
        nursery.cancel_scope.cancel()


@pytest.fixture
async def server() -> AsyncIterator[Elsewhere]:
    async with elsewhere() as made:
        yield made


class Names:
    """A name server that gives the addresses it is told to, in turn."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers) or [["127.0.0.1"]]
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def media(folder: Path, names: Any = None, clock: Clock | None = None, **given: Any) -> RemoteMedia:
    allowed = {"allowed_networks": ("127.0.0.1/32",)}
    return RemoteMedia(
        RemoteSettings(folder=folder / "cache", **(allowed | given)),
        resolve=names or Names(),
        clock=clock or Clock(),
    )


async def failure(fetching: RemoteMedia, url: str) -> str:
    with pytest.raises(FetchFailed) as caught:
        await fetching.fetch(url)
    return str(caught.value)


def files(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (folder / "cache").glob("*"))


async def test_a_file_is_fetched(server: Elsewhere, tmp_path: Path) -> None:
    path = await media(tmp_path).fetch(server.url())
    assert path.read_bytes() == BODY
    ((asked, headers),) = server.asked
    assert asked == "/hello.wav"
    assert headers["host"] == f"media.example:{server.port}"
    assert headers["accept-encoding"] == "identity"


async def test_a_file_without_a_header_keeps_its_ending(server: Elsewhere, tmp_path: Path) -> None:
    fetching = media(tmp_path)
    assert (await fetching.fetch(server.url("/a/b.ULAW?x=1"))).suffix == ".ulaw"
    assert (await fetching.fetch(server.url("/a/b.exe"))).suffix == ""


# --- egress


async def test_a_private_network_is_refused(server: Elsewhere, tmp_path: Path) -> None:
    fetching = media(tmp_path, allowed_networks=())
    said = "media.example is in a network that media may not be fetched from"
    assert await failure(fetching, server.url()) == said
    assert await failure(
        media(tmp_path, look_up, allowed_networks=()), server.url(host="127.0.0.1")
    )
    assert await failure(
        media(tmp_path, look_up, allowed_networks=()), server.url(host="localhost")
    )
    assert server.asked == []


async def test_the_address_that_was_judged_is_the_one_connected_to(
    server: Elsewhere, tmp_path: Path
) -> None:
    """A name that changes between the look at it and the connection has no second look."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    await media(tmp_path, names).fetch(server.url())
    assert names.asked == ["media.example"]
    mixed = Names(["10.0.0.1", "127.0.0.1"])
    await media(tmp_path, mixed).fetch(server.url("/other"))
    assert len(server.asked) == 2


async def test_a_redirect_is_judged_too(server: Elsewhere, tmp_path: Path) -> None:
    inner = f"http://inner.example:{server.port}/secret"
    server.says = lambda path, _h: (
        answer("302 Found", b"", Location=inner) if path != "/secret" else answer()
    )
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    said = await failure(media(tmp_path, names), server.url())
    assert said == "inner.example is in a network that media may not be fetched from"
    assert names.asked == ["media.example", "inner.example"]
    assert [path for path, _ in server.asked] == ["/hello.wav"]


async def test_redirects_are_followed_and_counted(server: Elsewhere, tmp_path: Path) -> None:
    def says(path: str, _headers: dict[str, str]) -> bytes:
        left = int(path[1:])
        return answer() if left == 0 else answer("302 Found", b"", Location=f"/{left - 1}")

    server.says = says
    fetching = media(tmp_path)
    assert (await fetching.fetch(server.url("/5"))).read_bytes() == BODY
    assert await failure(fetching, server.url("/6")) == "more than 5 redirects"


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://media.example/a", "http://"])
async def test_a_redirect_to_what_is_no_http(where: str, server: Elsewhere, tmp_path: Path) -> None:
    server.says = lambda _p, _h: answer("302 Found", b"", Location=where)
    assert await failure(media(tmp_path), server.url())
    assert len(server.asked) == 1


# --- bounds


async def test_a_file_that_is_too_big(server: Elsewhere, tmp_path: Path) -> None:
    fetching = media(tmp_path, max_bytes=2000)
    server.says = lambda _p, _h: answer(body=bytes(2001))
    assert await failure(fetching, server.url("/stated")) == "it has more than 2000 bytes"
    server.says = lambda _p, _h: b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2001)
    assert await failure(fetching, server.url("/unstated")) == "it has more than 2000 bytes"
    assert files(tmp_path) == []


async def test_a_server_that_takes_too_long(server: Elsewhere, tmp_path: Path) -> None:
    server.stalls = True
    server.says = lambda _p, _h: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nRIFF"
    said = await failure(media(tmp_path, max_seconds=0.2), server.url())
    assert said == "it took longer than 0.2 seconds"
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"nonsense\r\n\r\n", "the server broke off or did not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "the server broke off"),
        (answer("404 Not Found"), "media.example answered 404"),
        (answer("206 Partial"), "media.example answered 206"),
        (answer("304 Not Modified", b""), "media.example answered 304"),
    ],
)
async def test_an_answer_that_is_no_file(
    data: bytes, said: str, server: Elsewhere, tmp_path: Path
) -> None:
    server.says = lambda _p, _h: data
    assert (await failure(media(tmp_path), server.url())).startswith(said)
    assert files(tmp_path) == []


async def test_nobody_is_there(tmp_path: Path) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError

    async with elsewhere() as gone:
        url = gone.url()
    assert await failure(media(tmp_path), url) == "no connection could be made"
    assert await failure(media(tmp_path, unknown), url) == "media.example is not known"
    assert await failure(media(tmp_path), "http://user:secret@/x") != ""
    assert "secret" not in await failure(media(tmp_path, unknown), "http://u:secret@a.example/")


# --- the cache


async def test_an_unchanged_file_is_not_sent_again(server: Elsewhere, tmp_path: Path) -> None:
    def says(_path: str, headers: dict[str, str]) -> bytes:
        if headers.get("if-none-match") == '"1"':
            return answer("304 Not Modified", b"")
        return answer(ETag='"1"', Last_Modified="Mon, 23 Nov 2026 22:14:08 GMT")

    server.says = says
    fetching = media(tmp_path)
    assert await fetching.fetch(server.url()) == await fetching.fetch(server.url())
    assert server.asked[1][1]["if-modified-since"] == "Mon, 23 Nov 2026 22:14:08 GMT"
    assert len(files(tmp_path)) == 1


async def test_a_fresh_file_is_not_asked_for(server: Elsewhere, tmp_path: Path) -> None:
    clock = Clock()
    server.says = lambda _p, _h: answer(Cache_Control="public, max-age=60")
    fetching = media(tmp_path, clock=clock)
    for later, asked in ((0, 1), (59, 1), (2, 2)):
        clock.now += later
        await fetching.fetch(server.url())
        assert len(server.asked) == asked


async def test_a_file_that_changed_does_not_change_who_plays_it(
    server: Elsewhere, tmp_path: Path
) -> None:
    clock = Clock()
    fetching = media(tmp_path, clock=clock)
    before = await fetching.fetch(server.url())
    server.says = lambda _p, _h: answer(body=b"new")
    clock.now += 1
    after = await fetching.fetch(server.url())
    assert (before.read_bytes(), after.read_bytes()) == (BODY, b"new")


async def test_the_cache_is_bounded(server: Elsewhere, tmp_path: Path) -> None:
    clock = Clock()
    fetching = media(tmp_path, clock=clock, cache_bytes=250)
    first = await fetching.fetch(server.url("/1"))
    await fetching.fetch(server.url("/2"))
    said = "the cache is full of files that may be playing"
    assert await failure(fetching, server.url("/3")) == said
    clock.now += remote_media.IN_USE + 1
    await fetching.fetch(server.url("/4"))
    assert not first.exists()
    assert sum(map(len, files(tmp_path))) <= 250


async def test_files_that_are_coming_count(
    server: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stalls = True
    server.says = lambda _p, _h: b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + bytes(150)
    fetching, arrived = media(tmp_path, cache_bytes=250), trio.Event()
    objection = fetching._objection

    def looked_at(size: int) -> FetchFailed | None:
        arrived.set()
        return objection(size)

    monkeypatch.setattr(fetching, "_objection", looked_at)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetching.fetch, server.url("/1"))
        await arrived.wait()
        said = "the cache is full of files that may be playing"
        assert await failure(fetching, server.url("/2")) == said
        nursery.cancel_scope.cancel()
    assert fetching._coming == 0
    assert files(tmp_path) == []


async def test_what_an_earlier_run_left_is_deleted(server: Elsewhere, tmp_path: Path) -> None:
    await media(tmp_path).fetch(server.url("/1"))
    await media(tmp_path).fetch(server.url("/2"))
    assert len(files(tmp_path)) == 1


async def test_many_who_ask_at_once_share_one_answer(server: Elsewhere, tmp_path: Path) -> None:
    server.says = lambda _p, _h: answer(Cache_Control="max-age=60")
    fetching, got = media(tmp_path), []

    async def fetch() -> None:
        got.append(await fetching.fetch(server.url()))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(fetch)
    assert len(set(got)) == 1
    assert len(server.asked) == 1
    assert fetching._fetching == {}


async def test_who_gives_up_leaves_nothing(server: Elsewhere, tmp_path: Path) -> None:
    server.stalls = True
    server.says = lambda _p, _h: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nRIFF"
    fetching = media(tmp_path)
    with trio.move_on_after(0.2):
        await fetching.fetch(server.url())
    assert files(tmp_path) == []
    assert fetching._fetching == {}
    server.stalls = False
    server.says = lambda _p, _h: answer()
    await fetching.fetch(server.url())
