"""baresip transfers its calls: the server does it, or an application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.support import program
from tests.support.listening import Listener

from . import baresip
from .cable import Cable

pytestmark = [
    pytest.mark.phone,
    pytest.mark.skipif(not baresip.is_installed(), reason="baresip-core is not installed"),
]

DIALPLAN = """\
[default]
exten => 600,1,Answer()
 same => n,Echo()
exten => 700,1,Answer()
 same => n,Set(PJSIP_TRANSFER_HANDLING()=ari-only)
 same => n,Stasis(demo)
exten => _1XX,1,Dial(PJSIP/${EXTEN},30)
"""


class Exchange:
    """A server, the phones that are registered with it, and ARI."""

    def __init__(self, ari: httpx.AsyncClient, events: Listener, server: tuple[str, int]) -> None:
        self.ari = ari
        self.events = events
        self.phones: dict[str, baresip.Baresip] = {}
        self._server = server

    def uri(self, exten: str) -> str:
        return f"sip:{exten}@{self._server[0]}:{self._server[1]}"


@asynccontextmanager
async def exchange(cable: Cable, folder: Path, said: Path, *names: str) -> AsyncIterator[Exchange]:
    configuration = program.configuration(cable.server)
    with trio.fail_after(60):
        async with (
            program.running(folder, configuration, DIALPLAN) as daemon,
            daemon.listen("demo", everything=True) as events,
            await daemon.client() as ari,
            AsyncExitStack() as phones,
        ):
            _, server = await daemon.addresses()
            made = Exchange(ari, events, server)
            for name in names:
                (home := folder / name).mkdir()
                running = baresip.running(cable, server, home, said, name=name)
                made.phones[name] = await phones.enter_async_context(running)
                await events.until("EndpointStateChange")
            yield made


async def test_a_phone_sends_whom_it_talks_to_elsewhere(
    cable: Cable, said: Path, tmp_path: Path
) -> None:
    async with exchange(cable, tmp_path, said, "100", "101") as made:
        first, second = made.phones.values()
        await first.command("dial", made.uri("101"))
        await second.happens("CALL_INCOMING")
        await second.command("accept")
        await first.happens("CALL_ESTABLISHED")
        await trio.sleep(0.5)
        await first.command("transfer", made.uri("600"))
        transfer = await made.events.until("BridgeBlindTransfer")
        assert (transfer["exten"], transfer["context"]) == ("600", "default")
        assert transfer["transferee"]["name"].startswith("PJSIP/101-")
        await first.happens("CALL_CLOSED")
        while (await made.events.until("ChannelDialplan"))["dialplan_app"] != "Echo":
            pass
        await second.command("hangup")
        destroyed = await made.events.until(
            "ChannelDestroyed", channel=transfer["transferee"]["id"]
        )
        assert destroyed["cause"] == 16


@pytest.mark.parametrize(
    ("state", "told"),
    [("channel_answered", "CALL_CLOSED"), ("channel_declined", "TRANSFER_FAILED")],
)
async def test_an_application_does_what_a_phone_asks_for(
    state: str, told: str, cable: Cable, said: Path, tmp_path: Path
) -> None:
    async with exchange(cable, tmp_path, said, "100") as made:
        phone = made.phones["100"]
        await phone.dial(made.uri("700"))
        channel = (await made.events.until("StasisStart"))["channel"]["id"]
        await phone.command("transfer", made.uri("anywhere"))
        wanted = await made.events.until("ChannelTransfer")
        assert wanted["refer_to"]["requested_destination"]["destination"] == "anywhere"
        assert wanted["referred_by"]["source_channel"]["id"] == channel
        assert "state" not in wanted
        for reported in ("channel_progress", state):
            reply = await made.ari.post(
                f"/channels/{channel}/transfer_progress", params={"states": reported}
            )
            assert reply.status_code == 204
            assert (await made.events.until("ChannelTransfer"))["state"] == reported
        await phone.happens(told)
        reply = await made.ari.delete(f"/channels/{channel}")
        assert reply.status_code in {204, 404}
        await made.events.until("ChannelDestroyed", channel=channel)
