"""The fields of SIP's configuration objects: their defaults, and what each may be."""

import re
from collections.abc import Callable, Mapping

from stasisd.core.configuration import BadObject
from stasisd.sdp.codecs import BY_NAME as CODECS

NAME = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
MOST_CONTACTS = 100

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "endpoint": {
        "context": "default",
        "disallow": "",
        "allow": "ulaw,alaw",
        "aors": "",
        "auth": "",
        "callerid": "",
        "send_pai": "false",
        "send_rpid": "false",
        "send_connected_line": "yes",
        "moh_suggest": "default",
    },
    "aor": {"max_contacts": "0"},
    "auth": {"auth_type": "userpass", "username": "", "password": ""},
}
# What is never shown.
SECRET = {"password"}
# Fields of Asterisk that say how stasisd behaves anyway, or of what it does not have; they are
# kept and shown, so that a program finds what it wrote.
WITHOUT_EFFECT: Mapping[str, frozenset[str]] = {
    "endpoint": frozenset(
        {
            "transport", "direct_media", "rtp_symmetric", "force_rport", "rewrite_contact",
            "ice_support", "dtmf_mode", "media_encryption", "identify_by", "language",
            "mailboxes", "trust_id_inbound", "trust_connected_line", "trust_id_outbound",
            "device_state_busy_at", "accountcode", "from_user", "from_domain", "webrtc",
            "use_avpf", "rtcp_mux", "message_context", "set_var", "100rel", "timers",
        }
    ),
    "aor": frozenset(
        {
            "contact", "default_expiration", "minimum_expiration", "maximum_expiration",
            "qualify_frequency", "remove_existing", "remove_unavailable", "support_path",
            "mailboxes",
        }
    ),
    "auth": frozenset({"realm", "md5_cred", "nonce_lifetime"}),
}  # fmt: skip


def checked(object_type: str, object_id: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields, each what it may be. Raises BadObject."""
    if NAME.fullmatch(object_id) is None:
        raise BadObject("an id has 1 to 64 letters, digits, '_', '.', '+' and '-'")
    known = DEFAULTS[object_type].keys() | WITHOUT_EFFECT[object_type]
    good = {}
    for name, value in fields.items():
        if name not in known:
            raise BadObject(
                f"{object_type} has no field {name!r}; it has {', '.join(sorted(known))}"
            )
        if re.search(r"[\x00-\x1f\x7f]", value) or len(value) > 1024:
            raise BadObject(f"{name} may have no control characters, and 1024 characters at most")
        check = CHECKS.get((object_type, name))
        good[name] = check(object_id, value) if check is not None else value
    return good


def _codecs(_id: str, value: str) -> str:
    """``!all,ulaw`` and ``ulaw,alaw`` alike: the codecs that are allowed."""
    names = [name.strip() for name in value.split(",")]
    wanted = [name for name in names if name and not name.startswith("!")]
    if wanted == ["all"]:
        return ",".join(CODECS)
    unknown = sorted(set(wanted) - set(CODECS))
    if unknown or not wanted:
        raise BadObject(f"allow lists codecs of {', '.join(CODECS)}, not {value!r}")
    return ",".join(wanted)


def _own_aor(object_id: str, value: str) -> str:
    if value not in {"", object_id}:
        raise BadObject(f"aors has to be {object_id!r}: phones register under the endpoint's name")
    return value


def _contacts(_id: str, value: str) -> str:
    if not value.isdecimal() or int(value) > MOST_CONTACTS:
        raise BadObject(f"max_contacts is a number up to {MOST_CONTACTS}, not {value!r}")
    return value


def _auth_type(_id: str, value: str) -> str:
    if value not in {"userpass", "digest"}:
        raise BadObject(f"auth_type is userpass or digest, not {value!r}")
    return value


# Asterisk writes some of its flags in the one way, some in the other.
TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
FALSE = frozenset({"no", "false", "n", "f", "0", "off"})


def is_true(value: str) -> bool:
    """Whether a flag that was checked is set."""
    return value in TRUE


def _flag(yes: str, no: str) -> Callable[[str, str], str]:
    def check(_id: str, value: str) -> str:
        word = value.strip().lower()
        if word not in TRUE | FALSE:
            raise BadObject(f"a flag is yes or no, not {value!r}")
        return yes if word in TRUE else no

    return check


CHECKS: Mapping[tuple[str, str], Callable[[str, str], str]] = {
    ("endpoint", "allow"): _codecs,
    ("endpoint", "aors"): _own_aor,
    ("endpoint", "send_pai"): _flag("true", "false"),
    ("endpoint", "send_rpid"): _flag("true", "false"),
    ("endpoint", "send_connected_line"): _flag("yes", "no"),
    ("aor", "max_contacts"): _contacts,
    ("auth", "auth_type"): _auth_type,
}
