"""The composition root: the one file that knows all rooms, and fills each tenant.

Nurseries nest as things depend on each other: the database outlives the media, the media outlives
the tenants, and what lets the world in (SIP, HTTP) begins last and ends first.
"""

import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import structlog
import trio

import stasisd
from caps.grant import Grant
from caps.keyring import Keyring
from caps.token import mint
from stasisd.bindings.ari.encoding import Encoder
from stasisd.bindings.ari.performing import Performer
from stasisd.bindings.control import SOCKET, listening
from stasisd.bindings.documents import SwaggerDocuments
from stasisd.bindings.outbound.service import Outbound
from stasisd.bindings.outbound.settings import OutboundSettings
from stasisd.bindings.rest.certificate import Certificate, CertificateError
from stasisd.bindings.rest.door import Door, is_loopback
from stasisd.bindings.rest.media import MediaResponder
from stasisd.bindings.rest.responder import AriResponder
from stasisd.bindings.rest.server import serve
from stasisd.bindings.rest.site import HttpSettings
from stasisd.bindings.websocket.media import MediaSession
from stasisd.bindings.websocket.opening import open_session
from stasisd.bindings.websocket.session import EventSession, WebSocketSettings
from stasisd.bindings.websocket.wire import ServedSocket
from stasisd.config import Configuration, ConfigurationError, load, settings
from stasisd.core import causes
from stasisd.core.media_socket import Expected
from stasisd.core.tenant import Tenant
from stasisd.credentials import passwords
from stasisd.media.control import Media, MediaSettings
from stasisd.operations import OPERATIONS
from stasisd.operations.authentication import Authenticator
from stasisd.operations.events import Hearing
from stasisd.operations.gate import Gate
from stasisd.operations.refusals import Refusals
from stasisd.operations.tenure import Tenures
from stasisd.sd_notify import Notifier
from stasisd.store import DATABASE, secrets
from stasisd.store.contacts import Contacts
from stasisd.store.database import open_database
from stasisd.store.errors import StoreError
from stasisd.technologies.sip import Sip, SipSettings
from stasisd.tenants import making
from stasisd.tenants.keeping import ensure_secrets, root_key
from stasisd.tenants.tenants import Around, Tenants

log = structlog.get_logger(__name__)


class Addresses(msgspec.Struct, frozen=True):
    """Where the daemon listens, once it does."""

    http: list[tuple[str, int]]
    sip: list[tuple[str, int]]


def mint_token(kept: secrets.Secrets, tenant: str, user: settings.User) -> str:
    """A new token that may do what this user may, as bearer, api_key or Basic password.

    ``tenant`` is OPERATORS for one of them.
    """
    key = next(key for key in reversed(kept.root_keys) if key.tenant == tenant)
    limits = making.user_of(tenant, "", user, passwords.Plain("")).limits()
    return mint(root_key(key), *limits).encode()


