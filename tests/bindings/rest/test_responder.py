"""What comes before and after the gate: who asks, which route, odd parameters, answers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from caps.caveats import READ_ONLY, Expires
from caps.token import mint
from stasisd.bindings.rest.door import Door
from stasisd.bindings.rest.exchange import build_request
from stasisd.bindings.rest.responder import AriResponder
from stasisd.core.events import ChannelUserevent
from stasisd.operations import OPERATIONS
from stasisd.operations.logins import GUESSES
from tests.support.clock import jumping_clock
from tests.support.server import READER, Reply, Server, Socket, serving
from tests.support.tenant import EPOCH

pytestmark = jumping_clock

PLAN = "/ari/channels?endpoint=Local/echo@conformance&context=conformance"
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


# --- who asks


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Basic bm9jb2xvbg==", "Basic Y29uZjp3cm9uZw==", "Bearer", "Bearer x",
     "Bearer conf:conf", "Digest x", "Basic /w==", "basic"],
)  # fmt: skip
async def test_who_is_not_known_is_told_how_to_ask(header: str, server: Server) -> None:
    reply = await server.request(
        "GET", "/ari/channels", headers={"authorization": header}, user=None
    )
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Basic realm="Asterisk REST Interface"'
    assert reply.json == {"message": "Authentication required"}


@pytest.mark.parametrize(
    "target",
    ["?api_key=conf:conf", "?api_key=conf%3Aconf", "?other=1&api_key=conf:conf"],
)
async def test_a_key_in_the_query(target: str, server: Server) -> None:
    assert (await server.request("GET", f"/ari/channels{target}", user=None)).status == 200


async def test_a_token_serves_wherever_a_password_does(server: Server) -> None:
    key = server.keyring.newest("default")
    assert key is not None
    token = mint(key, READ_ONLY, Expires(EPOCH + 100)).encode()

    async def statuses() -> list[int]:
        asked: list[dict[str, Any]] = [
            {"headers": {"authorization": f"Bearer {token}"}, "user": None},
            {"user": f"anyone:{token}"},
            {"user": None},
            {"user": None},
        ]
        keys = ["", "", f"?api_key={token}", f"?api_key=anyone:{token}"]
        return [
            (await server.request("GET", f"/ari/channels{key}", **how)).status
            for key, how in zip(keys, asked, strict=True)
        ]

    assert await statuses() == [200] * 4
    reply = await server.request(
        "POST", "/ari/bridges", headers={"authorization": f"Bearer {token}"}, user=None
    )
    assert (reply.status, reply.json["message"]) == (403, "Write access denied")
    await trio.sleep(101)
    assert await statuses() == [401] * 4


async def test_who_guesses_is_told_when_to_try_again(server: Server) -> None:
    for _ in range(GUESSES):
        refused = await server.request("GET", "/ari/channels", user="confro:guess")
        assert refused.status == 401
    for reply in (
        await server.request("GET", "/ari/channels", user="confro:confro"),
        await server.open("/ari/events?app=a", user="confro:confro"),
    ):
        assert isinstance(reply, Reply)
        assert (reply.status, reply.headers["retry-after"]) == (429, "10")
        assert reply.json == {
            "message": "Too many attempts to log in",
            "detail": "Try again in 10 s.",
        }
    assert (await server.request("GET", "/ari/channels", user="conf:conf")).status == 200


async def test_an_unknown_route_is_not_told_to_strangers(server: Server) -> None:
    assert (await server.request("GET", "/ari/nothing", user=None)).status == 401


async def test_a_user_comes_from_its_networks(server: Server) -> None:
    assert (await server.request("GET", "/ari/channels", user="near:near")).status == 200
    for refused in (
        await server.request("GET", "/ari/channels", user="far:far"),
        await server.open("/ari/events?app=a", user="far:far"),
    ):
        assert isinstance(refused, Reply)
        assert (refused.status, refused.json) == (
            403,
            {
                "message": "Access denied from this network",
                "detail": "the token is for other networks, not for 192.0.2.9",
            },
        )
    assert (await server.request("GET", "/ari/channels", user="far:wrong")).status == 401
    grant = server.authenticator.local("far")
    assert (await server.gate.perform(grant, OPERATIONS["channels.list"], {})) == []


@pytest.mark.parametrize(
    ("target", "usual", "lines"),
    [
        ("/ari/asterisk/ping", False, False),
        ("/ari/asterisk/ping?pretty", False, True),
        ("/ari/asterisk/ping?x=1&pretty=True", False, True),
        ("/ari/asterisk/ping?pretty=no", False, False),
        ("/ari/asterisk/ping", True, True),
        ("/ari/asterisk/ping?pretty=false", True, False),
        ("/ari/channels/none?pretty", False, True),
        ("/ari/nothing?pretty", False, True),
    ],
)
async def test_a_request_says_whether_its_answer_is_for_people(
    server: Server, target: str, usual: bool, lines: bool
) -> None:
    server.encoder.pretty = usual
    assert (b"\n" in (await server.request("GET", target)).body) == lines


async def test_pretty_is_for_people(server: Server) -> None:
    server.encoder.pretty = True
    reply = await server.request("GET", "/ari/channels/none")
    assert reply.body == b'{\n  "message": "Channel not found"\n}'
    reply = await server.request("POST", "/ari/bridges?bridgeId=b")
    assert reply.body.startswith(b'{\n  "id": "b",\n')
    assert reply.headers["content-length"] == str(len(reply.body))


async def test_a_prefix_of_several_segments(server: Server) -> None:
    responder = AriResponder(
        server.performer,
        Door(server.authenticator, allow_plaintext=True),
        documents=lambda _name, _host: None,
        open_session=lambda _hearing, _grant: pytest.fail("nobody opens one"),
        server="test",
        prefix="tel/ari",
    )
    target = b"/tel/ari/asterisk/ping?api_key=conf:conf"
    asked = build_request("GET", target, {}, b"", ("192.0.2.9", 1), secure=False)
    assert (await responder.respond(asked)).status == 200


# --- routes


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/ari/", 404),
        ("GET", "/ari/channels/", 404),
        ("GET", "/ari/channels//variable", 404),
        ("GET", "/ari//channels", 404),
        ("GET", "/ari/channels/c/nothing", 404),
        ("PUT", "/ari/channels/c", 405),
        ("HEAD", "/ari/channels", 200),
        ("HEAD", "/ari/channels/none", 404),
        ("HEAD", "/ari/channels/c/play", 405),
        ("OPTIONS", "/ari/nothing", 404),
        ("POST", "/ari/api-docs/resources.json", 405),
        ("GET", "/ari/api-docs/nothing.json", 404),
    ],
)
async def test_routes(method: str, target: str, status: int, server: Server) -> None:
    assert (await server.request(method, target)).status == status


async def test_a_prefix_too_many_is_explained(server: Server) -> None:
    reply = await server.request("GET", "/ari/ari/channels")
    assert (reply.status, reply.json["message"]) == (404, "Resource not found")
    assert reply.json["detail"] == "the path begins behind ari: channels, not ari/channels"


async def test_json_that_was_sent_as_a_form_is_explained(server: Server) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}  # what curl says of itself
    reply = await server.request("POST", "/ari/channels", body=b'{"endpoint": 1}', headers=kind)
    assert (reply.status, reply.json["message"]) == (400, "Endpoint must be specified")
    assert reply.json["detail"].startswith("the body was read as a form")


async def test_a_recording_without_a_name_is_told_what_is_missing(call: Server) -> None:
    reply = await call.request("POST", "/ari/channels/c/record?format=wav")
    assert (reply.status, reply.json["detail"]) == (500, "name is missing")


async def test_ids_may_hold_anything(call: Server) -> None:
    for name in ("a%2Fb", "a%20b", "%25", "%C3%BC", "a;b", "x" * 300, "%2E%2E"):
        reply = await call.request("POST", f"/ari/bridges/{name}")
        assert reply.status == 200
        got = await call.get(f"/ari/bridges/{name}")
        assert got["id"] == reply.json["id"]


# --- parameters: the query wins over the form, JSON over both


async def variable(server: Server, target: str, **how: Any) -> str:
    reply = await server.request("POST", f"/ari/channels/c/variable?{target}", **how)
    assert reply.status == 204, reply
    return str((await server.get("/ari/channels/c/variable?variable=V"))["value"])


async def test_where_parameters_stand(call: Server) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert await variable(call, "variable=V&value=query") == "query"
    assert await variable(call, "variable=V&value=one&value=two") == "one"
    assert await variable(call, "variable=V", body={"value": "json"}) == "json"
    assert await variable(call, "variable=V&value=query", body={"value": "json"}) == "json"
    assert await variable(call, "", body={"variable": "V", "value": 5}) == "5"
    assert await variable(call, "variable=V", body=b"value=a+b%26", headers=form) == "a b&"
    both = {"variable": "V", "value": "json", "channelId": "other"}
    assert await variable(call, "", body=both) == "json", "the path names the channel"
    assert await variable(call, "variable=V&value=x&unknown=1&ignored") == "x"


@pytest.mark.parametrize(
    "body",
    [b"null", b"[]", b'"text"', b"1", b"{", b"\xff", b"{}{}", b'{"a":' * 2000, b'{"a": NaN}',
     b'{"value": "\\ud800"}'],
)  # fmt: skip
async def test_a_body_that_is_no_json_object(body: bytes, call: Server) -> None:
    reply = await call.request(
        "POST",
        "/ari/channels/c/variable?variable=V&value=x",
        body=body,
        headers={"content-type": "application/json; charset=utf-8"},
    )
    assert reply.status == 400
    assert reply.json["message"] == "Error parsing request body"


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_an_empty_body_is_no_error(body: bytes, call: Server) -> None:
    headers = {"content-type": "application/json"}
    target = "/ari/channels/c/variable?variable=V"
    assert (await call.request("POST", target, body=body, headers=headers)).status == 204


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", f"/ari/channels?{ECHO}", {"variables": "text"}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": ["a"]}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": None}, 200),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {}}, 200),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": 1, "B": 2.5, "C": "x"}}, 200),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": None}}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": {"b": 1}}}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": {"value": "1", "b": 1}}}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": {"report_events": True}}}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"A": {"value": "1"}}}, 200),
        ("POST", f"/ari/channels?{ECHO}", {"variables": {"NOSUCH(x)": "1"}}, 400),
        ("POST", f"/ari/channels?{ECHO}&variables=a", None, 400),
        ("POST", f"/ari/channels?{ECHO}&timeout=-2", None, 400),
        ("POST", f"/ari/channels?{ECHO}&timeout=-1", None, 200),
        ("POST", f"/ari/channels?{ECHO}&timeout=soon", None, 400),
        ("POST", f"/ari/channels?{ECHO}&timeout={2**31}", None, 400),
        ("POST", f"/ari/channels?{ECHO}&timeout={'9' * 5000}", None, 400),
        ("POST", f"/ari/channels?{ECHO}", {"timeout": 2**63}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"timeout": 1.5}, 400),
        ("POST", f"/ari/channels?{ECHO}", {"timeout": True}, 400),
        ("POST", f"/ari/channels?{ECHO}&channelId=c", None, 409),
        ("POST", f"/ari/channels?{ECHO}&otherChannelId=c", None, 409),
        ("POST", f"/ari/channels?{ECHO}&otherChannelId=c;2", None, 409),
        ("POST", f"/ari/channels?{ECHO}&channelId=n&otherChannelId=n", None, 409),
        ("POST", f"/ari/channels?{ECHO}&channelId=", None, 200),
        ("POST", f"/ari/channels?{ECHO}&originator=c", None, 200),
        ("POST", f"/ari/channels?{ECHO}&originator=c&formats=ulaw", None, 400),
        ("POST", f"/ari/channels?{ECHO}&formats=ulaw,alaw", None, 200),
        ("POST", f"{PLAN}&extension=echo&label=nowhere", None, 404),
        ("POST", f"{PLAN}&extension=back&label=here", None, 200),
        ("POST", f"{PLAN}&extension=back&label={'9' * 5000}", None, 404),
        ("POST", "/ari/channels/c/continue?priority=99999999999", None, 400),
        ("POST", "/ari/channels/c/dtmf?dtmf=12x", None, 400),
        ("POST", f"/ari/channels/c/dtmf?dtmf={'1' * 300}", None, 400),
        ("POST", "/ari/channels/c/dtmf?dtmf=1&before=-1", None, 400),
        ("POST", "/ari/channels/c/mute?direction=", None, 400),
        ("POST", "/ari/channels/c/play", {"media": ["sound:hello", "sound:beep"]}, 201),
        ("POST", "/ari/channels/c/play", {"media": "sound:hello,sound:beep"}, 201),
        ("POST", "/ari/channels/c/play", {"media": [1, {}]}, 400),
        ("POST", "/ari/channels/c/play", {"media": {}}, 400),
        ("POST", "/ari/channels/c/play?media=", None, 500),
        ("POST", "/ari/channels/c/record?name=x", None, 422),
        ("POST", "/ari/channels/c/record?format=wav", None, 500),
        ("POST", "/ari/channels/c/record?name=../x&format=wav", None, 500),
        ("POST", "/ari/channels/c/record?name=x&format=wav&ifExists=never", None, 400),
        ("POST", "/ari/channels/c/record?name=x&format=wav&terminateOn=9", None, 400),
        ("POST", "/ari/channels/c/record?name=x&format=wav&beep=maybe", None, 400),
        ("POST", "/ari/channels/c/record?name=x&format=wav&maxDurationSeconds=-1", None, 400),
        ("POST", f"/ari/channels/c/record?name=x&format=wav&maxSilenceSeconds={2**31 - 1}",
         None, 201),
        ("DELETE", "/ari/channels/c?reason_code=999", None, 400),
        ("DELETE", f"/ari/channels/c?reason_code={'1' * 5000}", None, 400),
        ("DELETE", "/ari/channels/c?reason_code=17", None, 204),
        ("GET", "/ari/channels/c/variable?variable=NOSUCH(x)", None, 500),
        ("GET", "/ari/channels/c/variable?variable=", None, 400),
        ("POST", "/ari/channels/c/variables", {"variables": {"A": "1"}}, 204),
        ("POST", "/ari/channels/c/variables", {}, 400),
        ("POST", "/ari/bridges/b/addChannel", {"channel": [1]}, 404),
        ("POST", "/ari/applications/app/subscription", {"eventSource": ["channel:c", 5]}, 400),
        ("POST", "/ari/applications/app/subscription?eventSource=endpoint:Local", None, 200),
        ("POST", "/ari/applications/app/subscription?eventSource=channel:c,bridge:none", None, 422),
        ("POST", "/ari/events/user/x?application=app", {"variables": {"deep": {"er": [1, None]}}},
         204),
        ("POST", "/ari/events/user/x?application=app", {"variables": [1]}, 400),
        ("POST", "/ari/events/user/x?application=app&source=endpoint:Local", None, 400),
        ("POST", "/ari/events/user/x?application=app&source=deviceState:Local/x", None, 400),
        ("GET", "/ari/sounds?lang=en&format=flac", None, 200),
    ],
)  # fmt: skip
async def test_odd_parameters(
    method: str, target: str, body: object, status: int, call: Server
) -> None:
    reply = await call.request(method, target, body=body)
    assert reply.status == status, reply
    if status >= 400:
        assert set(reply.json) <= {"message", "error", "detail"}


async def test_what_is_nested_too_deep_is_refused_and_never_told(call: Server) -> None:
    socket = await call.listen("/ari/events?app=deep")
    for depth, status in ((30, 204), (33, 400), (500, 400)):
        inner: object = 1
        for _ in range(depth):
            inner = {"a": inner}
        reply = await call.request(
            "POST", "/ari/events/user/x?application=deep", body={"variables": {"v": inner}}
        )
        assert reply.status == status, depth
    await trio.testing.wait_all_tasks_blocked()
    assert len(socket.messages) == 1


async def test_what_a_bad_value_was_is_not_repeated_at_length(call: Server) -> None:
    reply = await call.request("POST", f"/ari/channels?{ECHO}&timeout={'x' * 5000}")
    assert len(reply.body) < 200


async def test_a_subscription_is_made_whole_or_not_at_all(call: Server) -> None:
    target = "/ari/applications/other/subscription?eventSource=channel:c,bridge:none"
    await call.listen("/ari/events?app=other")
    assert (await call.request("POST", target)).status == 422
    assert (await call.get("/ari/applications/other"))["channel_ids"] == []


async def test_what_was_made_is_where_the_answer_says(call: Server) -> None:
    for target in (
        "/ari/channels/c/play?media=sound:silence/9",
        "/ari/channels/c/play/a%2Fb?media=sound:silence/9",
        "/ari/channels/c/record?name=f/r%20x&format=wav",
    ):
        reply = await call.request("POST", target)
        assert reply.status == 201
        await trio.sleep(0.1)
        await call.get(reply.headers["location"])


async def test_recordings_are_downloaded_whole_and_in_part(call: Server) -> None:
    await call.request("POST", "/ari/channels/c/record?name=r&format=wav")
    await trio.sleep(1)
    await call.request("POST", "/ari/recordings/live/r/stop")
    whole = await call.request("GET", "/ari/recordings/stored/r/file")
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.body[:4] == b"RIFF"
    part = await call.request(
        "GET", "/ari/recordings/stored/r/file", headers={"range": "bytes=4-7"}
    )
    assert (part.status, part.body) == (206, whole.body[4:8])


async def test_a_daemon_that_stops_says_so(call: Server) -> None:
    call.tenant.draining = True
    reply = await call.request("POST", f"/ari/channels?{ECHO}")
    assert reply.status == 503
    assert (await call.request("GET", "/ari/channels/c")).status == 200


async def test_a_crash_is_one_answer(call: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("stasisd.core.sound.Sound.mute", broken)
    reply = await call.request("POST", "/ari/channels/c/mute")
    assert (reply.status, reply.json["message"]) == (500, "Internal error")
    assert (await call.request("POST", "/ari/channels/c/hold")).status == 204


# --- sockets


async def test_sockets_that_are_refused(server: Server) -> None:
    for target, user, status in (
        ("/ari/events?app=a", None, 401),
        ("/ari/events", "conf:conf", 400),
        ("/ari/events?app=", "conf:conf", 400),
        ("/ari/events?app=,", "conf:conf", 400),
        ("/ari/events?app=a&subscribeAll=maybe", "conf:conf", 400),
        ("/ari/events?app=a&resume=last", "conf:conf", 400),
        ("/ari/events?app=a&resume=-1", "conf:conf", 400),
        ("/ari/events?app=a,b&resume=1", "conf:conf", 400),
        ("/ari/events?app=a&resume=1,2", "conf:conf", 400),
        ("/ari/events?app=a&share=true&observe=true", "conf:conf", 400),
        ("/ari/events?app=a&share=true&resume=1", "conf:conf", 400),
        ("/ari/events?app=a&worker=a%20b", "conf:conf", 400),
        ("/ari/events?app=a&orphans=kill", "conf:conf", 400),
        ("/ari/events?app=a&orphans=hangup:5", READER, 403),
        ("/ari/channels?app=a", "conf:conf", 404),
    ):
        refused = await server.open(target, user=user)
        assert isinstance(refused, Reply)
        assert refused.status == status, target
    assert not server.tenant.applications


async def test_a_reader_may_listen_and_not_take_over(server: Server) -> None:
    assert isinstance(await server.open("/ari/events?app=mine", user=READER), Socket)
    await server.listen("/ari/events?app=yours")
    refused = await server.open("/ari/events?app=yours", user=READER)
    assert isinstance(refused, Reply)
    assert refused.status == 403


async def test_one_socket_serves_several_applications(server: Server) -> None:
    socket = await server.listen("/ari/events?app=a,b&app=c")
    for name in "abc":
        await server.request("POST", f"/ari/events/user/hello?application={name}")
    await trio.testing.wait_all_tasks_blocked()
    assert [message["application"] for message in socket.messages] == ["a", "b", "c"]


async def test_a_socket_that_reads_too_slowly_is_told_and_closed(
    server: Server,
) -> None:
    socket = await server.listen("/ari/events?app=app")
    for _ in range(10_001):  # the reader gets no chance between them
        server.tenant.applications["app"].tell(ChannelUserevent, eventname="x")
    await trio.testing.wait_all_tasks_blocked()
    assert socket.ended is not None
    assert socket.ended.code == 1008
    assert "too slowly" in socket.ended.reason
    assert len(socket.messages) == 10_000
