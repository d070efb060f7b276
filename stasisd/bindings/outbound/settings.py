"""What one outbound connection is told."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

PORTS = {"ws": 80, "wss": 443}


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection, persistent or per call. Times are in seconds."""

    name: str
    url: str
    """`ws://host[:port]/path` or `wss://...`, without a password in it."""
    applications: tuple[str, ...]
    per_call: bool = False
    subscribe_all: bool = False
    username: str | None = None
    password: str | None = None
    """What we authenticate with, by HTTP Basic."""
    authorities: Path | None = None
    """PEM file of certificates that vouch for the server; those of the system where None."""
    connect_timeout: float = 5.0
    """For one attempt: name, TCP, TLS and handshake."""
    retry_first: float = 0.5
    retry_longest: float = 60.0
    attempts: int = 5
    """Of a call, until it goes on without the application. A persistent one never gives up."""
    send_timeout: float = 20.0
    """A peer that takes nothing of what we send for so long is cut off."""
    close_timeout: float = 2.0
    max_message: int = 1 << 20

    def __repr__(self) -> str:
        return f"OutboundSettings(name={self.name!r}, url={self.url!r})"


class Target(msgspec.Struct, frozen=True):
    """Where to connect, and how."""

    host: str
    port: int
    resource: str
    host_header: str
    tls: ssl.SSLContext | None
    headers: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, settings: OutboundSettings) -> Target:
        """The target of a connection; reads its certificates.

        Raises OSError or `ssl.SSLError` for those that can't be read.
        """
        parts = urlsplit(settings.url)
        assert parts.hostname is not None, "the configuration was checked"
        path = parts.path or "/"
        tls = None
        if parts.scheme == "wss":
            tls = ssl.create_default_context(cafile=settings.authorities)
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            resource=f"{path}?{parts.query}" if parts.query else path,
            host_header=parts.netloc.rpartition("@")[2],
            tls=tls,
            headers=_authorization(settings),
        )


def _authorization(settings: OutboundSettings) -> tuple[tuple[bytes, bytes], ...]:
    if settings.username is None:
        return ()
    pair = f"{settings.username}:{settings.password or ''}".encode()
    return ((b"authorization", b"Basic " + base64.b64encode(pair)),)
