"""A tenant with the conformance dialplan on the real media engine, under the jumping clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from stasisd.core import bus, sounds
from stasisd.core.events import Event
from stasisd.core.tenant import Tenant, TenantSettings
from stasisd.dialplan.interpreter import Interpreter
from stasisd.dialplan.parser import parse
from stasisd.media.control import Media
from stasisd.technologies.local import Local

TARGET = Path(__file__).parent.parent / "compatibility" / "target"
PROMPTS = Path(__file__).parent.parent.parent / "stasisd" / "sounds"
EPOCH = 1_795_470_000.0


def make_tenant(media: Media, folder: Path, dialplan: str | None = None) -> Tenant:
    """A tenant that is not running yet; by default with the dialplan of the recordings."""
    text = (TARGET / "extensions.conf").read_text() if dialplan is None else dialplan
    tenant = Tenant(
        TenantSettings(channelvars=("CONFVAR",), recordings=folder / "recordings"),
        media=media,
        sounds=sounds.scan([PROMPTS]),
        wall_clock=lambda: EPOCH + trio.current_time(),
    )
    tenant.router = Interpreter(parse(text, "extensions.conf"))
    tenant.technologies["Local"] = Local()
    return tenant


@pytest.fixture
async def tenant(
    media: Media, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> AsyncIterator[Tenant]:
    """A running tenant; at the end of the test it has to be empty or is cancelled."""
    made = make_tenant(media, tmp_path)
    async with trio.open_nursery() as nursery:
        await nursery.start(made.run)
        yield made
        nursery.cancel_scope.cancel()


class Listener:
    """Collects what one application, or everybody, hears."""

    def __init__(self, tenant: Tenant, *names: str, everything: bool = False) -> None:
        self.mailbox = bus.Mailbox()
        for name in names:
            tenant.serve_application(name).connect(self.mailbox, everything=everything)
        if not names:
            self.mailbox.subscribe(tenant.bus, [bus.EVERYTHING])
        self.heard: list[Event] = []

    async def until(self, *types: type[Event]) -> Event:
        """Listen until an event of one of these types comes, and return it."""
        while True:
            event = await self.next()
            if isinstance(event, types):
                return event

    async def next(self) -> Event:
        """The next event."""
        if not hasattr(self, "_pending") or not self._pending:
            self._pending = [d for d in await self.mailbox.receive() if not isinstance(d, bus.Ended)]
        _, event = self._pending.pop(0)
        self.heard.append(event)
        return event

    def names(self, channel_id: str | None = None) -> list[str]:
        """The types of what was heard so far, of all channels or of one."""
        return [
            type(event).__name__
            for event in self.heard
            if channel_id is None or _channel_of(event) == channel_id
        ]


def _channel_of(event: Event) -> str | None:
    for name in ("channel", "peer"):
        snapshot = getattr(event, name, None)
        if snapshot is not None:
            found: str = snapshot.id
            return found
    return None
