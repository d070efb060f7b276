"""Imports point downward only: the architecture of docs/architecture.md, enforced."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# room -> the rooms it may import. A room may always import itself.
SANS_IO = {"stasisd.credentials", "stasisd.sip", "stasisd.sdp", "stasisd.rtp"}
ALLOWED: dict[str, set[str]] = {
    "caps": set(),
    "stasisd.credentials": set(),
    "stasisd.sip": {"stasisd.credentials"},
    "stasisd.sdp": set(),
    "stasisd.rtp": set(),
    "stasisd.media": {"stasisd.rtp"},
    "stasisd.store": set(),
    "stasisd.core": {
        "stasisd.media.control",
        "stasisd.media.commands",
        "stasisd.media.reports",
        "stasisd.store",
    },
    "stasisd.dialplan": {"stasisd.core"},
    "stasisd.operations": {"stasisd.core", "stasisd.store", "stasisd.credentials", "caps"},
    "stasisd.technologies": {
        "stasisd.core",
        "stasisd.credentials",
        "stasisd.sip",
        "stasisd.sdp",
        "stasisd.media",
        "stasisd.store",
    },
    "stasisd.bindings": {"stasisd.operations", "stasisd.core", "stasisd.credentials", "caps"},
}
# The composition root and what belongs to it know everything.
TOP = {
    "stasisd.daemon",
    "stasisd.__main__",
    "stasisd.commands",
    "stasisd.components",
    "stasisd.config",
    "stasisd.demo",
    "stasisd.logs",
    "stasisd.sd_notify",
    "stasisd.tenants",
}
# Rooms where time, sockets, Trio and chance come in as arguments.
FORBIDDEN_IN_SANS_IO = {"trio", "socket", "time", "random", "secrets", "threading", "asyncio", "os"}
# The package itself holds only its version.
ROOT_PACKAGE = "stasisd"


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("stasisd", "caps"):
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT).with_suffix("")
            parts = [part for part in relative.parts if part != "__init__"]
            yield ".".join(parts), path


def imports_of(name: str, path: Path) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                stem = ".".join(parts[: len(parts) - node.level + 1])
                base = f"{stem}.{base}" if base else stem
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[0] if parts[0] == "caps" else ".".join(parts[:2])


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def violations() -> Iterator[str]:
    for name, path in modules():
        room = room_of(name)
        if name == ROOT_PACKAGE or any(within(name, top) for top in TOP):
            continue
        if room not in ALLOWED:
            yield f"{name}: the room {room} has no place in the layers"
            continue
        for imported in imports_of(name, path):
            if imported == f"{ROOT_PACKAGE}.__version__":
                continue
            if imported.split(".")[0] in FORBIDDEN_IN_SANS_IO and room in SANS_IO | {"caps"}:
                if room == "caps" and imported.split(".")[0] == "secrets":
                    continue  # minting a token draws its nonce and key
                yield f"{name}: a sans-IO room imports {imported}"
            ours = imported.startswith(("stasisd.", "caps.")) or imported == "caps"
            if not ours or within(imported, room):
                continue
            if not any(within(imported, allowed) for allowed in ALLOWED[room]):
                yield f"{name} imports {imported}"


def test_imports_point_downward() -> None:
    assert list(violations()) == []


def test_rooms_inside_bindings_share_only_ari() -> None:
    wrong = []
    for name, path in modules():
        if not within(name, "stasisd.bindings"):
            continue
        own = ".".join(name.split(".")[:3])
        for imported in imports_of(name, path):
            other = ".".join(imported.split(".")[:3])
            if within(imported, "stasisd.bindings") and other not in {own, "stasisd.bindings.ari"}:
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("stasisd.sip.parser", "from ..core import bus", "stasisd.core.bus"),
        ("stasisd.sip", "from . import parser", "stasisd.sip.parser"),
        ("stasisd.core.bus", "import trio", "trio"),
    ],
)
def test_relative_imports_are_resolved(
    name: str, source: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / ("__init__.py" if name == "stasisd.sip" else "module.py")
    path.write_text(source)
    assert list(imports_of(name, path)) == [expected]
