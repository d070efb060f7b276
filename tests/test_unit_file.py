"""systemd's opinion of our unit file, and what it must agree on with the daemon."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stasisd.config import Settings

UNIT = Path(__file__).parent.parent / "systemd" / "stasisd.service"
ANALYZE = shutil.which("systemd-analyze")


def service() -> configparser.SectionProxy:
    # Keys may be repeated; of those asked for here none is.
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(UNIT.read_text())
    return parser["Service"]


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/usr/bin/stasisd", sys.executable))
    assert ANALYZE is not None
    found = subprocess.run(
        [ANALYZE, "verify", installed], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_the_drain_fits_into_the_time_to_stop() -> None:
    allowed = float(service()["TimeoutStopSec"].removesuffix("s"))
    assert allowed >= Settings().shutdown.drain_seconds + 10


def test_only_the_daemon_is_told_to_stop_and_only_it_may_notify() -> None:
    assert service()["KillMode"] == "mixed"
    assert service()["NotifyAccess"] == "main"


def test_the_only_privilege_is_scheduling() -> None:
    assert service()["AmbientCapabilities"] == "CAP_SYS_NICE"
    assert service()["CapabilityBoundingSet"] == "CAP_SYS_NICE"
