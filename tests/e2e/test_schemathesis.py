"""schemathesis asks the daemon for everything that the OpenAPI document offers.

A 500 is no failure by itself: some are what Asterisk answers to bad parameters. A bug would stand
in the daemon's log.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.support.program import PASSWORD, USER, configuration, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OPTIONS = (
    "--checks", "status_code_conformance,content_type_conformance,response_schema_conformance",
    "--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--seed", "7",
    "--continue-on-failure", "--no-color", "--exclude-path", "/events",
)  # fmt: skip


async def test_the_daemon_is_what_its_document_says(tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}")
    if program is None:
        pytest.skip("needs schemathesis: pip install schemathesis")
    async with running(tmp_path, configuration()) as daemon:
        document = f"{await daemon.url()}/ari/api-docs/openapi.json"
        asked = await trio.run_process(
            [program, "run", document, "--auth", f"{USER}:{PASSWORD}", *OPTIONS],
            check=False,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        )
        assert asked.returncode == 0, asked.stdout.decode()
        bugs = [entry for entry in daemon.log if entry["level"] in {"error", "critical", "none"}]
        assert not bugs
        assert await daemon.end() == 0
