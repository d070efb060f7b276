"""Every mistake is found, with its line, what was expected, and a hint."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.config import ConfigurationError, Settings, load
from stasisd.config.checks import check
from stasisd.config.decode import decode
from stasisd.config.files import read
from tests.config.support import ANNOTATED, places_of, written
from tests.support.passwords import HASHES


def problems(folder: Path, text: str) -> list[str]:
    """The problems of a text, without the file's name."""
    path = written(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        read(path)
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "\n[http]\nbnd = []",
            (
                "3: key 'http.bnd': expected one of allow_plaintext, allowed_origins, bind,"
                " certificate, hsts_seconds, prefix, pretty, realm, got 'bnd'. Did you mean 'bind'?"
            ),
        ),
        (
            "sipp = 1",
            (
                "1: key 'sipp': expected one of audit, events, http, log, media, operators,"
                " shutdown, sip, tenants, got 'sipp'. Did you mean 'sip'?"
            ),
        ),
        ("http = 5", "1: key 'http': expected a table, got 5"),
        ("tenants = []", "1: key 'tenants': expected a table, got []"),
        ("[tenants]\ndefault = 1", "2: key 'tenants.default': expected a table, got 1"),
        (
            'http.bind = "127.0.0.1:80"',
            "1: key 'http.bind': expected a list, got \"127.0.0.1:80\". Write it in [brackets].",
        ),
        (
            'http.bind = [\n  "127.0.0.1:80",\n  "localhost:81",\n]',
            (
                "1: key 'http.bind[1]': expected an IP address and a port such as 127.0.0.1:8088 or"
                " [::1]:8088, got \"localhost:81\". Expected 4 octets in 'localhost'."
            ),
        ),
        (
            'sip.bind = "0.0.0.0:65536"',
            (
                "1: key 'sip.bind': expected an IP address and a port such as 127.0.0.1:8088 or"
                ' [::1]:8088, got "0.0.0.0:65536". The port is a number up to 65535.'
            ),
        ),
        (
            "sip.bind = 5060",
            (
                "1: key 'sip.bind': expected an IP address and a port such as 127.0.0.1:8088 or"
                " [::1]:8088, got 5060. Write it in quotes."
            ),
        ),
        (
            f"tenants.default.users.{'a' * 256} = {{}}",
            (
                f"1: key 'tenants.default.users.{'a' * 256}': expected a name of 255 characters,"
                " percent-encoded, got a longer one"
            ),
        ),
        (
            'tenants.default.users.a = { password_hash = "hunter2" }',
            (
                "1: key 'tenants.default.users.a.password_hash': expected the hash of a password,"
                " got something else. It can't be used: it is not a hash that starts with"
                " $argon2id$, $argon2i$, $argon2d$, $5$ or $6$. `stasisd hash-password` makes one."
            ),
        ),
        (
            f"tenants.default.users.a = {{ password = 'x', password_hash = '{HASHES[0]}' }}",
            (
                "1: key 'tenants.default.users.a.password_hash': expected a password or a hash,"
                " got both. Remove the password."
            ),
        ),
        (
            'tenants.default.outbound.a = { url = "http://x", applications = ["x"] }',
            (
                "1: key 'tenants.default.outbound.a.url': expected an address such as"
                ' wss://app.example.com/ari, got "http://x"'
            ),
        ),
        (
            'tenants.default.outbound.a = { url = "ws://me:secret@x", applications = ["x"] }',
            (
                "1: key 'tenants.default.outbound.a.url': expected an address without a password,"
                " got one with a user. Set username and password instead."
            ),
        ),
        (
            '[tenants.default.outbound]\na = { url = "ws://x" }',
            (
                "2: key 'tenants.default.outbound.a.applications': expected a list of at least"
                " one, got an empty list"
            ),
        ),
        (
            (
                '[tenants.default.outbound]\na = { url = "ws://x", applications = ["x"] }\n'
                'b = { url = "wss://[::1]:1/p?q", applications = ["y", "x"] }'
            ),
            (
                "3: key 'tenants.default.outbound.b.applications[1]': expected each application"
                " once, got one that 'a' has already"
            ),
        ),
        (
            'tenants.default.outbound.a = { url = "ws://x", applications = ["x"], user = "stasi" }',
            (
                "1: key 'tenants.default.outbound.a.user': expected an ARI user of this tenant,"
                " got \"stasi\". Did you mean 'stasis'?"
            ),
        ),
        (
            'tenants.default.outbound.a = { url = "ws://x", applications = ["x"], username = "u" }',
            (
                "1: key 'tenants.default.outbound.a': expected username and password, or none of"
                " them, got one of them"
            ),
        ),
        (
            'tenants.default.users.stasis.permit = ["192.0.2.1/24"]',
            (
                "1: key 'tenants.default.users.stasis.permit[0]': expected a network such as"
                ' 192.0.2.0/24 or 2001:db8::/32, got "192.0.2.1/24".'
                " Did you mean '192.0.2.0/24'?"
            ),
        ),
        (
            'tenants.default.applications.ivr.orphans = "kill"',
            (
                "1: key 'tenants.default.applications.ivr.orphans': expected keep,"
                ' continue:SECONDS or hangup:SECONDS, got "kill"'
            ),
        ),
        ("sip.udp = 1", "1: key 'sip.udp': expected true or false, got 1"),
        (
            'media.rtp_ports = "20000-10000"',
            (
                "1: key 'media.rtp_ports': expected a range of ports such as 10000-20000,"
                ' got "20000-10000". Ports go upward, from 1024 to 65535.'
            ),
        ),
        (
            "media.rtp_ports = [10000, 20000]",
            (
                "1: key 'media.rtp_ports': expected a range of ports such as 10000-20000,"
                " got [10000, 20000]. Write it in quotes."
            ),
        ),
        (
            "sip.registration.min_seconds = 0",
            (
                "1: key 'sip.registration.min_seconds': expected a whole number from 1 to"
                " 31536000, got 0"
            ),
        ),
        (
            "sip.registration.min_seconds = true",
            (
                "1: key 'sip.registration.min_seconds': expected a whole number from 1 to"
                " 31536000, got true"
            ),
        ),
        (
            'log.level = "wraning"',
            (
                "1: key 'log.level': expected one of debug, info, warning, error,"
                " got \"wraning\". Did you mean 'warning'?"
            ),
        ),
        (
            "log.level = 3",
            "1: key 'log.level': expected one of debug, info, warning, error, got 3",
        ),
        (
            "shutdown.drain_seconds = -1",
            "1: key 'shutdown.drain_seconds': expected a number from 0 to 3600, got -1",
        ),
        (
            "shutdown.drain_seconds = nan",
            "1: key 'shutdown.drain_seconds': expected a number from 0 to 3600, got NaN",
        ),
        ("sip.realm = 5", "1: key 'sip.realm': expected text, got 5. Write it in quotes."),
        (
            "[tenants.default.users.ada]\npassword = 1234",
            (
                "2: key 'tenants.default.users.ada.password': expected text,"
                " got a value that is not shown here. Write it in quotes."
            ),
        ),
        (
            'tenants.default.users.ada = "secret"',
            (
                "1: key 'tenants.default.users.ada': expected a table,"
                " got a value that is not shown here"
            ),
        ),
        (
            "sip = {udp = 1979-05-27}",
            "1: key 'sip.udp': expected true or false, got \"1979-05-27\"",
        ),
        (
            f'http.prefix = ["{"x" * 100}"]',
            f"1: key 'http.prefix': expected text, got [\"{'x' * 58}.... Write it in quotes.",
        ),
    ],
)
def test_wrong_types_and_unknown_keys(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "http.bind = []",
            "1: key 'http.bind': expected a list of at least one, got an empty list",
        ),
        (
            'http.bind = ["127.0.0.1:1", "127.0.0.1:1"]',
            "1: key 'http.bind[1]': expected each value once, got one that is listed before",
        ),
        (
            'http.prefix = "/ari/"',
            "1: key 'http.prefix': expected a path such as ari, got \"/ari/\"",
        ),
        (
            'http.allowed_origins = ["https://a.example/x"]',
            (
                "1: key 'http.allowed_origins[0]': expected an origin such as https://example.com,"
                ' or *, got "https://a.example/x". An origin has no path.'
            ),
        ),
        (
            'sip.advertised_address = "pbx.example"',
            "1: key 'sip.advertised_address': expected an IP address, got \"pbx.example\"",
        ),
        ('media.bind = "any"', "1: key 'media.bind': expected an IP address, got \"any\""),
        (
            "sip.realm = 'a\"b'",
            '1: key \'sip.realm\': expected text without quotes, got "a\\"b"',
        ),
        (
            "[sip]\nudp = false\ntcp = false",
            "2: key 'sip.udp': expected udp or tcp to be true, got both false",
        ),
        (
            "[sip.registration]\nmax_seconds = 30",
            (
                "1: key 'sip.registration': expected min_seconds <= default_seconds <= max_seconds,"
                " got 60, 3600, 30"
            ),
        ),
        (
            'sip.digest_algorithms = ["MD5", "MD5"]',
            (
                "1: key 'sip.digest_algorithms[1]': expected each value once,"
                " got one that is listed before"
            ),
        ),
        (
            "[tenants.default]\n[tenants.acme]",
            (
                "2: key 'tenants.acme': expected domains, got none, as 'default' has none."
                " One tenant alone may have all other hosts."
            ),
        ),
        (
            '[tenants."a b"]',
            (
                "1: key 'tenants.a b': expected a name of letters, digits, _ and -, other than"
                ' operators, got "a b"'
            ),
        ),
        (
            'tenants.acme.domains = ["Acme.example"]',
            (
                "1: key 'tenants.acme.domains[0]': expected a host in lower case such as"
                ' example.com, got "Acme.example"'
            ),
        ),
        (
            'tenants.acme.domains = ["one.example"]\ntenants.globex.domains = ["one.example"]',
            (
                "2: key 'tenants.globex.domains[0]': expected each domain once, got one that"
                " 'acme' has already"
            ),
        ),
        (
            '[tenants.acme]\n[tenants.globex]\ndomains = ["stasisd"]\n[sip]\nrealm = "stasisd"',
            "5: key 'sip.realm': expected a realm for 'acme' alone, got a domain of 'globex'",
        ),
        (
            '[tenants.acme.users."eve@globex"]\n[tenants.globex]\ndomains = ["globex.example"]',
            (
                "1: key 'tenants.acme.users.eve@globex': expected a name that does not end like a"
                ' login of another tenant\'s, got "eve@globex"'
            ),
        ),
        ("[tenants]", "1: key 'tenants': expected at least one tenant, got none"),
        (
            'tenants.default.language = "English"',
            (
                "1: key 'tenants.default.language': expected a language such as en or pt_BR,"
                ' got "English"'
            ),
        ),
        (
            'tenants.default.remote_media.allowed_networks = ["10.1.0.1/16"]',
            (
                "1: key 'tenants.default.remote_media.allowed_networks[0]': expected a network such"
                " as 192.0.2.0/24 or 2001:db8::/32, got"
                " \"10.1.0.1/16\". Did you mean '10.1.0.0/16'?"
            ),
        ),
        (
            'tenants.default.egress.allowed_networks = ["localhost"]',
            (
                "1: key 'tenants.default.egress.allowed_networks[0]': expected a network such"
                ' as 192.0.2.0/24 or 2001:db8::/32, got "localhost"'
            ),
        ),
        (
            'tenants.default.media_connections."a/b" = { url = "ws://x" }',
            (
                "1: key 'tenants.default.media_connections.a/b': expected a name of letters,"
                ' digits and . _ -, got "a/b"'
            ),
        ),
        (
            'http.prefix = "pbx/media"',
            (
                "1: key 'http.prefix': expected a path such as ari, got \"pbx/media\"."
                " 'media' is where programs open WebSockets for sound."
            ),
        ),
        (
            'tenants.default.channelvars = ["a b"]',
            "1: key 'tenants.default.channelvars[0]': expected the name of a variable, got \"a b\"",
        ),
        (
            '[tenants.default.users."a:b"]',
            "1: key 'tenants.default.users.a:b': expected a user name without a colon, got \"a:b\"",
        ),
        (
            '[tenants.default.users.ada]\npassword = ""',
            (
                "2: key 'tenants.default.users.ada.password': expected a password, got an empty"
                " one. Leave the key out to have a password made at the first start."
            ),
        ),
        (
            '[tenants.default.endpoints."a/b"]',
            (
                "1: key 'tenants.default.endpoints.a/b': expected a name of letters, digits and"
                ' . _ +, got "a/b"'
            ),
        ),
        (
            '[tenants.default.endpoints.7]\nallow = ["ulaw", "uloaw"]',
            (
                "2: key 'tenants.default.endpoints.7.allow[1]': expected one of ulaw, alaw,"
                " got 'uloaw'. Did you mean 'ulaw'?"
            ),
        ),
        (
            '[tenants.default.endpoints.7]\nallow = ["PCMA"]',
            (
                "2: key 'tenants.default.endpoints.7.allow[0]': expected one of ulaw, alaw,"
                " got 'PCMA'. Did you mean 'alaw'?"
            ),
        ),
        (
            '[tenants.default.endpoints.7]\ncontext = "a b"',
            (
                "2: key 'tenants.default.endpoints.7.context': expected the name of a context,"
                ' got "a b"'
            ),
        ),
    ],
)
def test_wrong_meanings(tmp_path: Path, text: str, expected: str) -> None:
    assert problems(tmp_path, text) == [expected]


