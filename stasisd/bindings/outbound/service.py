"""Who connects when, in whose name."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog
import trio

from caps.grant import Grant
from stasisd.bindings.ari.performing import EVENTS, Performer
from stasisd.core import events
from stasisd.core.summons import WAITING, Summons
from stasisd.core.tenant import Tenant
from stasisd.operations.errors import OperationError
from stasisd.operations.events import NEW, Hearing

from .backoff import Backoff
from .dialing import CannotConnectError, dial
from .settings import OutboundSettings, Target
from .wire import ClientWire

log = structlog.get_logger(__name__)

_NORMAL = 1000
# After the stop, how long connections may take to say goodbye, in seconds.
DRAIN = 5.0


class Session(Protocol):
    """What speaks over a connection (`websocket.session.EventSession`)."""

    async def run(self, wire: ClientWire) -> None:
        """Speak until the end."""

    def end(self, code: int, reason: str) -> None:
        """Send what was heard so far, then close."""

    def close(self) -> None:
        """Give up what the session holds. Idempotent."""


OpenSession = Callable[[Hearing, Grant], Session]
Dial = Callable[[Target, OutboundSettings, trio.Event, trio.Nursery], Awaitable[ClientWire]]


class Outbound:
    """One configured connection."""

    def __init__(
        self,
        settings: OutboundSettings,
        tenant: Tenant,
        performer: Performer,
        grant: Callable[[], Grant],
        open_session: OpenSession,
        *,
        dial: Dial = dial,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``grant`` is what the peer may do: asked for anew at each connection.

        Reads certificates. Raises OSError or `ssl.SSLError` for those that can't be read.
        """
        self._settings = settings
        self._tenant = tenant
        self._performer = performer
        self._grant = grant
        self._open_session = open_session
        self._dial = dial
        self._chance = chance
        self._target = Target.of(settings)
        self._stop = trio.Event()
        self._log = log.bind(connection=settings.name, url=settings.url)

    async def run(self, stop: trio.Event) -> None:
        """Connect, and connect again, until stopped; then say goodbye."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wait_for_calls if self._settings.per_call else self._persist)
            await stop.wait()
            self._stop.set()
            nursery.cancel_scope.deadline = trio.current_time() + DRAIN

    # --- persistent

    async def _persist(self) -> None:
        backoff = self._backoff()
        while not self._stop.is_set():
            began = trio.current_time()
            spoke = await self._converse(self._settings.applications)
            if spoke and trio.current_time() - began >= self._settings.retry_longest:
                backoff.reset()  # it held; one that comes and goes is no better than none
            with trio.move_on_after(backoff.delay()):
                await self._stop.wait()

    # --- per call

    async def _wait_for_calls(self) -> None:
        ask, asked = trio.open_memory_channel[Summons](WAITING)
        reachable = dict.fromkeys(self._settings.applications, ask)
        self._tenant.reachable.update(reachable)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._attend_all, asked, nursery)
                await self._stop.wait()
                nursery.cancel_scope.deadline = trio.current_time() + DRAIN
        finally:
            for name in reachable:
                del self._tenant.reachable[name]

    async def _attend_all(
        self, asked: trio.MemoryReceiveChannel[Summons], nursery: trio.Nursery
    ) -> None:
        async for summons in asked:
            nursery.start_soon(self._attend, summons)

    async def _attend(self, summons: Summons) -> None:
        """Serve one call, for as long as it wants and the peer can be reached."""
        backoff = self._backoff()
        while not summons.over.is_set():
            if backoff.attempts >= self._settings.attempts or self._stop.is_set():
                summons.give_up()
                return
            delay = backoff.delay()
            if await self._converse((summons.instance,), summons):
                backoff.reset()
            with trio.move_on_after(delay):
                await summons.over.wait()

    # --- both

    def _backoff(self) -> Backoff:
        return Backoff(self._settings.retry_first, self._settings.retry_longest, self._chance)

    async def _converse(self, names: Sequence[str], summons: Summons | None = None) -> bool:
        """Connect and speak until the end; returns whether there was a connection."""
        try:
            async with trio.open_nursery() as nursery:
                try:
                    return await self._connect_and_speak(names, summons, nursery)
                finally:
                    nursery.cancel_scope.cancel()
        except* Exception:  # noqa: BLE001 - the barrier: one bug ends one connection
            self._log.exception("connection failed")
        return False

    async def _connect_and_speak(
        self, names: Sequence[str], summons: Summons | None, nursery: trio.Nursery
    ) -> bool:
        try:
            wire = await self._dial(self._target, self._settings, self._stop, nursery)
        except CannotConnectError as error:
            self._log.warning("cannot connect", why=str(error))
            return False
        try:
            hearing, session = await self._session(names, wire.known)
        except OperationError as refused:
            self._log.error("cannot serve", applications=names, why=refused.message)
            wire.abort()
            return False
        self._log.info("connected", applications=names)
        try:
            if summons is not None:
                summons.settle()
                nursery.start_soon(_end_with, summons, hearing, session)
            await session.run(wire)
        finally:
            session.close()
            wire.abort()
        self._log.info("disconnected", applications=names)
        return True

    async def _session(
        self, names: Sequence[str], known: Mapping[str, str]
    ) -> tuple[Hearing, Session]:
        grant = self._grant()
        raw = {"app": list(names), "subscribeAll": self._settings.subscribe_all}
        if not known.keys().isdisjoint(names):
            raw["resume"] = [known.get(name, NEW) for name in names]
        hearing: Hearing = await self._performer.gate.perform(grant, EVENTS, raw)
        hearing.announce(events.ApplicationRegistered)
        return hearing, self._open_session(hearing, grant)


async def _end_with(summons: Summons, hearing: Hearing, session: Session) -> None:
    await summons.over.wait()
    hearing.announce(events.ApplicationUnregistered)
    session.end(_NORMAL, "the call is over")
