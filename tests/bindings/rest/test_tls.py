"""HTTPS: the same server over TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trio

from tests.support.certificates import make_certificate, needs_openssl

from .support import Client, FakeResponder, serving
from .test_life import NEVER

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "both.pem")


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
async def test_requests_over_tls_are_secure(certificate: Path, lean: bool) -> None:
    responder = FakeResponder()
    trusted = ssl.create_default_context(cafile=certificate)
    async with serving(
        responder, certificate=certificate, lean=lean, drain_timeout=NEVER
    ) as server:
        tcp = await trio.open_tcp_stream(*server.address)
        stream = trio.SSLStream(tcp, trusted, server_hostname="localhost", https_compatible=True)
        client = Client(stream)
        for _ in range(2):
            assert (await client.ask("POST", "/ari/x", body=b"hi")).json()["body"] == "hi"
        await stream.aclose()
    assert [request.secure for request in responder.requests] == [True, True]


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
async def test_browsers_are_told_to_insist_on_tls(certificate: Path, lean: bool) -> None:
    trusted = ssl.create_default_context(cafile=certificate)
    for seconds, told in ((60, "max-age=60"), (0, None)):
        async with serving(
            FakeResponder(), certificate=certificate, lean=lean, hsts_seconds=seconds
        ) as server:
            tcp = await trio.open_tcp_stream(*server.address)
            stream = trio.SSLStream(
                tcp, trusted, server_hostname="localhost", https_compatible=True
            )
            answer = await Client(stream).ask("GET", "/ari/x")
            await stream.aclose()
        assert answer.headers.get("strict-transport-security") == told
    async with serving(FakeResponder(), lean=lean, hsts_seconds=60) as server:
        answer = await server.ask("GET", "/ari/x")
    assert "strict-transport-security" not in answer.headers, "it means nothing without TLS"


@pytest.mark.parametrize("data", [b"GET /ari/x HTTP/1.1\r\nHost: t\r\n\r\n", b"\x16"])
async def test_what_is_not_tls_is_cut(certificate: Path, data: bytes) -> None:
    async with serving(FakeResponder(), certificate=certificate, header_timeout=0.05) as server:
        client = await server.connect()
        async with client.stream:
            await client.stream.send_all(data)
            while not await client.closed_by_server():
                pass
