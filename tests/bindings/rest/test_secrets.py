"""Nothing secret is told: not in the log, not in an answer, not by what is shown of objects."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from caps.token import mint
from stasisd import logs
from stasisd.bindings.rest import perform
from stasisd.bindings.rest.exchange import HttpRequest, build_request
from stasisd.bindings.rest.perform import Outgoing
from stasisd.config import settings
from stasisd.credentials.passwords import Plain
from stasisd.operations.authentication import User
from tests.support.clock import jumping_clock
from tests.support.server import Server, serving

pytestmark = jumping_clock

WRONG, HA1 = "wrong-secret-of-the-test", "ha1-secret-of-the-test"


@pytest.fixture
def told() -> io.StringIO:
    """The daemon's log, all of it."""
    stream = io.StringIO()
    logs.configure("debug", stream=stream)
    return stream


def ways(token: str) -> Iterator[tuple[str, str]]:
    """A query and a header for each way to show a secret, right, wrong and garbled."""
    for pair in (f"conf:{WRONG}", "conf:conf-is-right", f"nobody:{WRONG}", f"a:{token}", token):
        encoded = base64.b64encode(pair.encode()).decode()
        yield f"?api_key={pair}", ""
        yield "", f"Basic {encoded}"
        yield "", f"Bearer {pair}"
        yield "", f"Basic {pair}"
        yield "", f'Digest username="conf", realm="r", nonce="{pair}", response="{pair}"'
        yield "", f"Stasis-Proof token={pair}, time=1, nonce={WRONG}, proof={pair}"
        yield "", pair


def requests(token: str) -> Iterator[HttpRequest]:
    for query, header in ways(token):
        headers = {"authorization": header} if header else {}
        for secure in (True, False):
            for path in ("/ari/channels", "/ari/events", "/ari/nothing"):
                target = f"{path}{query}".encode()
                yield build_request("GET", target, headers, b"", ("192.0.2.9", 1), secure=secure)


@pytest.mark.parametrize("broken", [False, True], ids=["served", "broken"])
async def test_nothing_secret_is_told(
    tmp_path: Path, told: io.StringIO, broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as server:
        await trio.sleep(1)
        key = server.keyring.newest("default")
        assert key is not None
        good = mint(key).encode()
        forged = good[:-4] + "AAAA"
        if broken:  # a bug, whose traceback is logged
            monkeypatch.setattr(server.authenticator, "admit", None)
            monkeypatch.setattr(server.authenticator, "_tokens", None)
        answers = ""
        for token in (good, forged):
            for request in requests(token):
                answers += await answer(server, request)
    assert ("request failed" in told.getvalue()) == broken
    for secret in (WRONG, good[-60:], forged[-60:], "conf-is-right"):
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in told.getvalue()
            assert form not in answers


async def answer(server: Server, request: HttpRequest) -> str:
    outgoing = await perform.perform(server.responder, request, ())
    opened = await perform.open_events(server.responder, request, ())
    assert isinstance(outgoing.body, bytes)
    said = str(outgoing.headers) + outgoing.body.decode()
    if isinstance(opened, Outgoing):
        assert isinstance(opened.body, bytes)
        return said + opened.body.decode()
    opened.close()
    return said


def test_users_do_not_show_what_they_are_known_by() -> None:
    user = User(name="u", tenant="t", password=Plain(WRONG), ha1=HA1)
    given = settings.User(password=WRONG, password_hash=WRONG, digest_ha1=HA1)
    for shown in (repr(user), repr(given), repr(settings.Tenant(users={"u": given}))):
        assert WRONG not in shown
        assert HA1 not in shown
