"""What a tenant is told that the server is made of, and what of it can be read anew."""

from collections.abc import Iterator
from pathlib import Path

import trio

from .core.component import Component, ReloadFailed
from .core.tenant import Tenant
from .dialplan.interpreter import Interpreter
from .dialplan.parser import DialplanError, parse


def of(tenant: Tenant, dialplan: Path) -> Iterator[Component]:
    """The components, as one tenant sees them; ``dialplan`` is its file."""

    async def reload_dialplan() -> None:
        await _reload_dialplan(tenant, dialplan)

    yield Component("ari", "Programs over REST and WebSocket", lambda: len(tenant.applications))
    yield Component("bridging", "Bridges between channels", lambda: len(tenant.bridges))
    yield Component("dialplan", "The dialplan of extensions.conf", reload=reload_dialplan)
    yield Component("local", "Channels into the dialplan", lambda: _channels(tenant, "Local"))
    yield Component("media", "RTP, prompts, recordings and DTMF", lambda: len(tenant.channels))
    yield Component("playback", "Playing prompts", lambda: len(tenant.playbacks))
    yield Component("recording", "Recording channels", lambda: len(tenant.recordings))
    yield Component("sip", "Phones over SIP", lambda: _channels(tenant, "PJSIP"))
    yield Component("store", "What outlives the daemon, in SQLite")


def _channels(tenant: Tenant, technology: str) -> int:
    return sum(channel.name.startswith(f"{technology}/") for channel in tenant.channels.values())


async def _reload_dialplan(tenant: Tenant, path: Path) -> None:
    """Channels that are in the dialplan go on in the one that they are in."""
    try:
        text = await trio.Path(path).read_text()
        plan = parse(text, str(path))
        router = Interpreter(plan)
    except (OSError, UnicodeDecodeError, DialplanError) as error:
        raise ReloadFailed(str(error)) from None
    tenant.globals.update(plan.variables)
    tenant.router = router
    tenant.reloaded = tenant.now()
