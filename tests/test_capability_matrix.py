"""The matrix of operations, ways to ask, and tokens: each cell is what the declarations say.

What a cell should be is worked out here from an operation's parameters and the rights they carry,
and from nothing that the gate does. What it is, the answer and the audit log tell.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
import trio

from caps import (
    READ_ONLY,
    Applications,
    Endpoints,
    Expires,
    Operations,
    Right,
    Rights,
    Token,
    mint,
)
from caps.caveats import Caveat
from stasisd.core.tenant import Tenant
from stasisd.operations import OPERATIONS
from stasisd.operations.declare import Operation, Parameter
from stasisd.operations.parameters import Mentions, Offered
from stasisd.store.audit import Entry
from tests.support.clock import jumping_clock
from tests.support.server import Reply, Server, Socket
from tests.support.tenant import EPOCH, running_tenant
from tests.support.world import (
    NAMES_ANYTHING,
    NEVER,
    OF_TENANTS,
    furnish,
    parameters,
    prepare,
    state,
)

pytestmark = jumping_clock

SOCKET = OPERATIONS["events.eventWebsocket"]
LATER = EPOCH + 1000


# --- what a cell should be


def needed(operation: Operation) -> list[Parameter]:
    """The parameters that need a right to one object, or to the tenant as a whole."""
    return [parameter for parameter in operation.guarded if not parameter.lists]


def for_reader(operation: Operation) -> str:
    return "allow" if operation.right is Right.READ else "deny"


def for_other_application(operation: Operation) -> str:
    """Lists are empty for it; all else is of no application, or of another."""
    return "deny" if needed(operation) else "allow"


def for_other_endpoints(operation: Operation) -> str:
    """Applications, and bridges that are made, are of no endpoint."""
    concerned = any(
        parameter.kind is None
        or not (
            parameter.kind.name == "application"
            or (parameter.creates and parameter.kind.name == "bridge")
        )
        for parameter in needed(operation)
    )
    named = any(
        parameter.note(Mentions) or parameter.note(Offered) for parameter in operation.plain
    )
    return "deny" if concerned or named else "allow"


def for_other_tenant(operation: Operation) -> str:
    """It has the same rights at home, where there is nothing of these names."""
    names = [p for p in needed(operation) if p.kind and not p.creates and p.required]
    anything = NAMES_ANYTHING | {"mailboxes.get"}  # a mailbox is there when it is written to
    return "absent" if names and operation.name not in anything else "allow"


def exactly(operation: Operation) -> tuple[Caveat, ...]:
    """What the operation needs, and no more."""
    rights = {p.right for p in operation.guarded if p.right is not None}
    rights |= {note.right for p in operation.plain if (note := p.note(Mentions)) is not None}
    return Operations((operation.name,)), Rights(tuple(rights)), Expires(LATER)


# --- the ways to ask


class World:
    """A furnished tenant and an empty one behind one server, and whom they gave tokens."""

    def __init__(self, server: Server, tenant: Tenant, other: Tenant) -> None:
        self.server = server
        self.tenant = tenant
        self.other = other

    def token(self, *caveats: Caveat, tenant: str = "default") -> str:
        key = self.server.keyring.newest(tenant)
        assert key is not None
        return mint(key, *caveats).encode()

    async def entries(self, tenant: Tenant) -> list[Entry]:
        assert tenant.audit is not None
        records = await tenant.audit.read(0, 1_000_000)
        return [record.entry for record in records]


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with (
        running_tenant(folder / "one") as tenant,
        running_tenant(folder / "other", name="other") as other,
        trio.open_nursery() as nursery,
    ):
        await furnish(tenant)
        tenant.bridges["b"].join(tenant.channels["c"])
        yield World(Server(tenant, nursery, [other]), tenant, other)
        nursery.cancel_scope.cancel()


def target(operation: Operation) -> tuple[str, str, dict[str, Any]]:
    """The method, the path with its query, and what goes into a body."""
    raw = parameters(operation)
    if operation is SOCKET:
        raw["app"] = "fresh"  # to replace a socket is more than to read
    [route, *_] = operation.routes
    path = f"/ari{route.path}"
    for name in route.placeholders:
        path = path.replace(f"{{{name}}}", quote(str(raw.pop(name)), safe=""))
    body = {name: value for name, value in raw.items() if not isinstance(value, str)}
    query = urlencode({name: value for name, value in raw.items() if name not in body})
    return route.method, f"{path}?{query}" if query else path, body


Ask = Callable[[Server, str | None, Operation], Awaitable[int]]


def over_http(show: Callable[[str], tuple[dict[str, str], str]]) -> Ask:
    """``show`` gives the headers and the query that show a token."""

    async def ask(server: Server, token: str | None, operation: Operation) -> int:
        method, path, body = target(operation)
        headers, query = show(token) if token is not None else ({}, "")
        if query:
            path += f"{'&' if '?' in path else '?'}{query}"
        if operation is SOCKET:
            opened = await server.open(path, user=None, headers=headers)
            if isinstance(opened, Reply):
                return opened.status
            opened.close()
            return 101
        reply = await server.request(method, path, body=body or None, headers=headers, user=None)
        return reply.status

    return ask


def basic(token: str) -> tuple[dict[str, str], str]:
    return {"authorization": f"Basic {base64.b64encode(f'x:{token}'.encode()).decode()}"}, ""


HTTP: Mapping[str, Ask] = {
    "basic": over_http(basic),
    "bearer": over_http(lambda token: ({"authorization": f"Bearer {token}"}, "")),
    "api_key": over_http(lambda token: ({}, f"api_key={token}")),
    "api_key of a user": over_http(lambda token: ({}, f"api_key=x:{token}")),
}


async def over_socket(socket: Socket, operation: Operation) -> int:
    method, uri, body = target(operation)
    request = {
        "type": "RESTRequest",
        "transaction_id": "t",
        "request_id": "r",
        "method": method,
        "uri": uri.removeprefix("/ari/"),
    }
    if body:
        text = msgspec.json.encode(body).decode()
        request |= {"content_type": "application/json", "message_body": text}
    answer = await socket.say(msgspec.json.encode(request).decode())
    status: int = answer["status_code"]
    return status


async def asking(world: World, way: str, token: str) -> Callable[[Operation], Awaitable[int]]:
    """A way to ask with a token, over a socket that it opened or by one request after another."""
    if way in HTTP:
        return lambda operation: HTTP[way](world.server, token, operation)
    headers = {"authorization": f"Bearer {token}"}
    socket = await world.server.open("/ari/events?app=nobody", user=None, headers=headers)
    assert isinstance(socket, Socket), socket
    return lambda operation: over_socket(socket, operation)


# --- the cells


@pytest.mark.parametrize("way", HTTP)
async def test_who_is_not_known_gets_nothing(way: str, tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        revoked = made.token()
        made.server.keyring.revoke("default", Token.decode(revoked).token_id)
        foreign = made.token().replace("_", "_A", 1)
        before = state(made.tenant), await made.entries(made.tenant)
        for token in (None, made.token(Expires(EPOCH - 1)), revoked, foreign):
            for operation in OPERATIONS.values():
                assert await HTTP[way](made.server, token, operation) == 401, operation
        assert (state(made.tenant), await made.entries(made.tenant)) == before


LIMITED: Mapping[str, tuple[Caveat, Callable[[Operation], str]]] = {
    "read-only": (READ_ONLY, for_reader),
    "wrong application": (Applications(("nobody",)), for_other_application),
    "wrong endpoints": (Endpoints(("@nobody",)), for_other_endpoints),
}


@pytest.mark.parametrize("way", [*HTTP, "websocket"])
@pytest.mark.parametrize("kind", LIMITED)
async def test_a_limited_token(kind: str, way: str, tmp_path: Path) -> None:
    caveat, expected = LIMITED[kind]
    async with world(tmp_path) as made:
        await prepare(made.tenant, OPERATIONS["channels.dial"])
        token = made.token(caveat)
        ask = await asking(made, way, token)
        for operation in OPERATIONS.values():
            before = await made.entries(made.tenant)
            status = await ask(operation)
            entries = (await made.entries(made.tenant))[len(before) :]
            if status == 426:  # a socket can't be opened in a message
                assert (operation, entries) == (SOCKET, [])
                continue
            outcome = "deny" if operation.for_operators else expected(operation)
            assert [(e.operation, e.outcome) for e in entries] == [(operation.name, outcome)]
            if outcome == "deny":
                assert status in {400, 403, 404, 422}, operation


@pytest.mark.parametrize("way", [*HTTP, "websocket"])
async def test_a_token_of_another_tenant(way: str, tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        token = made.token(tenant="other")
        ask = await asking(made, way, token)
        before = state(made.tenant), await made.entries(made.tenant)
        for operation in OPERATIONS.values():
            seen = await made.entries(made.other)
            status = await ask(operation)
            outcomes = [e.outcome for e in (await made.entries(made.other))[len(seen) :]]
            if status != 426:
                assert len(outcomes) == 1, operation
                may = not operation.for_operators and for_other_tenant(operation) == "allow"
                assert (outcomes == ["allow"]) == may, (operation, outcomes)
        assert (state(made.tenant), await made.entries(made.tenant)) == before


@pytest.mark.parametrize("operation", OF_TENANTS, ids=lambda operation: operation.name)
async def test_a_token_for_exactly_this(operation: Operation, tmp_path: Path) -> None:
    """It works, or else the refusals above would prove nothing."""
    async with world(tmp_path) as made:
        made.tenant.bridges["b"].leave(made.tenant.channels["c"])
        await prepare(made.tenant, operation)
        token = made.token(*exactly(operation))
        status = await HTTP["bearer"](made.server, token, operation)
        assert (status == 409) if operation.name in NEVER else (status < 400), status
        [entry] = await made.entries(made.tenant)
        assert (entry.operation, entry.outcome) == (operation.name, "allow")
