"""How much of a core the media process takes, and how punctual its packets are.

`python -m tests.bench.media_load --channels 1000 --mode playback --seconds 10`
Modes: playback (a file to every channel), echo, record (a file from every channel), pair (each two
channels connected), bridge (each two channels in a mix of their own), conference (all channels in
one mix, all speaking), dtmf (echo with the in-band detector on). The far ends are another process
(media_peer), on loopback. `--runs 5` measures so often and tells the median of each figure.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import trio

from stasisd.media.commands import FileSegment, RecordSpec, Remote, Step, ToneSegment
from stasisd.media.control import Media, MediaSettings, Port

FIRST_PORT = 20000
SETTLE_S = 2.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> tuple[float, float]:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S


def stolen_seconds() -> float:
    """Time that the host of a virtual machine gave to others: delays that no process can help."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / TICKS_PER_S


def memory_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def start(media: Media, mode: str, ports: list[Port], folder: Path) -> None:
    mix = media.open_mix()
    samples = np.random.default_rng(3).normal(0, 4000, 8000 * 60).astype(np.int16)
    soundfile.write(folder / "prompt.wav", samples, 8000)
    for index, port in enumerate(ports):
        if mode == "playback":
            offset = index * 37 % 5000
            rest = ToneSegment((Step((440,), 1000),), repeat=True)
            port.play((FileSegment(str(folder / "prompt.wav")), rest), offset_ms=offset)
        elif mode == "pair":
            if index % 2:
                port.connect(ports[index - 1])
        elif mode in {"bridge", "conference"}:
            if mode == "bridge" and index % 2 == 0:
                mix = media.open_mix()
            mix.add(port)
        elif mode == "record":
            port.record(RecordSpec(path=str(folder / f"{index}.wav")))
        else:
            port.echo(True)
        port.detect_dtmf(mode == "dtmf")


async def measure(mode: str, channels: int, seconds: float, folder: Path) -> dict[str, float]:
    media = Media(
        MediaSettings(bind="127.0.0.1", port_range=(FIRST_PORT, FIRST_PORT + 2 * channels))
    )
    command = [sys.executable, "-m", "tests.bench.media_peer", str(FIRST_PORT), str(channels)]
    command += [mode, str(seconds + SETTLE_S), str(SETTLE_S)]
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        assert media._session is not None
        pid: int = media._session._link.pid  # type: ignore[attr-defined]  # the real link has one
        with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here yet
            command, stdin=-1, stdout=-1, text=True
        ) as peer:
            assert peer.stdout is not None
            address = "127.0.0.1", int(peer.stdout.readline())
            ports = [await media.open_rtp() for _ in range(channels)]
            for port in ports:
                port.set_remote(Remote(address, telephone_event=101))
            start(media, mode, ports, folder)
            assert peer.stdin is not None
            peer.stdin.write("go\n")
            peer.stdin.flush()
            await trio.sleep(SETTLE_S)
            stolen_before = stolen_seconds()
            late_before = (await media.worker_statistics()).late_ticks
            before, begun = cpu_seconds(pid), trio.current_time()
            await trio.sleep(seconds - 0.5)
            after, ended = cpu_seconds(pid), trio.current_time()
            rss = memory_mib(pid)
            heard = await trio.to_thread.run_sync(peer.stdout.readline)
        stolen = stolen_seconds() - stolen_before
        worker = await media.worker_statistics()
        nursery.cancel_scope.cancel()
    user, system = ((b - a) / (ended - begun) for a, b in zip(before, after, strict=True))
    figures = {
        "cpu": user + system,
        "user": user,
        "system": system,
        "rss_mib": rss,
        "stolen": stolen,
    }
    return {**figures, "late_ticks": worker.late_ticks - late_before, **json.loads(heard)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--channels", type=int, default=1000)
    modes = ("playback", "echo", "record", "pair", "bridge", "conference", "dtmf")
    parser.add_argument("--mode", choices=modes, default="playback")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    runs = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            arguments = options.mode, options.channels, options.seconds, Path(folder)
            runs.append(trio.run(measure, *arguments))
    figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(f"{options.channels} channels, {options.mode}, {options.seconds:g} s", end="")
    print(f", {options.runs} runs" if options.runs > 1 else "")
    print(f"  CPU of the media process  {figures['cpu']:7.1%} of a core", end="")
    print(f" (user {figures['user']:.1%}, system {figures['system']:.1%})")
    print(f"  resident memory           {figures['rss_mib']:7.1f} MiB")
    print(f"  packets heard             {figures['packets']:7.0f}")
    if figures["packets"]:
        print(f"  within 5 ms of schedule   {figures['on_time']:7.3%}", end="")
        print(f" (worst {figures['worst_ms']:.1f} ms)")
        print(f"  jitter p99                {figures['jitter_p99_ms']:7.2f} ms")
    print(f"  late ticks                {figures['late_ticks']:7.0f}", end="")
    print(f" (the host took {1000 * figures['stolen']:.0f} ms for others)")


if __name__ == "__main__":
    main()
