"""What is built in is what conf/ shows."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_built_in_dialplan_is_the_annotated_copy() -> None:
    shown = (ROOT / "conf" / "extensions.conf").read_text()
    built_in = (ROOT / "stasisd" / "defaults" / "extensions.conf").read_text()
    assert built_in == shown
