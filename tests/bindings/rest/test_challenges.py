"""Who proves a secret without showing it: HTTP Digest, and possession of a token."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import AcceptConnection

from caps.caveats import ProofRequired
from caps.keyring import Keyring
from caps.proof import Request, prove
from caps.token import Token, generate_key, mint
from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.performing import Performer
from stasisd.bindings.rest.door import REALM, Door
from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse, build_request
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from stasisd.credentials import passwords
from stasisd.credentials.digest import (
    Challenge,
    Credentials,
    answer,
    expected_response,
    ha1,
    parse_challenge,
)
from stasisd.operations.authentication import Authenticator, User
from stasisd.operations.gate import Gate
from stasisd.operations.logins import GUESSES
from tests.bindings.rest.support import Answer, WebSocket
from tests.support.clock import jumping_clock
from tests.support.server import SERVER, Server, serving

PASSWORD = "opensesame"
USER = User(
    name="ada",
    tenant="default",
    password=passwords.NONE,
    ha1=ha1("ada", REALM, PASSWORD, "SHA-256"),
)
FAR = ("192.0.2.9", 40000)


class World:
    """A server with a user who answers challenges, asked from elsewhere in plaintext."""

    def __init__(self, server: Server, now: Any) -> None:
        self.server = server
        users = (USER, User(name="conf", tenant="default", password=passwords.Plain("conf")))
        self.now = now
        self.authenticator = Authenticator(users, server.keyring, now)
        self.responder = AriResponder(
            server.performer,
            Door(self.authenticator),
            documents=lambda _name, _host: None,
            open_session=lambda hearing, grant: ServedSocket(
                open_session(server.performer, hearing, grant, server.tenures, WebSocketSettings())
            ),
            server=SERVER,
        )

    async def ask(
        self, authorization: str = "", target: str = "/ari/channels", **options: Any
    ) -> HttpResponse:
        asked = self.request(authorization, target, **options)
        return await self.responder.respond(asked)

    def request(
        self,
        authorization: str,
        target: str,
        method: str = "GET",
        body: bytes = b"",
        secure: bool = False,
        client: tuple[str, int] = FAR,
    ) -> HttpRequest:
        headers = {"authorization": authorization} if authorization else {}
        return build_request(method, target.encode(), headers, body, client, secure=secure)

    def token(self, *caveats: Any) -> Token:
        key = self.server.keyring.newest("default")
        assert key is not None
        return mint(key, *caveats)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with serving(tmp_path) as server:
        yield World(server, server.tenant.now)


def challenges(response: HttpResponse) -> list[str]:
    return [value.decode() for name, value in response.headers if name == b"www-authenticate"]


def digest_of(response: HttpResponse) -> Challenge:
    (text,) = [each for each in challenges(response) if each.startswith("Digest")]
    return parse_challenge(text)


def answered(
    challenge: Challenge, target: str = "/ari/channels", password: str = PASSWORD, count: int = 1
) -> str:
    """The header that answers a challenge, for the so manieth time."""
    given = answer(challenge, Credentials("ada", password), "GET", target, "cnonce")
    if count == 1:
        return str(given)
    counted = msgspec.structs.replace(given, nc=f"{count:08x}")
    secret = ha1("ada", REALM, password, "SHA-256")
    response = expected_response(counted, secret, "GET")
    return str(msgspec.structs.replace(counted, response=response))


@jumping_clock
async def test_an_answer_lets_in_and_each_counts_once(world: World) -> None:
    refused = await world.ask()
    assert refused.status == 401
    assert [each.partition(" ")[0] for each in challenges(refused)] == ["Digest"]
    challenge = digest_of(refused)
    assert (challenge.algorithm, challenge.qop, challenge.stale) == ("SHA-256", "auth", False)
    first = answered(challenge)
    assert (await world.ask(first)).status == 200
    replayed = await world.ask(first)
    assert replayed.status == 401
    assert digest_of(replayed).stale
    assert (await world.ask(answered(challenge, count=2))).status == 200
    assert (await world.ask(answered(challenge, count=9))).status == 200
    assert (await world.ask(answered(challenge, count=3))).status == 401


@jumping_clock
async def test_a_challenge_ends(world: World) -> None:
    challenge = digest_of(await world.ask())
    await trio.sleep(301)
    late = await world.ask(answered(challenge))
    assert late.status == 401
    assert digest_of(late).stale
    assert (await world.ask(answered(digest_of(late)))).status == 200


@jumping_clock
async def test_an_answer_is_for_one_target(world: World) -> None:
    challenge = digest_of(await world.ask())
    for target in ("/ari/bridges", "/ari/channels?x=1", "/ari/channels/"):
        assert (await world.ask(answered(challenge, target))).status == 401
    assert (await world.ask(answered(challenge, "/ari/channels"), method="DELETE")).status == 401
    other = msgspec.structs.replace(challenge, realm="other")
    assert (await world.ask(answered(other))).status == 401
    assert (await world.ask(answered(challenge))).status == 200


@jumping_clock
async def test_basic_comes_first_where_it_is_taken(world: World) -> None:
    response = await world.ask(secure=True)
    basic, digest = challenges(response)
    assert basic == 'Basic realm="Asterisk REST Interface"'
    assert digest.startswith("Digest ")


@jumping_clock
async def test_wrong_answers_count_as_guesses(world: World) -> None:
    challenge = digest_of(await world.ask())
    for count in range(GUESSES):
        wrong = answered(challenge, password="wrong", count=count + 1)
        assert (await world.ask(wrong)).status == 401
    assert (await world.ask(answered(challenge))).status == 429
    assert (await world.ask(answered(challenge), client=("192.0.2.10", 1))).status == 200


@jumping_clock
async def test_who_has_no_ha1_can_not_answer(world: World) -> None:
    challenge = digest_of(await world.ask())
    for name in ("conf", "nobody", ""):
        given = answer(challenge, Credentials(name, "conf"), "GET", "/ari/channels", "c")
        assert (await world.ask(str(given))).status == 401


@jumping_clock
async def test_a_token_is_proved_and_not_shown(world: World) -> None:
    await trio.sleep(1)
    token = world.token(ProofRequired())
    target, body = "/ari/bridges?bridgeId=b", b"{}"
    header = prove(token, Request.of("POST", target, body), world.now())
    assert (await world.ask(header, target, method="POST", body=b"{ }")).status == 401
    assert (await world.ask(header, target + "2", method="POST", body=body)).status == 401
    assert (await world.ask(header, target, method="POST", body=body)).status == 200
    again = await world.ask(header, target, method="POST", body=body)
    assert again.status == 401
    assert isinstance(again.body, bytes)
    assert b"make a new one" in again.body
    shown = await world.ask(f"Bearer {token.encode()}", secure=True)
    assert shown.status == 401
    assert isinstance(shown.body, bytes)
    assert b"prove that you have it" in shown.body


@given(st.text())
def test_any_header_is_refused_or_taken(text: str) -> None:
    for scheme in ("Digest ", "digest", "Stasis-Proof ", 'Digest username="ada", uri="/", '):
        response = trio.run(_ask_alone, scheme + text)
        assert response.status in {401, 403, 429}


async def _ask_alone(header: str) -> HttpResponse:
    door = Door(Authenticator([USER], Keyring([generate_key("k", "default")]), lambda: 0.0))
    responder = AriResponder(
        Performer(Gate({}, lambda: 0.0), Encoder("id", "version")),
        door,
        documents=lambda _name, _host: None,
        open_session=lambda _hearing, _grant: pytest.fail("it may not open"),
        server=SERVER,
    )
    headers = {"authorization": header}
    request = build_request("GET", b"/ari/channels", headers, b"", FAR, secure=False)
    return await responder.respond(request)


# --- unmodified clients, and what who listens on the way sees


class Tapped:
    """A server behind a relay that keeps all bytes."""

    def __init__(self, address: tuple[str, int], world: World) -> None:
        self.address = address
        self.url = "{}:{}".format(*address)
        self.world = world
        self.seen = b""

    def saw(self, *secrets: str) -> list[str]:
        """Which of these crossed the wire, as they are or encoded."""
        found = []
        for secret in secrets:
            forms = [secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")]
            found += [secret for form in forms if form in self.seen]
        return found


@asynccontextmanager
async def tapped(world: World) -> AsyncIterator[Tapped]:
    settings = HttpSettings(listen=(("127.0.0.1", 0),))
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        (server,) = await nursery.start(partial(serve, world.responder, settings, stop=stop))
        relays = await trio.open_tcp_listeners(0, host="127.0.0.1")
        tap = Tapped(relays[0].socket.getsockname()[:2], world)

        async def copy(source: trio.SocketStream, to: trio.SocketStream) -> None:
            try:
                async for data in source:
                    tap.seen += bytes(data)
                    await to.send_all(data)
                await to.send_eof()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

        async def relay(client: trio.SocketStream) -> None:
            there = await trio.open_tcp_stream(*server)
            async with client, there, trio.open_nursery() as both:
                both.start_soon(copy, client, there)
                both.start_soon(copy, there, client)

        nursery.start_soon(trio.serve_listeners, relay, relays)
        yield tap
        stop.set()
        nursery.cancel_scope.cancel()


@pytest.fixture
async def tap(tmp_path: Path) -> AsyncIterator[Tapped]:
    with trio.fail_after(20):
        async with serving(tmp_path) as server, tapped(World(server, time.time)) as made:
            yield made


async def test_an_unmodified_client_answers_by_itself(tap: Tapped) -> None:
    auth = httpx.DigestAuth("ada", PASSWORD)
    async with httpx.AsyncClient(auth=auth, base_url=f"http://{tap.url}/ari/") as client:
        for _ in range(3):
            assert (await client.get("channels")).status_code == 200
        assert (await client.post("bridges", params={"bridgeId": "b c"})).status_code == 200
    assert b"Digest" in tap.seen
    assert tap.saw(PASSWORD, USER.ha1 or "", f"ada:{PASSWORD}") == []


async def test_a_websocket_opens_with_an_answer(tap: Tapped) -> None:
    target = "/ari/events?app=a"
    refused = await upgrade(tap, target, "")
    assert isinstance(refused, Answer)
    assert refused.status == 401
    challenge = parse_challenge(refused.headers["www-authenticate"])
    assert isinstance(await upgrade(tap, target, answered(challenge, target)), AcceptConnection)
    assert tap.saw(PASSWORD, USER.ha1 or "") == []


async def test_a_websocket_opens_with_a_proof(tap: Tapped) -> None:
    target, token = "/ari/events?app=a", tap.world.token()
    await trio.sleep(0.01)  # no proof of the moment when the server began is taken
    header = prove(token, Request.of("GET", target), tap.world.now())
    assert isinstance(await upgrade(tap, target, header), AcceptConnection)
    assert isinstance(await upgrade(tap, target, header), Answer), "a proof is good once"
    text = token.encode()
    assert tap.saw(text, text[-43:]) == []


async def upgrade(tap: Tapped, target: str, header: str) -> AcceptConnection | Answer:
    headers = [(b"Authorization", header.encode())] if header else []
    async with await trio.open_tcp_stream(*tap.address) as stream:
        return await WebSocket(stream).open(target, extra_headers=headers)
