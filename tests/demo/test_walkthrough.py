"""The demo as the newcomer runs it, and how it judges what it got."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from rich.console import Console

from stasisd.demo.application import Visit
from stasisd.demo.caller import KEYS, NotAsExpected
from stasisd.demo.hearing import RATE, Samples
from stasisd.demo.walkthrough import (
    FAILED,
    HEARD,
    INTERRUPTED,
    LIKENESS,
    PASSED,
    RECORDING,
    SAID,
    fetch_recording,
    likeness,
    run,
)
from stasisd.media import codecs

from .test_ear import noise

VISIT = Visit("c1", KEYS, "demo-c1")
COMMAND = [sys.executable, "-m", "stasisd", "demo", "--folder"]


def wave(samples: Samples, rate: int = RATE) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, samples, rate, subtype="PCM_16", format="WAV")
    return written.getvalue()


async def download(path: str) -> bytes:
    assert path == "recordings/stored/demo-c1/file"
    return wave(noise(1))


async def download_wide(_: str) -> bytes:
    return wave(noise(1), 16000)


async def test_the_recording_is_fetched_by_its_name() -> None:
    assert (await fetch_recording(VISIT, download) == noise(1)).all()


@pytest.mark.parametrize(
    ("visit", "message"),
    [
        (Visit("c1", KEYS[:-1], "demo-c1"), "the application got 155461"),
        (Visit("c1", KEYS, None), "no recording"),
        (Visit("c1", "", None, failure="POST x was answered 500"), "failed: POST x"),
    ],
)
async def test_what_the_application_did_not_get_is_told(visit: Visit, message: str) -> None:
    with pytest.raises(NotAsExpected, match=message):
        await fetch_recording(visit, download)


async def test_a_recording_of_another_rate_is_told() -> None:
    with pytest.raises(NotAsExpected, match="16000"):
        await fetch_recording(VISIT, download_wide)


def test_a_recording_is_like_the_message_if_it_holds_it() -> None:
    whole = codecs.decode(codecs.encode(noise(4), codecs.PCMA), codecs.PCMA)
    message = noise(4)[RATE : 3 * RATE]
    assert likeness(whole, message) > 0.98
    assert likeness(noise(4, seed=2), message) < LIKENESS
    assert likeness(whole[: 2 * RATE - 1], message) < LIKENESS
    assert likeness(whole * 0, message) < LIKENESS


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = io.StringIO()
    code = run(tmp_path / "file" / "demo", verbose=False, console=Console(file=out, width=500))
    assert code == FAILED
    assert "can't be written to" in out.getvalue()


@pytest.mark.slow
def test_the_whole_demo(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == PASSED, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Everything happened as it should." in done.stdout
    files = {name: soundfile.info(tmp_path / name) for name in (HEARD, SAID, RECORDING)}
    assert all(file.samplerate == RATE for file in files.values())
    assert 20 < files[HEARD].duration < 60
    assert files[RECORDING].duration > 3


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["stasisd is up", "The caller presses 5", "RecordingStarted"])
def test_an_interrupt_ends_it_cleanly(tmp_path: Path, moment: str) -> None:
    with subprocess.Popen(
        [*COMMAND, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while moment not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert rest.rstrip().endswith("Stopped.")
        assert demo.stderr.read() == ""
        assert demo.wait(20) == INTERRUPTED
