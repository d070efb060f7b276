"""HTTPS: the same server over TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trio
from trio_websocket import connect_websocket_url

from stasisd.bindings.rest.certificate import Certificate, CertificateError
from tests.support.certificates import make_certificate, needs_openssl

from .support import Client, FakeResponder, serving
from .test_life import NEVER

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(make_certificate(tmp_path_factory.mktemp("tls") / "both.pem"))


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
async def test_requests_over_tls_are_secure(certificate: Certificate, lean: bool) -> None:
    responder = FakeResponder()
    trusted = ssl.create_default_context(cafile=certificate.file)
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
async def test_browsers_are_told_to_insist_on_tls(certificate: Certificate, lean: bool) -> None:
    trusted = ssl.create_default_context(cafile=certificate.file)
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
async def test_what_is_not_tls_is_cut(certificate: Certificate, data: bytes) -> None:
    async with serving(FakeResponder(), certificate=certificate, header_timeout=0.05) as server:
        client = await server.connect()
        async with client.stream:
            await client.stream.send_all(data)
            while not await client.closed_by_server():
                pass


async def handshake(address: tuple[str, int], trusted: Path) -> Client:
    tcp = await trio.open_tcp_stream(*address)
    context = ssl.create_default_context(cafile=trusted)
    stream = trio.SSLStream(tcp, context, server_hostname="localhost", https_compatible=True)
    await stream.do_handshake()
    return Client(stream)


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "stock"])
async def test_a_certificate_is_replaced_while_connections_are_open(
    tmp_path: Path, lean: bool
) -> None:
    old, new = (make_certificate(tmp_path / name) for name in ("old.pem", "new.pem"))
    file = tmp_path / "used.pem"
    file.write_bytes(old.read_bytes())
    certificate = Certificate(file)
    async with serving(FakeResponder(), certificate=certificate, lean=lean) as server:
        before = await handshake(server.address, old)
        assert (await before.ask("GET", "/ari/x")).status == 200
        file.write_bytes(new.read_bytes())
        certificate.reload()
        after = await handshake(server.address, new)
        for client in (before, after, before):
            assert (await client.ask("GET", "/ari/x")).status == 200
        for text in (b"", new.read_bytes()[:300], b"\0" * 5000):
            file.write_bytes(text)
            with pytest.raises(CertificateError, match="can't be used: expected a PEM file"):
                certificate.reload()
        file.unlink()
        with pytest.raises(CertificateError, match="No such file"):
            certificate.reload()
        still = await handshake(server.address, new)
        assert (await still.ask("GET", "/ari/x")).status == 200
        for client in (before, after, still):
            await client.stream.aclose()


async def test_unmodified_clients_go_on_while_a_certificate_is_replaced(tmp_path: Path) -> None:
    old, new = (make_certificate(tmp_path / name) for name in ("old.pem", "new.pem"))
    file = tmp_path / "used.pem"
    file.write_bytes(old.read_bytes())
    certificate, responder = Certificate(file), FakeResponder()
    async with serving(responder, certificate=certificate) as server, trio.open_nursery() as tasks:
        port = server.address[1]
        trusting = [ssl.create_default_context(cafile=each) for each in (old, new)]
        url = f"wss://localhost:{port}/ari/events?app=a"
        socket = await connect_websocket_url(tasks, url, ssl_context=trusting[0])
        file.write_bytes(new.read_bytes())
        certificate.reload()
        async with httpx.AsyncClient(verify=trusting[1]) as client:
            assert (await client.get(f"https://localhost:{port}/ari/x")).status_code == 200
        async with httpx.AsyncClient(verify=trusting[0]) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://localhost:{port}/ari/x")
        (stream,) = responder.streams
        stream.publish(b"still here")
        assert await socket.get_message() == "still here"
        await socket.aclose()
        tasks.cancel_scope.cancel()
