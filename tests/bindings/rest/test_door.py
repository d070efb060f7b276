"""Who is let in: secrets are taken where nobody on the way can read them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stasisd.bindings.rest import perform
from stasisd.bindings.rest.door import Door, is_loopback
from stasisd.bindings.rest.exchange import HttpRequest, build_request
from stasisd.bindings.rest.perform import Outgoing
from stasisd.bindings.rest.responder import AriResponder
from stasisd.operations.errors import NotAuthenticated
from stasisd.operations.refusals import Refusals
from tests.support.clock import jumping_clock
from tests.support.server import SERVER, Server, serving

pytestmark = jumping_clock

REFUSED = b'{"message":"Passwords and tokens are not taken in plaintext","detail":"Use HTTPS'
WAYS = ["Basic Y29uZjpjb25m", "Basic Y29uZjp3cm9uZw==", "Bearer x", "?api_key=conf:conf", None]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


def strict(server: Server) -> AriResponder:
    return AriResponder(
        server.performer,
        Door(server.authenticator),
        documents=lambda _name, _host: None,
        open_session=lambda _hearing, _grant: pytest.fail("it may not open"),
        server=SERVER,
    )


def asking(way: str | None, address: str, *, secure: bool, path: str) -> HttpRequest:
    query = way if way is not None and way.startswith("?") else ""
    headers = {"authorization": way} if way is not None and not query else {}
    target = f"{path}{query}".encode()
    return build_request("GET", target, headers, b"", (address, 1), secure=secure)


@pytest.mark.parametrize("way", WAYS)
async def test_no_secret_is_looked_at_in_plaintext(way: str | None, server: Server) -> None:
    """Right, wrong or absent: the answer is the same, so nothing is learned by trying."""
    request = asking(way, "192.0.2.9", secure=False, path="/ari/channels")
    outgoing = await perform.perform(strict(server), request, ())
    assert outgoing.status == 403
    assert isinstance(outgoing.body, bytes)
    assert outgoing.body.startswith(REFUSED)
    assert b"http.allow_plaintext = true" in outgoing.body
    opened = await perform.open_events(strict(server), request, ())
    assert isinstance(opened, Outgoing)
    assert opened.status == 403


@pytest.mark.parametrize(
    ("address", "secure", "status"),
    [
        ("192.0.2.9", True, 200),
        ("192.0.2.9", False, 403),
        ("", False, 403),
        ("127.0.0.1", False, 200),
        ("::1", False, 200),
        ("2001:db8::1", False, 403),
    ],
)
async def test_where_secrets_are_taken(
    address: str, secure: bool, status: int, server: Server
) -> None:
    request = asking(WAYS[0], address, secure=secure, path="/ari/channels")
    assert (await perform.perform(strict(server), request, ())).status == status


async def test_a_browser_may_ask_what_is_allowed(server: Server) -> None:
    request = build_request("OPTIONS", b"/ari/channels", {}, b"", ("192.0.2.9", 1), secure=False)
    assert (await perform.perform(strict(server), request, ())).status == 204


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("12.7.0.1", False),
        ("::", False),
        ("0.0.0.0", False),
        ("::ffff:192.0.2.1", False),
        ("", False),
    ],
)
def test_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback


async def test_who_is_not_let_in_is_told_of(server: Server) -> None:
    """But not who shows nothing yet, and never what was shown."""
    log = server.tenant.audit
    assert log is not None
    door = Door(server.authenticator, refusals=Refusals(log, server.tenant.now))
    for way in (None, "Bearer stasis1_wrong", "Basic !", "?api_key=conf:guess"):
        with pytest.raises(NotAuthenticated):
            await door.admit(asking(way, "127.0.0.1", secure=False, path="/ari/channels"))
    entries = [record.entry for record in await log.read(0, 10)]
    assert [(e.operation, e.outcome, e.objects) for e in entries] == [
        ("login", "deny", ("address:127.0.0.1",))
    ] * 3
    assert not any(shown in repr(entries) for shown in ("wrong", "guess", "conf"))
