"""Media that is fetched by HTTP: bounded in size and time, by the tenant's rule of egress, cached.

The address that is connected to is the one that the rule has seen: the name is looked up here,
once for each connection, and the connection goes to that address. Each redirect is a request of
its own and passes the same way.
"""

import re
import secrets
import shutil
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath

import httpx
import msgspec
import trio

from .egress import Egress, look_up

Resolve = Callable[[str, int], Awaitable[list[str]]]

# Formats without a header are known by these endings alone; others by what they hold.
HEADERLESS = {".ulaw", ".ul", ".pcm", ".alaw", ".al", ".sln", ".slin", ".sln16", ".slin16", ".gsm"}
MOST_REDIRECTS = 5
MOST_ADDRESSES = 4  # of one name that are tried
MOST_FRESH = 86_400.0  # seconds that a server may have its file taken for unchanged
# A file stays so long after it was asked for: whoever plays it may still read it.
IN_USE = 3600.0


class RemoteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds: of one file, in bytes and seconds, and of all that are kept, in bytes."""

    folder: Path
    allowed_networks: tuple[str, ...] = ()
    max_bytes: int = 16 << 20
    max_seconds: float = 20.0
    cache_bytes: int = 256 << 20


class FetchFailed(Exception):
    """The file could not be had. The message says why; of the URL it holds the host alone."""


class _Kept(msgspec.Struct):
    """A file of the cache, and what its server said of it."""

    path: Path
    size: int
    validators: dict[str, str]
    fresh_until: float
    used: float


class _Guarded(httpx.AsyncBaseTransport):
    """Connects only to addresses that the rule permits, and to no other than it has seen.

    It keeps no connection, so that closing it, as each client does in the end, has no effect.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, egress: Egress, resolve: Resolve) -> None:
        self._inner = inner
        self._egress = egress
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises FetchFailed and httpx's errors."""
        host, port = request.url.host, request.url.port or 0
        failed: httpx.TransportError | None = None
        for address in (await self._addresses(host, port))[:MOST_ADDRESSES]:
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # the Host among them
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except httpx.ConnectError as error:
                failed = error
        raise failed or FetchFailed(f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await self._resolve(host, port)
        except OSError:
            raise FetchFailed(f"{host} is not known") from None
        permitted = [address for address in found if self._egress.permits(address)]
        if found and not permitted:
            raise FetchFailed(f"{host} is in a network that media may not be fetched from")
        return permitted


class RemoteMedia:
    """One tenant's files from elsewhere."""

    def __init__(
        self,
        settings: RemoteSettings,
        *,
        resolve: Resolve = look_up,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The folder is this cache's own: what an earlier run left in it is deleted."""
        self._settings = settings
        self._egress = Egress(settings.allowed_networks)
        self._resolve = resolve
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[str, trio.Lock] = {}
        self._coming = 0  # bytes of files that are not whole yet
        self._transport: _Guarded | None = None
        self._opening = trio.Lock()

    async def fetch(self, url: str) -> Path:
        """The file that a URL names, from the cache where it is unchanged. Raises FetchFailed.

        Who asks for a URL that is being fetched waits for that, and then asks whether it changed.
        """
        turn = self._fetching.setdefault(url, trio.Lock())
        try:
            async with turn:
                return await self._fetch(url)
        finally:
            if not turn.locked():  # nobody waits: a lock goes from one to the next
                self._fetching.pop(url, None)

    async def _fetch(self, url: str) -> Path:
        kept, now = self._kept.get(url), self._clock()
        if kept is not None:
            kept.used = now
            self._kept.move_to_end(url)
            if now < kept.fresh_until:
                return kept.path
        seconds = self._settings.max_seconds
        with trio.move_on_after(seconds):
            try:
                return await self._ask(url, kept)
            except httpx.TooManyRedirects:
                raise FetchFailed(f"more than {MOST_REDIRECTS} redirects") from None
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise FetchFailed(_told(error)) from None
            except OSError as error:
                raise FetchFailed(f"the cache can't be written: {error.strerror}") from None
        raise FetchFailed(f"it took longer than {seconds:g} seconds")

    async def _ask(self, url: str, kept: _Kept | None) -> Path:
        headers = {"accept-encoding": "identity", **(kept.validators if kept else {})}
        async with (
            httpx.AsyncClient(
                transport=await self._connections(),
                follow_redirects=True,
                max_redirects=MOST_REDIRECTS,
                timeout=2 * self._settings.max_seconds,  # ours comes first
                trust_env=False,
            ) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == httpx.codes.NOT_MODIFIED and kept is not None:
                kept.fresh_until = self._clock() + _fresh(response)
                return kept.path
            if response.status_code != httpx.codes.OK:
                raise FetchFailed(f"{response.url.host} answered {response.status_code}")
            return await self._take(url, response)

    async def _connections(self) -> _Guarded:
        async with self._opening:
            if self._transport is None:
                await trio.to_thread.run_sync(self._clear)
                context = await trio.to_thread.run_sync(ssl.create_default_context)
                inner = httpx.AsyncHTTPTransport(
                    verify=context, limits=httpx.Limits(max_keepalive_connections=0)
                )
                self._transport = _Guarded(inner, self._egress, self._resolve)
            return self._transport

    def _clear(self) -> None:
        shutil.rmtree(self._settings.folder, ignore_errors=True)
        self._settings.folder.mkdir(parents=True)

    # --- the cache

    async def _take(self, url: str, response: httpx.Response) -> Path:
        """Keep the body, in place of what was kept of this URL."""
        suffix = PurePosixPath(response.url.path).suffix.lower()
        # A new name for each: whoever plays the old file goes on with that.
        name = secrets.token_hex(16) + (suffix if suffix in HEADERLESS else "")
        path = self._settings.folder / name
        try:
            size = await self._write(path, response)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        now = self._clock()
        old = self._kept.pop(url, None)
        if old is not None:  # kept for those who play it, under a name that no URL has
            self._kept[f"old {old.path.name}"] = old
        self._kept[url] = _Kept(path, size, _validators(response), now + _fresh(response), now)
        return path

    async def _write(self, path: Path, response: httpx.Response) -> int:
        """Write the body to a new file. Raises FetchFailed and OSError."""
        stated = response.headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,18}", stated) and int(stated) > self._settings.max_bytes:
            raise self._too_big()
        size, refused = 0, None
        try:
            # Left by cancelling: generators inside httpx that are left in the middle stay open.
            with trio.CancelScope() as reading:
                async with await trio.open_file(path, "xb") as file:
                    async for chunk in response.aiter_raw():
                        size += len(chunk)
                        self._coming += len(chunk)
                        refused = refused or self._objection(size)
                        if refused is not None:
                            reading.cancel()
                        else:
                            await file.write(chunk)
        finally:
            self._coming -= size
        if refused is not None:
            raise refused
        return size

    def _too_big(self) -> FetchFailed:
        return FetchFailed(f"it has more than {self._settings.max_bytes} bytes")

    def _objection(self, size: int) -> FetchFailed | None:
        """What is against so many bytes of a file, if anything is; makes room for them."""
        if size > self._settings.max_bytes:
            return self._too_big()
        if not self._make_room():
            return FetchFailed("the cache is full of files that may be playing")
        return None

    def _make_room(self) -> bool:
        """See that the cache stays within its bound with what comes; says whether it does."""
        total = sum(kept.size for kept in self._kept.values()) + self._coming
        for name, kept in list(self._kept.items()):
            if total <= self._settings.cache_bytes:
                return True
            if self._clock() - kept.used > IN_USE:
                kept.path.unlink(missing_ok=True)
                del self._kept[name]
                total -= kept.size
        return total <= self._settings.cache_bytes


def _told(error: Exception) -> str:
    """What an error is to who asked; messages of libraries may hold the whole URL."""
    if isinstance(error, httpx.ConnectError):
        return "no connection could be made"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return "it is not a URL of http or https"
    return "the server broke off or did not speak HTTP"


def _validators(response: httpx.Response) -> dict[str, str]:
    """The headers by which the server is asked whether its file changed (RFC 9110, 13.1)."""
    asked = {"if-none-match": "etag", "if-modified-since": "last-modified"}
    return {
        asking: response.headers[told] for asking, told in asked.items() if told in response.headers
    }


def _fresh(response: httpx.Response) -> float:
    """For how many seconds the server need not be asked again (RFC 9111, 5.2.2)."""
    said = response.headers.get("cache-control", "").lower()
    age = re.search(r"max-age=([0-9]{1,9})", said)
    if age is None or "no-cache" in said or "no-store" in said:
        return 0.0
    return min(float(age[1]), MOST_FRESH)
