"""Programs that pages print do what the pages say."""

import subprocess
import sys
from pathlib import Path

from caps import Access, Keyring, Right, RootKey, verify
from stasisd.store import secrets
from tests.docs.pages import DOCS
from tests.docs.test_text import FENCE

PAGE = DOCS / "how-to" / "make-a-read-only-user.md"


def test_a_token_for_reading(tmp_path: Path) -> None:
    (program,) = (text for kind, text in FENCE.findall(PAGE.read_text()) if kind == "python")
    kept, _ = secrets.ensure(tmp_path / "secrets.json", {"default": ["stasis"]}, {})
    made = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "secrets.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    keys = [RootKey(key.id, key.tenant, key.secret) for key in kept.root_keys]
    grant = verify(made.stdout.strip(), Keyring(keys), 0.0)
    reading = Access(right=Right.READ, operation="channels.list", tenant="default", now=0.0)
    writing = Access(right=Right.CONTROL, operation="channels.ring", tenant="default", now=0.0)
    assert grant.prohibits(reading) is None
    assert grant.prohibits(writing) is not None
