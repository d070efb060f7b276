"""What a process holds, as the kernel counts it."""

from pathlib import Path

import msgspec

KIB = 1024


class Figures(msgspec.Struct, frozen=True):
    """Memory in KiB, open descriptors, threads.

    ``resident`` counts every page that is mapped, also those of libraries that other processes
    map too; ``proportional`` counts such a page in equal parts to those who map it; ``private``
    leaves it out.
    """

    resident: int
    proportional: int
    private: int
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.resident / KIB:6.1f} MiB resident {self.proportional / KIB:6.1f} proportional"
            f" {self.private / KIB:6.1f} private {self.descriptors:4} fds {self.threads:2} threads"
        )


def figures(pid: int) -> Figures:
    """Read them from /proc. Raises OSError where there is no such process."""
    folder = Path(f"/proc/{pid}")
    memory = _table(folder / "smaps_rollup")
    return Figures(
        resident=memory["Rss"],
        proportional=memory["Pss"],
        private=memory["Private_Clean"] + memory["Private_Dirty"],
        descriptors=sum(1 for _ in (folder / "fd").iterdir()),
        threads=sum(1 for _ in (folder / "task").iterdir()),
    )


def _table(file: Path) -> dict[str, int]:
    """The lines ``Name:  123 kB`` of a file."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[-1] == "kB"}
