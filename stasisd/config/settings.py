"""What can be set, with the built-in defaults. `conf/stasisd.toml` is its annotated copy."""

import enum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, field

from .values import Address, PortRange

Seconds = Annotated[int, Meta(ge=1, le=365 * 86400)]


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP server: ARI's REST interface and WebSocket."""

    bind: tuple[Address, ...] = (Address("127.0.0.1", 8088),)
    prefix: str = "ari"
    allowed_origins: tuple[str, ...] = ()
    pretty: bool = False
    certificate: Path | None = None
    hsts_seconds: Annotated[int, Meta(ge=0, le=10 * 365 * 86400)] = 365 * 86400
    allow_plaintext: bool = False
    realm: str = "Asterisk REST Interface"


class DigestAlgorithm(enum.Enum):
    """How a phone proves its password (RFC 8760)."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """How long a registration lasts (RFC 3261, 10.3), in seconds."""

    min_seconds: Seconds = 60
    default_seconds: Seconds = 3600
    max_seconds: Seconds = 7200


class Sip(msgspec.Struct, frozen=True, kw_only=True):
    """The SIP endpoint. `advertised_address` is found by the daemon where it is None."""

    bind: Address = Address("0.0.0.0", 5060)  # noqa: S104 - phones are elsewhere, and authenticate
    udp: bool = True
    tcp: bool = True
    advertised_address: str | None = None
    realm: str = "stasisd"
    digest_algorithms: tuple[DigestAlgorithm, ...] = (DigestAlgorithm.MD5,)
    registration: Registration = Registration()


class MediaProcess(msgspec.Struct, frozen=True, kw_only=True):
    """The media process. `advertised_address` is that of SIP where it is None."""

    bind: str = "0.0.0.0"  # noqa: S104 - phones are elsewhere
    advertised_address: str | None = None
    rtp_ports: PortRange = PortRange(10000, 20000)


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept for clients that lost their WebSocket or read slowly, for each application."""

    log_events: Annotated[int, Meta(ge=0, le=1_000_000)] = 10_000
    log_bytes: Annotated[int, Meta(ge=0, le=1 << 30)] = 8 << 20
    log_seconds: Seconds = 300
    waiting_events: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    waiting_bytes: Annotated[int, Meta(ge=65536, le=1 << 30)] = 8 << 20
    orphans: str = "keep"


class LogLevel(enum.Enum):
    """The least important lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(enum.Enum):
    """`AUTO` is for people on a terminal, and JSON otherwise."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's log, on standard error."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The audit log of each tenant: what was asked of it, by which token, and what was decided."""

    enabled: bool = True
    file_bytes: Annotated[int, Meta(ge=65536, le=1 << 40)] = 64 << 20
    keep_files: Annotated[int, Meta(ge=2, le=100_000)] = 16


class Shutdown(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon ends on SIGTERM."""

    drain_seconds: Annotated[float, Meta(ge=0, le=3600)] = 10.0


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who may use ARI. Without a password or a hash of one, one is made at the first start.

    `permit` and `deny` are networks that it may and may not come from; the narrowest decides.
    """

    password: str | None = None
    password_hash: str | None = None
    digest_ha1: str | None = None
    read_only: bool = False
    permit: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @property
    def needs_password(self) -> bool:
        """Whether nothing is here that the user could be known by."""
        known_by = (self.password, self.password_hash, self.digest_ha1)
        return all(each is None for each in known_by)

    def __repr__(self) -> str:
        return f"User(read_only={self.read_only})"


class SipEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A phone or trunk. Without a password, one is made at the first start.

    `allow` lists codecs, the preferred first. `caller_number` is the endpoint's name where None.
    """

    password: str | None = None
    authenticate: bool = True
    context: str = "default"
    allow: tuple[str, ...] = ("ulaw", "alaw")
    max_contacts: Annotated[int, Meta(ge=1, le=100)] = 5
    caller_name: str = ""
    caller_number: str | None = None
    send_pai: bool = False
    send_rpid: bool = False
    send_connected_line: bool = True
    moh_suggest: str = "default"

    def __repr__(self) -> str:
        return f"SipEndpoint(context={self.context!r}, authenticate={self.authenticate})"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """A WebSocket that the daemon opens to an application's server; `url` has to be given.

    `user` is the ARI user in whose name the application acts. `username` and `password` are what
    the daemon shows to the server. `authorities` is the system's where None.
    """

    url: str = ""
    applications: tuple[str, ...] = ()
    user: str = "stasis"
    per_call: bool = False
    subscribe_all: bool = False
    username: str | None = None
    password: str | None = None
    authorities: Path | None = None
    connect_seconds: Annotated[float, Meta(ge=0.1, le=60)] = 5.0
    retry_first_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 0.5
    retry_longest_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 60.0
    attempts: Annotated[int, Meta(ge=1, le=100)] = 5

    def __repr__(self) -> str:
        return f"Outbound(url={self.url!r}, applications={self.applications!r})"


class MediaConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A program's server that `externalMedia` names over a WebSocket; `url` has to be given.

    `username` and `password` are what the daemon shows to the server. `authorities` is the
    system's where None.
    """

    url: str = ""
    username: str | None = None
    password: str | None = None
    authorities: Path | None = None

    def __repr__(self) -> str:
        return f"MediaConnection(url={self.url!r})"


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one Stasis application; `orphans` is that of the events where None."""

    orphans: str | None = None


class RemoteMedia(msgspec.Struct, frozen=True, kw_only=True):
    """Media that is fetched by `http:` and `https:` URIs, and the bounds of that."""

    allowed_networks: tuple[str, ...] = ()
    max_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 16 << 20
    max_seconds: Annotated[float, Meta(ge=0.1, le=600)] = 20.0
    cache_bytes: Annotated[int, Meta(ge=1024, le=1 << 40)] = 256 << 20


class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """Where programs may make the server connect to.

    Where it is None, media may go to loopback if ARI listens on nothing else, for one tenant.
    """

    allowed_networks: tuple[str, ...] | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Endpoints that tokens can be limited to by the group's name."""

    members: tuple[str, ...] = ()


class MusicSort(enum.Enum):
    """In which order the files of a class of music are heard."""

    NAME = "name"
    RANDOM = "random"


class Music(msgspec.Struct, frozen=True, kw_only=True):
    """A class of music on hold: the files of a folder, beside the state where it is relative."""

    folder: Path = Path("music")
    sort: MusicSort = MusicSort.NAME
    announcement: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant may have at most, and how fast it may ask; None is no bound."""

    channels: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    originates_per_second: Annotated[float, Meta(ge=0.01, le=1e6)] | None = None
    requests_per_second: Annotated[float, Meta(ge=0.01, le=1e6)] | None = None
    sockets: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    recording_bytes: Annotated[int, Meta(ge=1024, le=1 << 50)] | None = None


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """One company. Relative paths: `dialplan` is beside the configuration, the rest in the state.

    `domains` are the hosts of its SIP addresses; the one tenant without any has all other hosts.
    `dialplan` and `recordings` depend on the tenant's name where they are None. A table of users
    or endpoints replaces the built-in one.
    """

    domains: tuple[str, ...] = ()
    language: str = "en"
    dialplan: Path | None = None
    recordings: Path | None = None
    sounds: tuple[Path, ...] = (Path("/usr/share/asterisk/sounds"),)
    channelvars: tuple[str, ...] = ()
    egress: Egress = Egress()
    limits: Limits = Limits()
    remote_media: RemoteMedia = RemoteMedia()
    users: dict[str, User] = field(default_factory=lambda: {"stasis": User()})
    endpoints: dict[str, SipEndpoint] = field(
        default_factory=lambda: {name: SipEndpoint() for name in ("100", "101", "102")}
    )
    groups: dict[str, Group] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    outbound: dict[str, Outbound] = field(default_factory=dict)
    media_connections: dict[str, MediaConnection] = field(default_factory=dict)
    music: dict[str, Music] = field(default_factory=dict)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration; `Settings()` is the built-in one."""

    http: Http = Http()
    sip: Sip = Sip()
    media: MediaProcess = MediaProcess()
    events: Events = Events()
    log: Log = Log()
    audit: Audit = Audit()
    shutdown: Shutdown = Shutdown()
    operators: dict[str, User] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=lambda: {"default": Tenant()})
