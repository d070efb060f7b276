"""The defaults, their annotated copy, and what values become."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.config import Settings
from stasisd.config.files import read
from stasisd.config.settings import (
    Application,
    DigestAlgorithm,
    Group,
    Limits,
    LogLevel,
    MediaConnection,
    Music,
    Outbound,
    SipEndpoint,
    Tenant,
    User,
)
from stasisd.config.values import Address, PortRange
from tests.config.support import ANNOTATED, written

OPTIONAL = {
    *Limits.__struct_fields__,
    "certificate", "advertised_address", "password", "password_hash", "digest_ha1",
    "caller_number", "dialplan",
    "recordings", "allowed_networks",
}  # fmt: skip
# Tables whose examples are remarks as a whole.
REMARKED = (
    ("# [tenants.default.music.quiet]\n", Music),
    ("# [tenants.default.groups.support]\n", Group),
    ("# [tenants.default.applications.example]\n", Application),
    ("# [tenants.default.outbound.example]\n", Outbound),
    ("# [tenants.default.media_connections.example]\n", MediaConnection),
)


def settings(folder: Path, text: str) -> Settings:
    return read(written(folder, text))


def test_the_annotated_file_is_exactly_the_defaults() -> None:
    assert read(ANNOTATED) == Settings()


def test_the_annotated_file_shows_every_key() -> None:
    """Each key stands there, with its value or, where it has none, as a remark."""
    text = ANNOTATED.read_text()
    raw = tomllib.loads(text)
    tenant = raw["tenants"]["default"]
    tables = [
        (Settings(), raw),
        (Settings().http, raw["http"]),
        (Settings().sip, raw["sip"]),
        (Settings().sip.registration, raw["sip"]["registration"]),
        (Settings().media, raw["media"]),
        (Settings().log, raw["log"]),
        (Settings().shutdown, raw["shutdown"]),
        (Tenant(), tenant),
        (Tenant().egress, tenant["egress"]),
        (Tenant().remote_media, tenant["remote_media"]),
        (Limits(), tenant["limits"]),
        (User(), tenant["users"]["stasis"]),
        (SipEndpoint(), tenant["endpoints"]["100"]),
    ]
    for header, remarked in REMARKED:
        assert header in text
        assert all(f"\n# {key} = " in text for key in remarked.__struct_fields__)
    assert "# [operators.example]\n" in text
    whole = {
        "applications", "groups", "outbound", "media_connections", "music", "operators",
    }  # fmt: skip
    for struct, table in tables:
        missing = set(struct.__struct_fields__) - set(table) - whole
        assert missing <= OPTIONAL
        assert all(f"\n# {key} = " in text for key in missing)


def test_values_become_what_they_mean(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        """
        http = { bind = ["0.0.0.0:80", "[::1]:8088"] }
        [sip]
        digest_algorithms = ["MD5"]
        [media]
        rtp_ports = "30000-30001"
        [log]
        level = "debug"
        [tenants.default.users]
        ada = { password = "analytical" }
        bob = { read_only = true }
        [tenants.default.endpoints."desk.7"]
        allow = ["alaw"]
        caller_number = "7"
        """,
    )
    assert found.http.bind == (Address("0.0.0.0", 80), Address("::1", 8088))
    assert found.sip.digest_algorithms == (DigestAlgorithm.MD5,)
    assert found.media.rtp_ports == PortRange(30000, 30001)
    assert found.log.level is LogLevel.DEBUG
    tenant = found.tenants["default"]
    assert tenant.users == {"ada": User(password="analytical"), "bob": User(read_only=True)}
    assert tenant.endpoints == {"desk.7": SipEndpoint(allow=("alaw",), caller_number="7")}
    assert found.shutdown == Settings().shutdown


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == Settings()


def test_no_password_is_shown() -> None:
    user, endpoint = User(password="hunter2"), SipEndpoint(password="hunter2")
    outbound = {"a": Outbound(password="hunter2")}
    media = {"a": MediaConnection(password="hunter2")}
    shown = Tenant(
        users={"a": user}, endpoints={"a": endpoint}, outbound=outbound, media_connections=media
    )
    assert "hunter2" not in repr(shown)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Address("192.0.2.1", 0), "192.0.2.1:0"),
        (Address("2001:db8::1", 65535), "[2001:db8::1]:65535"),
        (PortRange(1024, 65535), "1024-65535"),
    ],
)
def test_addresses_and_ranges_are_written_as_they_are_read(
    value: Address | PortRange, text: str
) -> None:
    assert str(value) == text
    assert type(value).parse(text) == value


@given(st.text(max_size=20) | st.from_regex(r"[0-9.\[\]:]{0,20}", fullmatch=True))
def test_addresses_and_ranges_are_read_or_refused(text: str) -> None:
    for kind in (Address, PortRange):
        try:
            value = kind.parse(text)
        except ValueError:
            continue
        assert kind.parse(str(value)) == value