class Daemon:
    """One daemon, made of a configuration and its secrets."""

    def __init__(self, configuration: Configuration, kept: secrets.Secrets) -> None:
        """Reads dialplans and sounds: blocks, and raises what their rooms declare."""
        self._configuration = configuration
        self._settings = configuration.settings
        self._secrets = kept
        self._stop = trio.Event()
        self.keyring = Keyring(map(root_key, kept.root_keys))
        self._media = Media(_media_settings(self._settings.media))
        self.tenants = Tenants(configuration, self._media, kept)
        self._certificate = _certificate(self._settings.http)
        self.authenticator = Authenticator(self.tenants.users(), self.keyring, time.time)
        self.tenures = Tenures(self.keyring, time.time)
        version = f"stasisd-{stasisd.__version__}"
        encoder = Encoder(_server_id(), version, pretty=self._settings.http.pretty)
        self._performer = Performer(Gate(self.tenants, time.time, self.tenants), encoder)

    def stop(self) -> None:
        """Begin the end: no new calls, then none at all. Idempotent."""
        self._stop.set()

    async def reload(self) -> None:
        """Read the users and the certificate anew, for what comes from now on.

        What can't be read stays as it was. Raises what the rooms declare for that.
        """
        source = self._configuration.source
        configuration = await trio.to_thread.run_sync(load, source)
        async with self.tenants.change():
            kept, _ = await trio.to_thread.run_sync(ensure_secrets, configuration)
            if self._certificate is not None:
                await trio.to_thread.run_sync(self._certificate.reload)
            self.authenticator.replace(self.tenants.reread(configuration, kept))
        self.tenures.revise()

    async def run(
        self, *, task_status: trio.TaskStatus[Addresses] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until stopped, then drain and return.

        Raises what the rooms declare for an address that can't be bound.
        """
        self._media.require_address()
        async with (
            open_database(self._configuration.state / DATABASE) as database,
            _running(self._media.run),
        ):
            sip = Sip(self._sip_settings(), Contacts(database))
            around = Around(database, sip, self.authenticator, self.tenures, self._connections)
            async with (
                _running(partial(self.tenants.run, around)),
                _running(sip.run),
                trio.open_nursery() as nursery,
            ):
                finished = trio.Event()
                http = await nursery.start(self._serve_http, finished)
                self.tenants.open()
                task_status.started(Addresses(http, sip.addresses))
                await self._stop.wait()
                await self._drain(sip)
                finished.set()
                await self.tenants.part()

    async def _drain(self, sip: Sip) -> None:
        """End the calls, and give their last messages time to leave."""
        log.info("draining", channels=sum(len(t.channels) for t in self.tenants.values()))
        with trio.move_on_after(self._settings.shutdown.drain_seconds):
            for tenant in self.tenants.values():
                tenant.drain(causes.NORMAL_CLEARING)
            for tenant in self.tenants.values():
                await tenant.wait_empty()
            await sip.wait_quiet()

    async def _serve_http(
        self,
        finished: trio.Event,
        *,
        task_status: trio.TaskStatus[list[tuple[str, int]]],
    ) -> None:
        http = self._settings.http
        shell = HttpSettings(
            listen=tuple((address.host, address.port) for address in http.bind),
            certificate=self._certificate,
            prefix=http.prefix,
            allowed_origins=http.allowed_origins,
            hsts_seconds=http.hsts_seconds,
        )
        if remark := of_plaintext(http):
            log.warning(remark)
        responder = MediaResponder(
            self._responder(shell),
            self._expecting,
            partial(MediaSession, max_message=shell.max_message),
            prefix=shell.prefix,
            server=shell.server,
        )
        with listening(self._configuration.state / SOCKET) as control:
            await serve(responder, shell, stop=finished, opened=[control], task_status=task_status)

    def _responder(self, shell: HttpSettings) -> AriResponder:
        host, port = shell.listen[0]

        def serve_session(hearing: Hearing, grant: Grant) -> ServedSocket:
            return ServedSocket(self._session(hearing, grant), shell.max_message)

        return AriResponder(
            self._performer,
            Door(
                self.authenticator,
                realm=self._settings.http.realm,
                allow_plaintext=self._settings.http.allow_plaintext,
                refusals=Refusals(self.tenants.audit, time.time),
            ),
            documents=SwaggerDocuments(
                OPERATIONS.values(),
                host=f"{host}:{port}",
                scheme="https" if shell.certificate else "http",
                prefix=shell.prefix,
            ),
            open_session=serve_session,
            server=shell.server,
            prefix=shell.prefix,
        )

    def _expecting(self, connection_id: str) -> Expected | None:
        """The channel that expects a socket by this id, in whatever tenant."""
        asked = (tenant.expected_sockets.get(connection_id) for tenant in self.tenants.values())
        return next(filter(None, asked), None)

    def _session(self, hearing: Hearing, grant: Grant) -> EventSession:
        return open_session(self._performer, hearing, grant, self.tenures, WebSocketSettings())

    def _connections(self, tenant: Tenant, given: settings.Tenant) -> list[Outbound]:
        return [self._connection(tenant, *each) for each in given.outbound.items()]

    def _connection(self, tenant: Tenant, name: str, given: settings.Outbound) -> Outbound:
        return Outbound(
            OutboundSettings(
                name=name,
                url=given.url,
                applications=given.applications,
                per_call=given.per_call,
                subscribe_all=given.subscribe_all,
                username=given.username,
                password=given.password,
                authorities=given.authorities,
                connect_timeout=given.connect_seconds,
                retry_first=given.retry_first_seconds,
                retry_longest=given.retry_longest_seconds,
                attempts=given.attempts,
            ),
            tenant,
            self._performer,
            partial(self.authenticator.local, f"{given.user}@{tenant.name}"),
            self._session,
        )

    def _sip_settings(self) -> SipSettings:
        given, media = self._settings.sip, self._settings.media
        return SipSettings(
            host=given.bind.host,
            port=given.bind.port,
            udp=given.udp,
            tcp=given.tcp,
            advertised_address=given.advertised_address,
            media_address=media.advertised_address or given.advertised_address,
            realm=given.realm,
            algorithms=tuple(algorithm.value for algorithm in given.digest_algorithms),
            min_expires=given.registration.min_seconds,
            default_expires=given.registration.default_seconds,
            max_expires=given.registration.max_seconds,
        )


def of_plaintext(http: settings.Http) -> str:
    """What is to be said of who will be refused, for who comes from a version that took all."""
    exposed = [str(address) for address in http.bind if not is_loopback(address.host)]
    if not exposed or http.certificate is not None or http.allow_plaintext:
        return ""
    return (
        f"requests of other machines to {', '.join(exposed)} will be refused: passwords and tokens"
        " would be readable on the way; set http.certificate, or http.allow_plaintext = true"
    )


def _certificate(http: settings.Http) -> Certificate | None:
    return None if http.certificate is None else Certificate(http.certificate)


def _media_settings(given: settings.MediaProcess) -> MediaSettings:
    return MediaSettings(bind=given.bind, port_range=(given.rtp_ports.first, given.rtp_ports.last))


def _server_id() -> str:
    """What identifies this server in events: its hardware address, as Asterisk has it."""
    return ":".join(f"{byte:02x}" for byte in uuid.getnode().to_bytes(6, "big"))


@asynccontextmanager
async def _running(service: Callable[..., Awaitable[object]]) -> AsyncIterator[None]:
    """Run a service while the block runs; it is started before and cancelled after."""
    async with trio.open_nursery() as nursery:
        await nursery.start(service)
        yield
        nursery.cancel_scope.cancel()


async def supervise(daemon: Daemon, ready: Callable[[Addresses], None]) -> None:
    """Run a daemon as a service: signals stop and reload it, and systemd is told how it does."""
    notifier = Notifier()
    async with trio.open_nursery() as nursery:
        await nursery.start(_heed_signals, daemon, notifier)
        addresses = await nursery.start(_run, daemon, nursery.cancel_scope)
        ready(addresses)
        notifier.ready()
        nursery.start_soon(notifier.feed_watchdog)


async def _run(
    daemon: Daemon, whole: trio.CancelScope, *, task_status: trio.TaskStatus[Addresses]
) -> None:
    await daemon.run(task_status=task_status)
    whole.cancel()


async def _heed_signals(
    daemon: Daemon, notifier: Notifier, *, task_status: trio.TaskStatus[None]
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            if number == signal.SIGHUP:
                await _reload(daemon, notifier)
                continue
            log.info("stopping", signal=signal.Signals(number).name)
            notifier.stopping()
            daemon.stop()


async def _reload(daemon: Daemon, notifier: Notifier) -> None:
    notifier.reloading()
    try:
        await daemon.reload()
        log.info("users and certificate were read anew")
    except (ConfigurationError, CertificateError, StoreError) as error:
        log.error("nothing was read anew", why=str(error))
    notifier.ready()
