"""Whatever bytes arrive, the server answers the next client, logs nothing and holds nothing."""

from __future__ import annotations

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from .support import FakeResponder, serving
from .test_life import NEVER
from .test_websockets import HANDSHAKE, masked

PIECES = st.sampled_from(
    [
        b"GET /ari/x HTTP/1.1\r\nHost: t\r\n",
        b"POST /ari/x?%ff=%zz HTTP/1.1\r\nHost: t\r\n",
        b"HEAD /other HTTP/1.1\r\nHost: t\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"CONNECT t:1 HTTP/1.1\r\nHost: t\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        HANDSHAKE,
        HANDSHAKE.replace(b"app=a", b"app=refused"),
        masked(0x81, b"text"),
        masked(0x01, b"\xc3"),
        masked(0x80, b"\xa9"),
        masked(0x82, bytes(100)),
        masked(0x89, b"ping"),
        masked(0x8A, b""),
        masked(0x88, b""),
        masked(0x88, b"\x03\xe8bye"),
        masked(0x88, b"\x03"),
    ]
)
INPUT = st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join)


async def survives(lean: bool, data: bytes) -> None:
    with capture_logs() as logs:
        async with serving(FakeResponder(), lean=lean, drain_timeout=NEVER) as server:
            stream = await trio.open_tcp_stream(*server.address)
            async with stream:
                try:
                    await stream.send_all(data)
                    await stream.send_eof()
                    async for _ in stream:
                        pass
                except trio.BrokenResourceError:
                    pass
            assert (await server.ask("GET", "/ari/x")).status == 200
    assert logs == []


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=INPUT)
async def test_any_bytes(lean: bool, data: bytes) -> None:
    await survives(lean, data)


@pytest.mark.slow
@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=INPUT)
async def test_any_bytes_for_long(lean: bool, data: bytes) -> None:
    await survives(lean, data)
