"""Programs that pages print do what the pages say."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from caps import READ_ONLY, Access, Keyring, Operations, Right, RootKey, Token, mint, verify
from caps.caveats import encode
from stasisd.store import secrets
from tests.docs.pages import DOCS
from tests.docs.test_text import FENCE

PAGE = DOCS / "how-to" / "make-a-read-only-user.md"
TOKENS = DOCS / "reference" / "tokens.md"


def program(page: Path, language: str) -> str:
    """The one program in this language that a page prints."""
    (found,) = (text for kind, text in FENCE.findall(page.read_text()) if kind == language)
    return str(found)


def test_a_token_for_reading(tmp_path: Path) -> None:
    text = program(PAGE, "python")
    kept, _ = secrets.ensure(tmp_path / "secrets.json", {"default": ["stasis"]}, {})
    made = subprocess.run(
        [sys.executable, "-c", text, tmp_path / "secrets.json"],
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


def attenuates(command: Sequence[str]) -> None:
    """Whether a program adds short and long caveats as the library does."""
    token = mint(RootKey("k1", "acme", bytes(32)))
    for caveat in (READ_ONLY, Operations(("channels.get",) * 12), Operations(("x" * 1000,))):
        made = subprocess.run(
            [*command, encode(caveat).decode()],
            input=token.encode(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert made.stdout.strip() == token.attenuate(caveat).encode()
        token = Token.decode(made.stdout.strip())


def test_a_caveat_is_added_in_python() -> None:
    attenuates([sys.executable, "-c", program(TOKENS, "python")])


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_a_caveat_is_added_in_javascript(tmp_path: Path) -> None:
    script = tmp_path / "attenuate.js"
    script.write_text(program(TOKENS, "js"))
    attenuates(["node", str(script)])
