"""A tenant of its settings: the tenant itself, and who may use it and call in it."""

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

import stasisd
from stasisd import components
from stasisd.config import Configuration, settings
from stasisd.config.files import DEFAULT
from stasisd.core import sounds
from stasisd.core.audit_log import AuditSettings
from stasisd.core.egress import LOOPBACK
from stasisd.core.journal import EventLimits
from stasisd.core.limits import Limits
from stasisd.core.music import MusicClass, scan
from stasisd.core.orphans import parse_orphans
from stasisd.core.remote_media import RemoteSettings
from stasisd.core.tenant import Tenant, TenantSettings
from stasisd.credentials import passwords
from stasisd.dialplan.interpreter import Interpreter
from stasisd.dialplan.parser import parse
from stasisd.media.control import Media
from stasisd.operations.authentication import OPERATORS, User
from stasisd.store import secrets
from stasisd.technologies.audiosocket import AudioSocket
from stasisd.technologies.local import Local
from stasisd.technologies.sip import SipAccount
from stasisd.technologies.snoop import Snoop
from stasisd.technologies.unicast_rtp import UnicastRtp
from stasisd.technologies.websocket import Connection, MediaWebSocket

PROMPTS = Path(stasisd.__file__).parent / "sounds"


class Prompts:
    """The indexes of folders of sounds: tenants that have the same folders share one."""

    def __init__(self) -> None:
        self._read: dict[tuple[Path, ...], sounds.Sounds] = {}

    def of(self, folders: Iterable[Path]) -> sounds.Sounds:
        """What is in our own folder and in these; each is read once. Blocks."""
        wanted = (PROMPTS, *folders)
        if wanted not in self._read:
            self._read[wanted] = sounds.scan(wanted)
        return self._read[wanted]


def make(
    configuration: Configuration,
    media: Media,
    prompts: Prompts,
    name: str,
    given: settings.Tenant,
) -> Tenant:
    """A tenant that does not run yet.

    Reads its dialplan and sounds: blocks, and raises what their rooms declare.
    """
    made = Tenant(
        _settings(configuration, name, given),
        media=media,
        sounds=prompts.of(configuration.sounds(given)),
    )
    path = configuration.dialplan(name, given)
    plan = parse(path.read_text(), str(path))
    made.globals.update(plan.variables)
    made.router = Interpreter(plan)
    advertised = configuration.settings.media.advertised_address
    peers = (UnicastRtp(advertised), AudioSocket(), MediaWebSocket(_connections(given)))
    for technology in (Local(), Snoop(), *peers):
        made.technologies[technology.name] = technology
    made.components |= {each.name: each for each in components.of(made, path)}
    return made


def _settings(configuration: Configuration, name: str, given: settings.Tenant) -> TenantSettings:
    events = configuration.settings.events
    return TenantSettings(
        name=name,
        domains=given.domains,
        language=given.language,
        channelvars=given.channelvars,
        groups={name: group.members for name, group in given.groups.items()},
        music={
            each: MusicClass(
                files=scan(configuration.state / music.folder),
                shuffled=music.sort is settings.MusicSort.RANDOM,
                announcement=music.announcement,
            )
            for each, music in given.music.items()
        },
        recordings=configuration.recordings(name, given),
        logs=_beside(configuration, name, "log"),
        audit=audit_settings(configuration, name),
        remote=RemoteSettings(
            folder=_beside(configuration, name, "media-cache"),
            allowed_networks=(
                *(given.egress.allowed_networks or ()),
                *given.remote_media.allowed_networks,
            ),
            max_bytes=given.remote_media.max_bytes,
            max_seconds=given.remote_media.max_seconds,
            cache_bytes=given.remote_media.cache_bytes,
        ),
        media_networks=_media_networks(configuration.settings, given.egress),
        events=EventLimits(
            log_events=events.log_events,
            log_bytes=events.log_bytes,
            log_seconds=events.log_seconds,
            waiting_events=events.waiting_events,
            waiting_bytes=events.waiting_bytes,
        ),
        orphans=parse_orphans(events.orphans),
        own_orphans={
            application: parse_orphans(own.orphans)
            for application, own in given.applications.items()
            if own.orphans is not None
        },
        limits=Limits(
            channels=given.limits.channels,
            originates_per_second=given.limits.originates_per_second,
            requests_per_second=given.limits.requests_per_second,
            sockets=given.limits.sockets,
            recording_bytes=given.limits.recording_bytes,
        ),
    )


