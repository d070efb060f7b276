"""Recordings in formats that are made of a WAV when the recording has ended.

What a killed process leaves of these formats can't be played, of a WAV it can. So they come last:
off the event loop, one after the other, and within a bound; what is not done by then stays a WAV.
"""

from pathlib import Path
from threading import Event

import soundfile
import structlog
import trio

log = structlog.get_logger(__name__)

# ARI's names of these formats, and libsndfile's.
CODINGS = {"flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS")}
# How long the end of a recording, and with it a hangup, may wait for the file.
SECONDS = 10.0
BLOCK = 8000  # samples


async def convert(source: Path, form: str, limiter: trio.CapacityLimiter) -> bool:
    """Replace a WAV by a file of another format beside it; says whether that was done."""
    given_up = Event()
    target = source.with_suffix(f".{form}")
    try:
        with trio.move_on_after(SECONDS, shield=True):
            async with limiter:
                await trio.to_thread.run_sync(
                    _convert, source, target, form, given_up, abandon_on_cancel=True
                )
            return True
    except (OSError, RuntimeError, ValueError) as error:  # soundfile's own are among them
        log.warning("a recording stays a WAV", recording=source.stem, reason=str(error))
        return False
    given_up.set()
    log.warning("a recording stays a WAV", recording=source.stem, reason="no time to convert it")
    return False


def _convert(source: Path, target: Path, form: str, given_up: Event) -> None:
    """Runs in a thread. Raises OSError and soundfile's errors."""
    part = target.with_name(f".{target.name}.part")
    container, subtype = CODINGS[form]
    try:
        with (
            soundfile.SoundFile(source) as wav,
            soundfile.SoundFile(
                part, "w", wav.samplerate, wav.channels, subtype, format=container
            ) as made,
        ):
            for block in wav.blocks(BLOCK, dtype="int16"):
                if given_up.is_set():
                    return
                made.write(block)
        if not given_up.is_set():
            part.replace(target)
            source.unlink()
    finally:
        part.unlink(missing_ok=True)
