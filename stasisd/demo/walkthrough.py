"""The demo from its beginning to its end, and the judgement of how it went."""

import io
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import soundfile
import trio
from rich.console import Console
from trio_websocket import HandshakeError

from stasisd import logs
from stasisd.config import Configuration, Settings
from stasisd.config.settings import Http, MediaProcess, Shutdown, Sip, SipEndpoint, Tenant, User
from stasisd.config.values import Address
from stasisd.daemon import Addresses, Daemon
from stasisd.tenants.keeping import ensure_secrets

from .application import NAME, Application, Visit
from .ari import Client, EventsOver, RequestRefused, connect
from .call import CallRefused
from .caller import KEYS, Caller, NotAsExpected
from .ear import PATIENCE, NotHeard, Sound
from .hearing import RATE, Samples
from .narration import Narrator
from .phone import RegistrationRefused, open_phone
from .stream import StreamOver

TENANT, USER, PHONE = "default", "demo", "100"
HEARD, SAID, RECORDING = "heard.wav", "said.wav", "recording.wav"
# How much like the message the recording must be, from 0 to 1; G.711 alone costs 0.01.
LIKENESS = 0.8
DRAIN_SECONDS = 3.0
# Exit codes.
PASSED, FAILED, INTERRUPTED = 0, 1, 130

# What can go wrong without being a bug of the demo itself.
_FAILURES = (
    NotAsExpected,
    NotHeard,
    StreamOver,
    CallRefused,
    RegistrationRefused,
    RequestRefused,
    EventsOver,
    HandshakeError,
    httpx.HTTPError,
    OSError,
    soundfile.SoundFileError,
)


def configuration(state: Path) -> Configuration:
    """A daemon that nobody but this machine can reach, on free ports."""
    here = Address("127.0.0.1", 0)
    settings = Settings(
        http=Http(bind=(here,)),
        sip=Sip(bind=here, tcp=False),
        media=MediaProcess(bind=here.host),
        shutdown=Shutdown(drain_seconds=DRAIN_SECONDS),
        tenants={TENANT: Tenant(users={USER: User()}, endpoints={PHONE: SipEndpoint()})},
    )
    return Configuration(settings=settings, source=None, state=state)


def run(folder: Path, *, verbose: bool, console: Console | None = None) -> int:
    """Show the demo and leave its sound files in the folder; the exit code. Blocks.

    Raises what the daemon does when it can't start.
    """
    printed = Console(highlight=False) if console is None else console
    logs.configure("info" if verbose else "error")
    try:
        _prepare(folder)
    except OSError as error:
        printed.print(f"stasisd: {folder} can't be written to: {error.strerror}", markup=False)
        return FAILED
    with tempfile.TemporaryDirectory(prefix="stasisd-demo-") as state:
        return trio.run(Demo(configuration(Path(state)), folder, printed, verbose=verbose).run)


