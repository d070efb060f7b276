"""What the tests of the configuration share."""

from pathlib import Path
from typing import Any

ANNOTATED = Path(__file__).parents[2] / "conf" / "stasisd.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "stasisd.toml"
    path.write_text(text)
    return path


def places_of(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    found = {path} if path else set()
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        found |= places_of(item, (*path, key))
    return found
