"""The recordings: what a real Asterisk answered, line by line."""

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "recorded"


class Line(msgspec.Struct, frozen=True):
    """One line of a recording; which fields are set depends on `kind`."""

    n: int
    t: float
    kind: str
    ws: str = ""
    # http
    method: str = ""
    target: str = ""
    body: str | None = None
    status: int = 0
    reason: str = ""
    headers: dict[str, str] = {}
    response: Any = None
    # ws-open and what came of it, ws
    request: str = ""
    message: dict[str, Any] = {}
    # sip-in, sip-out, ws-send
    text: str = ""


def load(scenario: str) -> list[Line]:
    """The lines of a scenario."""
    lines = (FOLDER / f"{scenario}.jsonl").read_bytes().splitlines()
    decoded = []
    for line in lines:
        value = msgspec.json.decode(line)
        if value["kind"] == "ws-refused":
            value["response"] = value.pop("body")
        if value["kind"] == "ws-send":
            value["text"] = value.pop("message")
        decoded.append(msgspec.convert(value, Line))
    return decoded