def test_all_mistakes_are_reported_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[sip]\nudp = 1\nbind = "x"\n\n[http]\npretty = "no"\nlisten = 1\n[http.bind]\n'
    found = problems(tmp_path, text)
    assert [line.split(":")[0] for line in found] == ["2", "3", "6", "7", "8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[http]\nbind = 127.0.0.1", "2: this is not TOML: "),
        ("a = 1\na = 2", "2: this is not TOML: Cannot overwrite a value"),
        ("[tenants.default.users.a]\n[tenants.default.users.a]", "2: this is not TOML: "),
        ('a = """\n\n', "3: this is not TOML: "),
        ("a = " + "[" * 50_000, " this is not TOML: nested too deeply"),
    ],
)
def test_what_is_no_toml(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(expected)


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(ConfigurationError, match=f"{path}:2: the file is not UTF-8"):
        read(path)
    with pytest.raises(ConfigurationError, match=f"{tmp_path}: can't be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigurationError, match=r"none\.toml: can't be read: No such file"):
        load(tmp_path / "none.toml")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The defaults with a few values replaced by anything."""
    whole: dict[str, Any] = tomllib.loads(ANNOTATED.read_text())
    for path in draw(st.lists(st.sampled_from(sorted(places_of(whole), key=str)), max_size=3)):
        node: Any = whole
        try:
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = draw(ANYTHING)
        except (TypeError, KeyError, IndexError):
            continue  # replaced before
    return whole


@given(tables())
def test_any_table_gives_settings_or_mistakes(table: dict[str, Any]) -> None:
    found, mistakes = decode(Settings, table)
    assert isinstance(found, Settings)
    for mistake in mistakes or check(found):
        assert str(mistake).startswith("key '")
