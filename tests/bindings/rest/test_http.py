"""HTTP over loopback sockets, on the hot path and through hypercorn and Quart alike."""

from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs

from stasisd.bindings.rest.answers import HttpError, message_answer
from stasisd.bindings.rest.exchange import HttpRequest, HttpResponse

from .support import FakeResponder, serving


@pytest.fixture(params=[True, False], ids=["lean", "stock"])
def lean(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_answer_has_the_headers_of_the_recordings(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        answer = await server.ask("GET", "/ari/channels/a%2Fb?x=1")
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.json() == {"path": ["ari", "channels", "a/b"], "body": ""}
    assert answer.headers.pop("date").endswith("GMT")
    assert len(answer.headers.pop("x-request-id")) == 32
    assert answer.headers == {
        "server": "stasisd/0.1.0",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache, no-store",
        "content-type": "application/json",
        "content-length": str(len(answer.body)),
    }


async def test_request_reaches_the_responder_whole(lean: bool) -> None:
    responder = FakeResponder()
    async with serving(responder, lean=lean) as server:
        await server.ask(
            "POST",
            "/ari/channels?a=1&a=2&b=x+y%20z&c",
            headers=[("Content-Type", "application/json"), ("X-Two", "1"), ("x-two", "2")],
            body=b"{}",
        )
    (request,) = responder.requests
    assert request.method == "POST"
    assert request.target == "/ari/channels?a=1&a=2&b=x+y%20z&c"
    assert request.path == ("ari", "channels")
    assert request.query == (("a", "1"), ("a", "2"), ("b", "x y z"), ("c", ""))
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-two"] == "1, 2"
    assert request.body == b"{}"
    assert request.client[0] == "127.0.0.1"
    assert request.secure is False


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "DELETE", "PUT", "BREW"])
async def test_every_method_is_the_responders_to_judge(lean: bool, method: str) -> None:
    async def respond(request: HttpRequest) -> HttpResponse:
        assert request.method == method
        return message_answer(405, "Invalid method", ((b"allow", b"OPTIONS,GET,POST"),))

    async with serving(FakeResponder(respond), lean=lean) as server:
        answer = await server.ask(method, "/ari/channels")
    assert (answer.status, answer.json()) == (405, {"message": "Invalid method"})
    assert answer.headers["allow"] == "OPTIONS,GET,POST"


async def test_no_content_says_so_by_its_length(lean: bool) -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        return HttpResponse(204)

    async with serving(FakeResponder(respond), lean=lean) as server:
        client = await server.connect()
        async with client.stream:
            for _ in range(2):
                answer = await client.ask("DELETE", "/ari/channels/x")
                assert (answer.status, answer.body) == (204, b"")
                assert answer.headers["content-length"] == "0"


