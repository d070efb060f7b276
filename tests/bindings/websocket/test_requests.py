"""REST over WebSocket: the four ways to pass parameters, and what is no request."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from caps.grant import Grant
from caps.keyring import Keyring
from caps.token import generate_key
from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.models import MODELS
from stasisd.bindings.ari.performing import Performer
from stasisd.bindings.websocket.requests import Conversation, RestRequest
from stasisd.operations.gate import Gate
from stasisd.operations.tenure import Tenures
from tests.support.clock import jumping_clock
from tests.support.clock import run as run_jumping
from tests.support.server import READER, Server, Socket, serving

pytestmark = jumping_clock

ECHO = "endpoint=Local%2Fecho%40conformance&app=app"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def socket(server: Server) -> Socket:
    """The socket of `app`, with a channel `c` in the application."""
    opened = await server.listen("/ari/events?app=app")
    await server.request("POST", f"/ari/channels/c?{ECHO}")
    await trio.sleep(1)
    return opened


async def ask(socket: Socket, method: str, uri: str, **fields: Any) -> dict[str, Any]:
    asked = {"type": "RESTRequest", "method": method, "uri": uri, **fields}
    return await socket.say(json.dumps(asked))


FORM = "application/x-www-form-urlencoded"
VARIABLE = [{"name": "variable", "value": "V"}, {"name": "value", "value": "a b&c"}]


@pytest.mark.parametrize(
    ("uri", "fields"),
    [
        ("?variable=V&value=a+b%26c", {}),
        ("", {"query_strings": VARIABLE}),
        ("?variable=V", {"query_strings": VARIABLE[1:]}),
        ("", {"content_type": FORM, "message_body": "variable=V&value=a+b%26c"}),
        ("", {"content_type": "application/json", "message_body": json.dumps(
            {"variable": "V", "value": "a b&c"})}),
    ],
)  # fmt: skip
async def test_each_way_to_pass_parameters(
    uri: str, fields: dict[str, Any], server: Server, socket: Socket
) -> None:
    answer = await ask(socket, "POST", f"channels/c/variable{uri}", **fields)
    assert (answer["status_code"], answer["uri"]) == (204, "channels/c/variable")
    assert await server.get("/ari/channels/c/variable?variable=V") == {"value": "a b&c"}


async def test_the_first_of_a_name_counts_but_json_replaces_it(
    server: Server, socket: Socket
) -> None:
    for kind, body, value in (
        (FORM, "value=form", "uri"),
        ("application/json", '{"value": "json"}', "json"),
        ("text/plain", "value=text", "uri"),
    ):
        await ask(
            socket,
            "POST",
            "channels/c/variable?variable=V&value=uri",
            query_strings=[{"name": "value", "value": "list"}],
            content_type=kind,
            message_body=body,
        )
        assert await server.get("/ari/channels/c/variable?variable=V") == {"value": value}


async def test_answers_are_those_of_http(server: Server, socket: Socket) -> None:
    for method, target in (
        ("GET", "channels/c"),
        ("GET", "channels/c/variable?variable=NONE"),
        ("POST", "channels/none/play?media=sound:x"),
        ("GET", "nothing"),
        ("PUT", "channels"),
        ("POST", "channels?timeout=x"),
        ("GET", "channels/a%2Fb"),
    ):
        answer = await ask(socket, method, target)
        reply = await server.request(method, f"/ari/{target}")
        assert answer["status_code"] == reply.status
        assert json.loads(answer["message_body"]) == reply.json


async def test_both_are_what_their_models_say(socket: Socket) -> None:
    for method in ("GET", "DELETE"):
        answer = await ask(socket, method, "channels/c", request_id="r")
        model, base = MODELS["RESTResponse"], MODELS["Event"].required.keys()
        beside = {"type", "asterisk_id", "caused_by", "event_sequence", *base}  # two are ours
        assert model.required.keys() <= answer.keys() <= model.fields.keys() | beside
    ours = {"idempotency_key"}
    assert set(RestRequest.__struct_fields__) - ours == MODELS["RESTRequest"].fields.keys()


async def test_a_bridge_belongs_to_the_application_of_the_socket(
    server: Server, socket: Socket
) -> None:
    for uri in ("bridges/own", "bridges/theirs?app=other"):
        assert (await ask(socket, "POST", uri))["status_code"] == 200
    owners = {bridge.id: bridge.application_name for bridge in server.tenant.bridges.values()}
    assert owners == {"own": "app", "theirs": "other"}


async def test_ids_come_back_and_may_be_left_out(socket: Socket) -> None:
    answer = await ask(socket, "GET", "asterisk/ping", request_id="r", transaction_id="t")
    assert (answer["request_id"], answer["transaction_id"]) == ("r", "t")
    answer = await ask(socket, "GET", "/asterisk/ping?x=1")
    assert (answer["request_id"], answer["transaction_id"]) == ("", "")
    assert (answer["uri"], answer["application"]) == ("/asterisk/ping", "app")


async def test_methods(socket: Socket) -> None:
    head = await ask(socket, "HEAD", "channels/c")
    assert (head["status_code"], head.get("message_body")) == (200, None)
    assert (await ask(socket, "OPTIONS", "channels"))["status_code"] == 204
    for method in ("PATCH", "get", ""):
        answer = await ask(socket, method, "channels")
        assert (answer["status_code"], answer["reason_phrase"]) == (400, "Bad request")


async def test_a_file_is_not_for_a_socket(server: Server, socket: Socket, tmp_path: Path) -> None:
    reply = await server.request("POST", "/ari/channels/c/record?name=r&format=wav")
    assert reply.status == 201
    await trio.sleep(1)
    await server.request("POST", "/ari/recordings/live/r/stop")
    await trio.sleep(1)
    answer = await ask(socket, "GET", "recordings/stored/r/file")
    assert (answer["status_code"], answer["reason_phrase"]) == (406, "Not Acceptable. Use HTTP GET")
    assert "message_body" not in answer


async def test_socket_of_a_reader_changes_nothing(server: Server) -> None:
    socket = await server.listen("/ari/events?app=app", user=READER)
    answer = await ask(socket, "POST", "bridges")
    assert answer["status_code"] == 403
    assert json.loads(answer["message_body"])["message"] == "Write access denied"


async def test_events_are_no_request(socket: Socket) -> None:
    answer = await ask(socket, "GET", "events?app=other")
    assert (answer["status_code"], answer["reason_phrase"]) == (426, "Upgrade Required")


@pytest.mark.parametrize("message", ["not json", "", b"\xff", "[" * 100_000, b'"\\ud800"'])
async def test_what_is_not_json(message: Any, socket: Socket) -> None:
    answer = await socket.say(message)
    assert list(answer.items())[:6] == [
        ("type", "RESTResponse"),
        ("transaction_id", ""),
        ("request_id", ""),
        ("status_code", 400),
        ("reason_phrase", "Failed to parse request message JSON"),
        ("uri", ""),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "Nonsense", "uri": "u"},
        {"uri": "u"},
        {"type": "RESTRequest", "method": "GET"},
        {"type": "RESTRequest", "uri": "u", "method": 5},
        {"type": "RESTRequest", "uri": "u", "query_strings": {"a": "b"}},
        {"type": "RESTRequest", "uri": "u", "message_body": {"a": "b"}},
    ],
)
async def test_what_is_no_request_is_told_why(fields: dict[str, Any], socket: Socket) -> None:
    answer = await socket.say(json.dumps({"request_id": "r", **fields}))
    assert (answer["status_code"], answer["request_id"]) == (400, "r")
    assert answer["uri"] == fields.get("uri", "")
    assert json.loads(answer["message_body"])["message"].startswith("Not a RESTRequest: ")


async def test_a_bug_answers_one_request(server: Server, socket: Socket) -> None:
    del server.tenant.settings  # what the operation needs
    with capture_logs() as logs:
        answer = await ask(socket, "GET", "asterisk/info", request_id="r")
    assert answer["status_code"] == 500
    assert [(entry["event"], entry["id"]) for entry in logs] == [("request failed", "r")]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "method", "uri", "query_strings", "message_body", "name", "value"]
                ),
                inner | st.sampled_from(["RESTRequest", "GET", "POST", "channels/%ff?%", "//"]),
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_answered(value: Any) -> None:
    performer = Performer(Gate({}, lambda: 0.0), Encoder("id", "version"))
    nobody = Grant(tenant="gone", key_id="k", token_id="t", caveats=())
    tenures = Tenures(Keyring([generate_key("k", "gone")]), lambda: 0.0)
    conversation = Conversation(performer, nobody, tenures.of(nobody), "app", tenures.now)
    answer = json.loads(run_jumping(conversation.answer, json.dumps(value)))
    assert answer["status_code"] in {204, 400, 403, 404, 405, 426}


async def test_a_request_is_named_by_what_it_causes(socket: Socket) -> None:
    uri = "channels/c/variable?variable=V&value=1"
    answer = await ask(socket, "POST", uri, request_id="mine")
    await trio.testing.wait_all_tasks_blocked()
    event = socket.messages[-1]
    assert (event["type"], event["caused_by"]) == ("ChannelVarset", "mine")
    assert answer["caused_by"] == "mine"
    assert answer["event_sequence"] == {"app": event["sequence"]}
    unnamed = await ask(socket, "POST", uri)
    await trio.testing.wait_all_tasks_blocked()
    assert unnamed["request_id"] == ""
    assert unnamed["caused_by"] == socket.messages[-1]["caused_by"] != ""


async def test_a_retry_with_its_key_is_not_done_again(server: Server, socket: Socket) -> None:
    first = await ask(socket, "POST", "bridges", idempotency_key="k")
    again = await ask(socket, "POST", "bridges", idempotency_key="k", request_id="other")
    assert again["message_body"] == first["message_body"]
    assert (first.get("replayed"), again["replayed"]) == (None, True)
    over_http = await server.request("POST", "/ari/bridges", headers={"idempotency-key": "k"})
    assert over_http.body.decode() == first["message_body"], "one memory for both"
    assert len(server.tenant.bridges) == 1