def audit_settings(configuration: Configuration, name: str) -> AuditSettings | None:
    """Where and how the log of this tenant is kept, or the operators'; None where none is."""
    given = configuration.settings.audit
    if not given.enabled:
        return None
    return AuditSettings(
        folder=configuration.audit(name),
        file_bytes=given.file_bytes,
        keep_files=given.keep_files,
    )


def _connections(given: settings.Tenant) -> dict[str, Connection]:
    return {
        name: Connection(
            url=each.url,
            username=each.username,
            password=each.password,
            authorities=each.authorities,
        )
        for name, each in given.media_connections.items()
    }


def _media_networks(whole: settings.Settings, given: settings.Egress) -> tuple[str, ...]:
    """Where media may go beside the public internet.

    Where ARI listens on loopback alone, and for one tenant, a program that uses it is on this
    machine, and reaches loopback by itself.
    """
    if given.allowed_networks is not None:
        return given.allowed_networks
    local = all(ipaddress.ip_address(address.host).is_loopback for address in whole.http.bind)
    return LOOPBACK if local and len(whole.tenants) == 1 else ()


def _beside(configuration: Configuration, name: str, folder: str) -> Path:
    # The default tenant had these before there were others.
    if name == DEFAULT:
        return configuration.state / folder / name
    return configuration.folder(name) / folder


def users(name: str, given: settings.Tenant, kept: secrets.Secrets) -> list[User]:
    """Who may use ARI in a tenant of this name."""
    return [
        user_of(name, each, user, _stored(name, each, user, kept))
        for each, user in given.users.items()
    ]


def _stored(
    tenant: str, name: str, given: settings.User, kept: secrets.Secrets
) -> passwords.Stored:
    if given.password_hash is not None:
        return passwords.read(given.password_hash)
    if given.needs_password or given.password is not None:
        return passwords.Plain(given.password or kept.users[tenant][name])
    return passwords.NONE  # it answers challenges only


def operators(given: Mapping[str, settings.User], kept: secrets.Secrets) -> list[User]:
    """Who may operate the server."""
    return [
        user_of(None, each, user, _stored(OPERATORS, each, user, kept))
        for each, user in given.items()
    ]


def user_of(
    tenant: str | None, name: str, given: settings.User, password: passwords.Stored
) -> User:
    """One user of a tenant, or an operator."""
    return User(
        name=name,
        tenant=tenant,
        password=password,
        ha1=given.digest_ha1,
        read_only=given.read_only,
        permit=given.permit,
        deny=given.deny,
    )


def accounts(name: str, given: settings.Tenant, kept: secrets.Secrets) -> list[SipAccount]:
    """The phones of a tenant of this name."""
    return [
        SipAccount(
            tenant=name,
            name=each,
            password=(endpoint.password or kept.endpoints[name][each])
            if endpoint.authenticate
            else None,
            context=endpoint.context,
            codecs=endpoint.allow,
            max_contacts=endpoint.max_contacts,
            caller_name=endpoint.caller_name,
            caller_number=endpoint.caller_number or each,
            send_pai=endpoint.send_pai,
            send_rpid=endpoint.send_rpid,
            send_connected_line=endpoint.send_connected_line,
            moh_suggest=endpoint.moh_suggest,
        )
        for each, endpoint in given.endpoints.items()
    ]
