"""The reference of the configuration: keys, types and defaults from the settings' own types, their
meaning from the remarks of conf/stasisd.toml.
"""

import enum
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import msgspec

from stasisd.config import settings
from stasisd.config.values import Address, PortRange
from tests.docs.tables import code, table

ROOT = Path(__file__).parent.parent.parent
ANNOTATED = ROOT / "conf" / "stasisd.toml"
# Where the values of settings are used, once they are read.
USERS = ("daemon.py", "tenants", "__main__.py", "demo", "config/files.py", "config/settings.py")

SECTIONS: dict[str, type[msgspec.Struct]] = {
    "http": settings.Http,
    "sip": settings.Sip,
    "sip.registration": settings.Registration,
    "media": settings.MediaProcess,
    "events": settings.Events,
    "log": settings.Log,
    "audit": settings.Audit,
    "shutdown": settings.Shutdown,
    "operators.NAME": settings.User,
    "tenants.default": settings.Tenant,
    "tenants.default.egress": settings.Egress,
    "tenants.default.limits": settings.Limits,
    "tenants.default.remote_media": settings.RemoteMedia,
    "tenants.default.users.NAME": settings.User,
    "tenants.default.endpoints.NAME": settings.SipEndpoint,
    "tenants.default.groups.NAME": settings.Group,
    "tenants.default.applications.NAME": settings.Application,
    "tenants.default.music.NAME": settings.Music,
    "tenants.default.outbound.NAME": settings.Outbound,
    "tenants.default.media_connections.NAME": settings.MediaConnection,
}
# The names that the annotated copy gives to what may have any.
EXAMPLES = {
    "users.stasis": "users.NAME",
    "endpoints.100": "endpoints.NAME",
    "groups.support": "groups.NAME",
    "applications.example": "applications.NAME",
    "music.quiet": "music.NAME",
    "outbound.example": "outbound.NAME",
    "media_connections.example": "media_connections.NAME",
    "operators.example": "operators.NAME",
}
TYPES: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    Address: "address:port",
    PortRange: "first-last",
}
HEADER = re.compile(r"(?:# )?\[(\S+)\]")
KEY = re.compile(r"(?:# )?([a-z_]+) = .*")


class Remark(msgspec.Struct):
    """One remark, and the keys that it stands above."""

    text: str
    keys: list[str] = msgspec.field(default_factory=list)


class Section(msgspec.Struct):
    """A table of the file: what is said of it, and its keys in groups that share a remark."""

    name: str
    text: str
    remarks: list[Remark] = msgspec.field(default_factory=list)


def annotated() -> list[Section]:
    """The sections of the annotated copy that say something."""
    found: list[Section] = []
    pending: list[str] = []
    for line in ANNOTATED.read_text().splitlines():
        header, key = HEADER.fullmatch(line), KEY.fullmatch(line)
        if header:
            found.append(Section(_general(header[1]), " ".join(pending)))
        elif key and found:
            remarks = found[-1].remarks
            if pending or not remarks:
                remarks.append(Remark(" ".join(pending)))
            remarks[-1].keys.append(key[1])
        elif line.startswith("#"):
            pending.append(line[1:].strip())
            continue
        pending = []
    return [section for section in found if section.name in SECTIONS]


def _general(name: str) -> str:
    for example, general in EXAMPLES.items():
        if name.endswith(example):
            return name.removesuffix(example) + general
    return name


def sections() -> str:
    """All sections, each with the table of its keys."""
    return "\n".join(_section(section) for section in annotated())


def _section(section: Section) -> str:
    struct = SECTIONS[section.name]
    hints = typing.get_type_hints(struct, include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(struct)}
    rows = [
        (
            "\n".join(map(code, remark.keys)),
            "\n".join(_type(hints[key]) for key in remark.keys),
            "\n".join(_default(defaults[key]) for key in remark.keys),
            _meaning(remark.text),
        )
        for remark in section.remarks
    ]
    unused = [key for remark in section.remarks for key in remark.keys if not is_used(key)]
    text = f"## `[{section.name}]`\n\n"
    text += f"{_meaning(section.text)}\n\n" if section.text else ""
    text += table(("key", "type", "default", "meaning"), rows)
    if unused:
        names = ", ".join(map(code, unused))
        text += f"\nRead and checked, but without effect in this release: {names}.\n"
    return text


def _meaning(text: str) -> str:
    """A remark as Markdown: what is quoted, is typed."""
    return re.sub(r'"[^"]+"', lambda quoted: code(quoted[0]), text)


def _type(hint: Any) -> str:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        (hint,) = (each for each in typing.get_args(hint) if each is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(typing.get_args(hint)[0])}"
    if typing.get_origin(hint) is typing.Annotated:
        plain, meta = typing.get_args(hint)
        return f"{TYPES[plain]}, {meta.ge} to {meta.le}"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return ", ".join(code(json.dumps(member.value)) for member in hint)
    return TYPES[hint]


def _default(value: Any) -> str:
    if value is None:
        return "none"
    return code(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else str(value)


def is_used(key: str) -> bool:
    """Whether something but the configuration itself looks at this key."""
    return any(f".{key}" in text for text in _sources())


def _sources() -> list[str]:
    package = ROOT / "stasisd"
    paths = [package / name for name in USERS]
    files = [
        path for place in paths for path in (place.rglob("*.py") if place.is_dir() else [place])
    ]
    return [path.read_text() for path in files if path.exists()]