async def test_head_has_the_length_and_not_the_body(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = await server.connect()
        async with client.stream:
            head = await client.ask("HEAD", "/ari/x")
            get = await client.ask("GET", "/ari/x")
    assert head.body == b""
    assert head.headers["content-length"] == str(len(get.body))


async def test_pipelined_requests_are_answered_in_order(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        stream = await trio.open_tcp_stream(*server.address)
        async with stream:
            one = b"GET /ari/1 HTTP/1.1\r\nHost: t\r\n\r\n"
            last = b"GET /ari/2 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
            await stream.send_all(one + one + last)
            received = b"".join([data async for data in stream])
    assert [received.count(b'"%d"' % n) for n in (1, 2)] == [2, 1]
    assert received.index(b'"1"') < received.index(b'"2"')


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2:3", True), ("", False), ("a b", False), ("x" * 129, False), ("{}", False)],
)
async def test_request_id_is_the_clients_if_it_is_sane(lean: bool, given: str, kept: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        answer = await server.ask("GET", "/ari/x", headers=[("X-Request-Id", given)])
    assert (answer.headers["x-request-id"] == given) is kept


async def test_chunked_body(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        answer = await server.ask(
            "POST", "/ari/x", headers=[("Transfer-Encoding", "chunked")], body=b"hello"
        )
    assert answer.json()["body"] == "hello"


async def test_expect_continue_is_granted_before_the_body(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = await server.connect()
        async with client.stream:
            await client.stream.send_all(
                b"POST /ari/x HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                b"Content-Length: 5\r\n\r\n"
            )
            line = bytes(await client.stream.receive_some(25))
            assert line.startswith(b"HTTP/1.1 100 ")
            while b"\r\n\r\n" not in line:
                line += bytes(await client.stream.receive_some(4096))
            answer = await client.raw(b"hello", "POST")
    assert answer.json()["body"] == "hello"


@pytest.mark.parametrize("framing", ["content-length", "chunked", "expect"])
async def test_body_beyond_the_bound_is_413(lean: bool, framing: str) -> None:
    responder = FakeResponder()
    headers = {
        "content-length": [],
        "chunked": [("Transfer-Encoding", "chunked")],
        "expect": [("Expect", "100-continue")],
    }[framing]
    async with serving(responder, lean=lean, max_body=1000) as server:
        client = await server.connect()
        async with client.stream:
            answer = await client.ask("POST", "/ari/x", headers=headers, body=bytes(2_000_000))
            assert (answer.status, answer.json()) == (413, {"message": "Request body too large"})
            assert not (lean and client.continued)  # hypercorn invites the body by itself
            assert await client.closed_by_server()
        assert (await server.ask("GET", "/ari/x")).status == 200
    assert len(responder.requests) == 1


async def test_body_in_many_small_chunks_beyond_the_bound_is_413(lean: bool) -> None:
    head = b"POST /ari/x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(FakeResponder(), lean=lean, max_body=1) as server:
        client = await server.connect()
        async with client.stream:
            answer = await client.raw(head + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n", "POST")
            assert answer.status == 413
            assert await client.closed_by_server()


async def test_header_beyond_the_bound_is_431(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean, max_header=1000) as server:
        client = await server.connect()
        async with client.stream:
            answer = await client.raw(b"GET /ari/x HTTP/1.1\r\nX: " + b"x" * 70_000)
            assert answer.status == 431
            assert answer.json() == {"message": "Request Header Fields Too Large"}
            assert await client.closed_by_server()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"GET /ari/x\r\n\r\n",
        b"GET /ari/x HTTP/1.1\r\n\r\n",
        b"GET /ari/x HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n",
        b"POST /ari/x HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /ari/x HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /ari/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_malformed_http_is_400_and_the_end(lean: bool, data: bytes) -> None:
    with capture_logs() as logs:
        async with serving(FakeResponder(), lean=lean) as server:
            client = await server.connect()
            async with client.stream:
                answer = await client.raw(data)
                assert (answer.status, answer.reason) == (400, "Bad Request")
                assert answer.json() == {"message": "Malformed HTTP request"}
                assert await client.closed_by_server()
            assert (await server.ask("GET", "/ari/x")).status == 200
    assert logs == []


async def test_half_a_request_then_nothing(lean: bool) -> None:
    responder = FakeResponder()
    with capture_logs() as logs:
        async with serving(responder, lean=lean) as server:
            for data in (
                b"",
                b"GET /ari",
                b"POST /ari/x HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n123",
            ):
                client = await server.connect()
                await client.stream.send_all(data)
                await client.stream.aclose()
            assert (await server.ask("GET", "/ari/x")).status == 200
    assert (len(responder.requests), logs) == (1, [])


async def test_header_has_to_arrive_in_time(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean, header_timeout=0.01) as server:
        client = await server.connect()
        async with client.stream:
            await client.stream.send_all(b"GET /ari/x HTTP/1.1\r\nHost: t\r\n")
            assert await client.closed_by_server()


async def test_body_has_to_arrive_in_time(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean, body_timeout=0.01) as server:
        client = await server.connect()
        async with client.stream:
            answer = await client.raw(
                b"POST /ari/x HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n123", "POST"
            )
            assert answer.status == 408
            assert await client.closed_by_server()


async def test_http_1_0_is_answered_and_closed(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        client = await server.connect()
        async with client.stream:
            answer = await client.raw(b"GET /ari/x HTTP/1.0\r\n\r\n")
            assert answer.json()["path"] == ["ari", "x"]
            assert await client.closed_by_server()


async def test_target_in_absolute_form(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean) as server:
        answer = await server.ask("GET", "http://test/ari/x?y=1")
    assert answer.json()["path"] == ["ari", "x"]


async def test_upgrade_to_http2_is_ignored(lean: bool) -> None:
    upgrade = [
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", ""),
    ]
    async with serving(FakeResponder(), lean=lean) as server:
        assert (await server.ask("GET", "/ari/x", headers=upgrade)).status == 200


async def test_bug_is_500_with_the_request_id_and_logged_once(lean: bool) -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        raise ExceptionGroup("several", [RuntimeError("a bug")])

    with capture_logs() as logs:
        async with serving(FakeResponder(respond), lean=lean) as server:
            client = await server.connect()
            async with client.stream:
                for _ in range(2):
                    answer = await client.ask("GET", "/ari/x", headers=[("X-Request-Id", "me")])
                    assert answer.status == 500
                    assert answer.json() == {"message": "Internal error", "request_id": "me"}
    assert [entry["event"] for entry in logs] == ["request failed"] * 2


async def test_the_log_of_a_bug_holds_no_key(lean: bool) -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        raise RuntimeError("a bug")

    with capture_logs() as logs:
        async with serving(FakeResponder(respond), lean=lean) as server:
            answer = await server.ask("GET", "/ari/x?api_key=me:secret")
            assert answer.status == 500
    (entry,) = logs
    assert entry["path"] == "/ari/x"
    assert "secret" not in str(entry)


async def test_header_that_breaks_its_line_is_a_bug(lean: bool) -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        return HttpResponse(201, ((b"location", b"/ari/x\r\nset-cookie: a=b"),))

    with capture_logs() as logs:
        async with serving(FakeResponder(respond), lean=lean) as server:
            answer = await server.ask("GET", "/ari/x")
    assert (answer.status, "set-cookie" in answer.headers, len(logs)) == (500, False, 1)


async def test_declared_error_is_answered_and_not_logged(lean: bool) -> None:
    async def respond(_: HttpRequest) -> HttpResponse:
        raise HttpError(409, "Channel not in Stasis application")

    with capture_logs() as logs:
        async with serving(FakeResponder(respond), lean=lean) as server:
            answer = await server.ask("GET", "/ari/x")
    assert (answer.status, logs) == (409, [])
    assert answer.json() == {"message": "Channel not in Stasis application"}


async def test_origin_that_is_allowed_may_read(lean: bool) -> None:
    async with serving(FakeResponder(), lean=lean, allowed_origins=("http://good",)) as server:
        good = await server.ask("GET", "/ari/x", headers=[("Origin", "http://good")])
        bad = await server.ask("GET", "/ari/x", headers=[("Origin", "http://bad")])
    assert good.headers["access-control-allow-origin"] == "http://good"
    assert "access-control-allow-origin" not in bad.headers
