"""Files as responses: ranges, bounded memory, and every file closed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pytest
from structlog.testing import capture_logs

from stasisd.bindings.rest.exchange import FileBody, HttpRequest, HttpResponse
from stasisd.bindings.rest.files import CHUNK

from .support import Answer, FakeResponder, serving
from .test_life import NEVER, reset

WAV = (b"content-type", b"audio/wav")


@pytest.fixture(params=[True, False], ids=["lean", "stock"])
def lean(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Recording(FakeResponder):
    """Answers every request with one file."""

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__()
        path.write_bytes(content)
        os.utime(path, (1_000_000_000.5, 1_000_000_000.5))
        self.path = path
        self.opened_files: list[BinaryIO] = []
        self.claimed_size: int | None = None

    async def respond(self, request: HttpRequest) -> HttpResponse:
        file = self.path.open("rb")
        self.opened_files.append(file)
        stat = os.fstat(file.fileno())
        size = stat.st_size if self.claimed_size is None else self.claimed_size
        return HttpResponse(200, (WAV,), FileBody(file, size, stat.st_mtime))

    def all_closed(self) -> bool:
        return all(file.closed for file in self.opened_files)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path / "file.wav", bytes(range(100)))


async def fetch(
    recording: Recording, lean: bool, headers: Iterable[tuple[str, str]], method: str = "GET"
) -> Answer:
    async with serving(recording, lean=lean) as server:
        answer = await server.ask(method, "/ari/file", headers=headers)
    assert recording.all_closed()
    return answer


async def test_whole_file(recording: Recording, lean: bool) -> None:
    answer = await fetch(recording, lean, [])
    assert (answer.status, answer.body) == (200, bytes(range(100)))
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert "content-range" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "offset", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-10", 90, 100),
        ("bytes=-1000", 0, 100),
        ("Bytes=99-99", 99, 100),
    ],
)
async def test_one_range_is_206(
    recording: Recording, lean: bool, asked: str, offset: int, end: int
) -> None:
    answer = await fetch(recording, lean, [("Range", asked)])
    assert (answer.status, answer.body) == (206, bytes(range(offset, end)))
    assert answer.headers["content-range"] == f"bytes {offset}-{end - 1}/100"
    assert answer.headers["content-length"] == str(end - offset)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
async def test_range_outside_is_416(recording: Recording, lean: bool, asked: str) -> None:
    answer = await fetch(recording, lean, [("Range", asked)])
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == "bytes */100"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-9 x"]
)
async def test_range_that_we_do_not_serve_is_the_whole(
    recording: Recording, lean: bool, asked: str
) -> None:
    answer = await fetch(recording, lean, [("Range", asked)])
    assert (answer.status, len(answer.body)) == (200, 100)


async def test_if_range(recording: Recording, lean: bool) -> None:
    whole = await fetch(recording, lean, [])
    for validator, status in (
        (whole.headers["etag"], 206),
        (whole.headers["last-modified"], 206),
        ('"other"', 200),
        ("W/" + whole.headers["etag"], 200),
        ("Sun, 09 Sep 2001 01:46:41 GMT", 200),
    ):
        asked = [("Range", "bytes=0-9"), ("If-Range", validator)]
        assert (await fetch(recording, lean, asked)).status == status


async def test_head_of_a_file_ignores_range(recording: Recording, lean: bool) -> None:
    answer = await fetch(recording, lean, [("Range", "bytes=0-9")], "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "100"


async def test_large_file_is_sent_in_chunks(tmp_path: Path, lean: bool) -> None:
    content = os.urandom(3 * CHUNK + 1)
    recording = Recording(tmp_path / "large.wav", content)
    answer = await fetch(recording, lean, [("Range", "bytes=1-")])
    assert answer.body == content[1:]


async def test_client_that_goes_away_in_the_middle(tmp_path: Path, lean: bool) -> None:
    recording = Recording(tmp_path / "large.wav", bytes(64 * CHUNK))
    with capture_logs() as logs:
        async with serving(recording, lean=lean, drain_timeout=NEVER) as server:
            client = await server.connect()
            await client.stream.send_all(b"GET /ari/file HTTP/1.1\r\nHost: t\r\n\r\n")
            await client.stream.receive_some(1)
            reset(client.stream)
    assert recording.all_closed()
    assert logs == []


async def test_file_that_became_shorter_ends_the_connection(
    recording: Recording, lean: bool
) -> None:
    recording.claimed_size = 1000
    with capture_logs() as logs:
        async with serving(recording, lean=lean) as server:
            client = await server.connect()
            async with client.stream:
                await client.stream.send_all(b"GET /ari/file HTTP/1.1\r\nHost: t\r\n\r\n")
                while not await client.closed_by_server():
                    pass
            recording.claimed_size = None
            assert (await server.ask("GET", "/ari/file")).status == 200
    assert recording.all_closed()
    assert [entry["missing"] for entry in logs] == [900]
