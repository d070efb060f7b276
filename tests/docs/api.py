"""The documents that clients load, kept in the repository: `docs/reference/api/`.

They are what the daemon serves, but for the address at which it does.
"""

from pathlib import Path
from typing import Any

import msgspec

from stasisd.bindings.documents.openapi import NAME, openapi
from stasisd.bindings.documents.swagger import documents
from stasisd.operations import OPERATIONS

FOLDER = Path(__file__).parent.parent.parent / "docs" / "reference" / "api"


def written() -> dict[str, str]:
    """The files by name, indented, so that a change shows as the lines that it changes."""
    operations = tuple(OPERATIONS.values())
    found: dict[str, Any] = {**documents(operations), NAME: openapi(operations)}
    return {name: _text(document) for name, document in found.items()}


def _text(document: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def kept() -> dict[str, str]:
    """The files that there are."""
    return {path.name: path.read_text() for path in sorted(FOLDER.glob("*.json"))}


def write() -> bool:
    """Write what is not current; says whether anything was not."""
    now, before = written(), kept()
    FOLDER.mkdir(exist_ok=True)
    for name in before.keys() - now.keys():
        (FOLDER / name).unlink()
    for name, text in now.items():
        if before.get(name) != text:
            (FOLDER / name).write_text(text)
    return now != before
