"""Files as response bodies: which part is sent, and how, without blocking the loop."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from typing import BinaryIO

import msgspec
import structlog
import trio

from .exchange import FileBody, HttpRequest, HttpResponse
from .ranges import Part, Unsatisfiable, if_range_holds, select, validators

log = structlog.get_logger(__name__)

CHUNK = 256 * 1024


class FileCutShortError(Exception):
    """A file became shorter while it was sent; the connection can't be kept."""


class FileSlice(msgspec.Struct, frozen=True):
    """Bytes `offset` to `offset + length` of an open file, ours to close."""

    file: BinaryIO
    offset: int
    length: int


def select_part(
    request: HttpRequest, response: HttpResponse, body: FileBody
) -> tuple[HttpResponse, FileSlice]:
    """Apply Range and If-Range of a GET to a 200 response with a file."""
    current = validators(body.size, body.modified, time.time())
    headers = (
        *response.headers,
        (b"accept-ranges", b"bytes"),
        (b"etag", current.etag.encode()),
        (b"last-modified", current.last_modified.encode()),
    )
    part: Part | Unsatisfiable | None = None
    ranged = request.method == "GET" and response.status == 200
    if ranged and if_range_holds(request.headers.get("if-range"), current):
        part = select(request.headers.get("range"), body.size)
    status, offset, length = response.status, 0, body.size
    if isinstance(part, Part):
        status, offset, length = 206, part.offset, part.length
        content_range = f"bytes {offset}-{offset + length - 1}/{body.size}"
        headers = (*headers, (b"content-range", content_range.encode()))
    elif part is not None:
        status, length = 416, 0
        headers = (*headers, (b"content-range", f"bytes */{body.size}".encode()))
    return HttpResponse(status, headers), FileSlice(body.file, offset, length)


async def copy(part: FileSlice, send: Callable[[bytes], Awaitable[None]]) -> None:
    """Send a part of a file in chunks, each read by a thread.

    Raises `FileCutShortError` when the file ends before the part does.
    """
    position, end = part.offset, part.offset + part.length
    while position < end:
        size = min(CHUNK, end - position)
        chunk = await trio.to_thread.run_sync(os.pread, part.file.fileno(), size, position)
        if not chunk:
            log.warning("file became shorter while it was sent", missing=end - position)
            raise FileCutShortError
        position += len(chunk)
        await send(chunk)
