"""Events over HTTP and WebSocket: filters, resuming, causes, and several sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from caps.caveats import Applications, Objects
from caps.token import mint
from stasisd.bindings.websocket.applications import PIECE
from stasisd.core.events import ChannelUserevent
from tests.support.clock import jumping_clock
from tests.support.server import READER, Reply, Server, Socket, serving

pytestmark = jumping_clock

ECHO = "endpoint=Local%2Fecho%40conformance&app=app"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def call(server: Server) -> Server:
    """A server with a channel `c` in the application `app`."""
    await server.listen("/ari/events?app=app")
    await server.request("POST", f"/ari/channels/c?{ECHO}")
    await trio.sleep(1)
    return server


# --- the filter of an application's events

FILTERED = "/ari/applications/app/eventFilter"


def types(*names: str) -> list[dict[str, str]]:
    return [{"type": name} for name in names]


async def test_a_filter_lets_some_types_of_events_through(call: Server) -> None:
    socket = await call.listen("/ari/events?app=app")
    reply = await call.request("PUT", FILTERED, body={"allowed": types("ChannelVarset", "Dial")})
    assert reply.status == 200
    assert reply.json["events_allowed"] == types("ChannelVarset", "Dial")
    assert reply.json["events_disallowed"] == []
    await call.request("POST", "/ari/channels/c/variable?variable=A&value=1")
    await call.request("POST", "/ari/events/user/unheard?application=app")
    await trio.testing.wait_all_tasks_blocked()
    assert [message["type"] for message in socket.messages] == ["ChannelVarset"]


async def test_to_disallow_outweighs_to_allow(call: Server) -> None:
    socket = await call.listen("/ari/events?app=app")
    allowed, disallowed = types("ChannelVarset", "ChannelUserevent"), types("ChannelVarset")
    body = {"allowed": allowed, "disallowed": disallowed}
    assert (await call.request("PUT", FILTERED, body=body)).status == 200
    await call.request("POST", "/ari/channels/c/variable?variable=A&value=1")
    await call.request("POST", "/ari/events/user/heard?application=app")
    await trio.testing.wait_all_tasks_blocked()
    assert [message["type"] for message in socket.messages] == ["ChannelUserevent"]
    assert (await call.get("/ari/applications/app"))["events_disallowed"] == disallowed


async def test_a_list_that_is_not_given_stays_and_nothing_given_allows_all(call: Server) -> None:
    await call.request("PUT", FILTERED, body={"allowed": types("Dial")})
    reply = await call.request("PUT", FILTERED, body={"disallowed": [{"type": "X", "why": "mine"}]})
    assert reply.json["events_allowed"] == types("Dial")
    assert reply.json["events_disallowed"] == [{"type": "X", "why": "mine"}]
    nothing: tuple[dict[str, object] | None, ...] = ({}, None)
    for body in nothing:
        await call.request("PUT", FILTERED, body={"allowed": types("Dial")})
        reply = await call.request("PUT", FILTERED, body=body)
        assert (reply.status, reply.json["events_allowed"]) == (200, [])


@pytest.mark.parametrize(
    "wrong", [{"type": "Dial"}, "Dial", [{}], [{"type": 1}], ["Dial"], [[]], 5, [None]]
)
async def test_what_is_no_filter_changes_nothing(wrong: object, call: Server) -> None:
    await call.request("PUT", FILTERED, body={"allowed": types("Dial")})
    for name in ("allowed", "disallowed"):
        reply = await call.request("PUT", FILTERED, body={name: wrong})
        assert reply.status == 400
        assert reply.json["message"] == "Invalid format definition"
        assert name in reply.json["detail"]
    shown = await call.get("/ari/applications/app")
    assert (shown["events_allowed"], shown["events_disallowed"]) == (types("Dial"), [])


async def test_an_application_that_is_not_there_has_no_filter(call: Server) -> None:
    reply = await call.request("PUT", "/ari/applications/none/eventFilter", body={})
    assert (reply.status, reply.json) == (404, {"message": "Application not found"})


# --- resuming


async def hello(server: Server, *names: str) -> None:
    for name in names:
        await server.request("POST", f"/ari/events/user/hello?application={name}")
    await trio.testing.wait_all_tasks_blocked()


async def test_a_client_that_comes_back_has_what_it_missed(server: Server) -> None:
    first = await server.listen("/ari/events?app=a,b")
    await hello(server, "a", "b", "a", "b")
    seen = {message["application"]: message["sequence"] for message in first.messages[:2]}
    first.close()
    again = await server.listen(f"/ari/events?app=a,b&resume={seen['a']},{seen['b']}")
    await hello(server, "a")
    numbers = [(message["application"], message["sequence"]) for message in again.messages]
    assert numbers == [("a", seen["a"] + 1), ("b", seen["b"] + 1), ("a", seen["a"] + 2)]


async def test_an_application_that_is_new_to_a_client_is_heard_from_now_on(
    server: Server,
) -> None:
    first = await server.listen("/ari/events?app=a")
    await hello(server, "a", "a")
    seen = first.messages[0]["sequence"]
    first.close()
    again = await server.listen(f"/ari/events?app=b,a&resume=new,{seen}")
    await hello(server, "b")
    assert [message["application"] for message in again.messages] == ["a", "b"]


async def test_a_client_of_another_daemon_is_told(server: Server) -> None:
    socket = await server.listen("/ari/events?app=a&resume=17")
    await hello(server, "a")
    lost, live = socket.messages
    assert (lost["type"], lost["requested"], lost["application"]) == ("EventsLost", 17, "a")
    assert lost["oldest"] == live["sequence"]
    assert "sequence" not in lost


async def test_what_a_grant_may_not_hear_does_not_come_by_resuming(call: Server) -> None:
    socket = await call.listen("/ari/events?app=app")
    await hello(call, "app")
    seen = socket.messages[-1]["sequence"]
    await call.request("POST", "/ari/channels/c/variable?variable=A&value=1")
    await hello(call, "app")
    socket.close()
    key = call.keyring.newest("default")
    assert key is not None
    blind = mint(key, Objects(("bridge:b", "application:app"))).encode()
    resumed = await call.listen(f"/ari/events?app=app&resume={seen}&api_key={blind}", user=None)
    await trio.testing.wait_all_tasks_blocked()
    assert [message["type"] for message in resumed.messages] == ["ChannelUserevent"]


async def test_a_reader_that_was_too_slow_has_lost_nothing_when_it_resumes(
    server: Server,
) -> None:
    slow = await server.listen("/ari/events?app=app")
    quick = await server.listen("/ari/events?app=all&subscribeAll=true")
    application = server.tenant.applications["app"]
    for number in range(10_005):  # the reader gets no chance between them
        application.tell(ChannelUserevent, eventname=str(number))
    server.tenant.create_bridge("b")
    await trio.testing.wait_all_tasks_blocked()
    assert slow.ended is not None
    assert slow.ended.code == 1008
    assert [message["type"] for message in quick.messages] == ["BridgeCreated"]
    last = slow.messages[-1]
    assert (last["eventname"], len(slow.messages)) == ("9999", 10_000)
    again = await server.listen(f"/ari/events?app=app&resume={last['sequence']}")
    await trio.testing.wait_all_tasks_blocked()
    names = [message["eventname"] for message in again.messages]
    assert names == ["10000", "10001", "10002", "10003", "10004"]


async def test_a_backlog_is_sent_in_pieces(server: Server) -> None:
    """So that the time allowed for a send is not that of all that waits."""
    socket = await server.listen("/ari/events?app=app")
    for number in range(1000):
        server.tenant.applications["app"].tell(ChannelUserevent, eventname=f"{number:0200}")
    await trio.testing.wait_all_tasks_blocked()
    assert len(socket.messages) == 1000
    assert len(socket.pieces) > 2
    assert max(socket.pieces) < PIECE + 1000


# --- who caused what


async def test_an_answer_says_what_it_caused_and_the_events_say_by_whom(call: Server) -> None:
    socket = await call.listen("/ari/events?app=app")
    reply = await call.request(
        "POST",
        "/ari/channels/c/variable?variable=A&value=1",
        headers={"x-request-id": "mine-1"},
    )
    await trio.testing.wait_all_tasks_blocked()
    (event,) = socket.messages
    assert event["caused_by"] == "mine-1" == reply.headers["x-request-id"]
    assert reply.headers["x-event-sequence"] == f"app={event['sequence']}"


async def test_a_request_without_an_id_gets_one(call: Server) -> None:
    socket = await call.listen("/ari/events?app=app")
    reply = await call.request("DELETE", "/ari/channels/c")
    await trio.sleep(1)
    assert {message["caused_by"] for message in socket.messages} == {reply.headers["x-request-id"]}
    ended = await call.request("DELETE", "/ari/channels/c")
    assert "x-event-sequence" not in ended.headers, "which caused nothing"


async def test_what_a_request_caused_elsewhere_is_not_told_to_who_may_not_know(
    call: Server,
) -> None:
    await call.listen("/ari/events?app=secret&subscribeAll=true")
    key = call.keyring.newest("default")
    assert key is not None
    mine = mint(key, Applications(("app",))).encode()
    target = f"/ari/channels/c/variable?variable=A&value=1&api_key={mine}"
    reply = await call.request("POST", target, user=None)
    assert reply.status == 204
    assert reply.headers["x-event-sequence"].startswith("app=")
    assert "secret" not in reply.headers["x-event-sequence"]
    everything = await call.request("POST", "/ari/channels/c/variable?variable=A&value=1")
    assert "secret=" in everything.headers["x-event-sequence"]


async def test_a_retry_with_its_key_is_answered_and_not_done(call: Server) -> None:
    headers = {"idempotency-key": "k1"}
    target = "/ari/channels/c/play?media=sound:silence/9"
    first = await call.request("POST", target, headers=headers)
    again = await call.request("POST", target, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(call.tenant.playbacks) == 1
    other = await call.request("POST", f"{target}&lang=de", headers=headers)
    assert other.status == 422
    assert set(other.json) == {"message", "detail"}


# --- several sockets


async def test_workers_share_and_a_reader_may_observe(server: Server) -> None:
    workers = [await server.listen("/ari/events?app=app&share=true") for _ in range(2)]
    observer = await server.listen("/ari/events?app=app&observe=true", user=READER)
    refused = await server.open("/ari/events?app=app&share=true", user=READER)
    assert isinstance(refused, Reply)
    assert refused.status == 403
    for name in "abcd":
        await server.request("POST", f"/ari/channels/{name}?{ECHO}")
    await trio.sleep(1)

    def started(socket: Socket) -> list[str]:
        return [m["channel"]["id"] for m in socket.messages if m["type"] == "StasisStart"]

    assert [len(started(worker)) for worker in workers] == [2, 2]
    assert sorted(started(observer)) == list("abcd")
    assert sorted(started(workers[0]) + started(workers[1])) == list("abcd")


async def test_orphans_are_a_matter_of_the_application(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app&orphans=hangup:5")
    await server.request("POST", f"/ari/channels/c?{ECHO}")
    await trio.sleep(1)
    socket.close()
    await trio.sleep(4)
    assert "c" in server.tenant.channels
    await trio.sleep(2)
    assert "c" not in server.tenant.channels