def _prepare(folder: Path) -> None:
    """Make the folder, without files of an earlier demo. Raise OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (HEARD, SAID, RECORDING):
        (folder / name).unlink(missing_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


class Demo:
    """One demo; ``run`` is to be called once."""

    def __init__(
        self, given: Configuration, folder: Path, console: Console, *, verbose: bool
    ) -> None:
        """Makes the secrets and the daemon: blocks."""
        secrets, _ = ensure_secrets(given)
        self._user_password = secrets.users[TENANT][USER]
        self._phone_password = secrets.endpoints[TENANT][PHONE]
        self._daemon = Daemon(given, secrets)
        self._folder = folder
        self._narrator = Narrator(console, time.monotonic, verbose=verbose)
        self._files: list[tuple[str, str, str]] = []
        self._failure: str | None = None

    async def run(self) -> int:
        """Run the daemon, go through a call, and end it all; the exit code."""
        show = trio.CancelScope()
        async with trio.open_nursery() as whole:
            whole.start_soon(_watch_signals, show, whole.cancel_scope)
            async with trio.open_nursery() as service:
                with show:
                    await self._show(await service.start(self._daemon.run))
                self._daemon.stop()
            whole.cancel_scope.cancel()
        if show.cancelled_caught:
            self._narrator.step("Stopped.")
            return INTERRUPTED
        return self._conclude()

    async def _show(self, addresses: Addresses) -> None:
        (http, *_), (sip, *_) = addresses.http, addresses.sip
        self._narrator.step(
            f"stasisd is up: ARI on http://{http[0]}:{http[1]}, SIP on {sip[0]}:{sip[1]}."
        )
        visits, visited = trio.open_memory_channel[Visit](1)
        try:
            async with (
                connect(http, USER, self._user_password, NAME, self._narrator) as ari,
                trio.open_nursery() as nursery,
            ):
                self._narrator.step(f"The application {NAME!r} waits for calls, over a WebSocket.")
                nursery.start_soon(Application(ari, visits).run)
                caller = await self._call(sip)
                await self._judge(caller, await _receive(visited), ari)
                nursery.cancel_scope.cancel()
        except* _FAILURES as group:
            self._failure = str(_first(group)) or repr(_first(group))

    async def _call(self, sip: tuple[str, int]) -> Caller:
        """Register the phone and let the caller call; the sound is kept whatever happens."""
        trace = self._narrator.sip
        async with open_phone(PHONE, self._phone_password, sip, trace=trace) as phone:
            self._narrator.step(f"The phone registers as {PHONE}, with digest authentication.")
            granted = await phone.register()
            self._narrator.noticed(f"It is registered, for {granted} seconds at a time.")
            caller = Caller(phone, self._narrator)
            try:
                await caller.go_through()
            finally:
                self._keep_sound(caller)
        return caller

    def _keep_sound(self, caller: Caller) -> None:
        if caller.call is not None:
            self._keep(HEARD, caller.call.heard, "what the caller heard")
            self._keep(SAID, caller.call.said, "what the caller said")

    def _keep(self, name: str, samples: Samples, content: str) -> None:
        soundfile.write(self._folder / name, samples, RATE, subtype="PCM_16")
        self._files.append((str(self._folder / name), f"{len(samples) / RATE:.1f} s", content))

    async def _judge(self, caller: Caller, visit: Visit, ari: Client) -> None:
        """Compare what the application got with what the caller did."""
        self._narrator.step("The recording is fetched, and compared with what was said.")
        recording = await fetch_recording(visit, ari.download)
        alike = likeness(recording, caller.message)
        self._keep(RECORDING, recording, f"what was recorded: {alike:.1%} like what was said")
        if alike < LIKENESS:
            raise NotAsExpected(f"the recording is only {alike:.0%} like what was said")
        self._narrator.noticed(f"It holds the message: the correlation is {alike:.3f}.")

    def _conclude(self) -> int:
        if self._failure is not None:
            self._narrator.failed(self._failure)
            return FAILED
        self._narrator.summary(
            self._files,
            "Everything happened as it should. `stasisd serve` starts the daemon for your own"
            " phone; `stasisd credentials` tells its password.",
        )
        return PASSED


async def fetch_recording(visit: Visit, download: Callable[[str], Awaitable[bytes]]) -> Samples:
    """The recording that the application made. Raise NotAsExpected where it made none."""
    if visit.failure is not None:
        raise NotAsExpected(f"the application failed: {visit.failure}")
    if visit.keys != KEYS:
        raise NotAsExpected(f"keys {KEYS} were pressed, and the application got {visit.keys}")
    if visit.recording is None:
        raise NotAsExpected("the application has no recording of the message")
    data = await download(f"recordings/stored/{visit.recording}/file")
    recording, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    if rate != RATE:
        raise NotAsExpected(f"the recording has {rate} samples a second, not {RATE}")
    samples: Samples = recording
    return samples


def likeness(recording: Samples, message: Samples) -> float:
    """How much the best place in a recording is like the message, from 0 to 1."""
    match = Sound(recording).find(message)
    return 0.0 if match is None else match.likeness


async def _receive(visited: trio.MemoryReceiveChannel[Visit]) -> Visit:
    with trio.move_on_after(PATIENCE):
        return await visited.receive()
    raise NotAsExpected("the application did not notice the end of the call")


async def _watch_signals(show: trio.CancelScope, whole: trio.CancelScope) -> None:
    """The first signal ends the show, and the daemon then drains; the second ends all at once."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        for scope in (show, whole):
            await anext(signals)
            scope.cancel()


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
