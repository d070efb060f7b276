"""What a tenant costs: the time to read and make it, and its memory.

python -m tests.bench.tenants --tenants 300
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from stasisd.config import load
from stasisd.media.control import Media, MediaSettings
from stasisd.tenants.keeping import ensure_secrets
from stasisd.tenants.tenants import Tenants


def configured(folder: Path, count: int) -> Path:
    """A configuration of so many tenants, each with the built-in user and phones."""
    file = folder / "stasisd.toml"
    tables = (f'[tenants.t{n}]\ndomains = ["t{n}.example"]\n' for n in range(count))
    file.write_text("".join(tables))
    return file


def resident() -> float:
    """The memory of this process, in KiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


def main() -> None:
    """Make the tenants of a configuration, as a start does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tenants", type=int, default=300)
    count = arguments.parse_args().tenants
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.perf_counter()
        configuration = load(configured(folder, count), {"STATE_DIRECTORY": name})
        kept, _ = ensure_secrets(configuration)
        read, before = time.perf_counter(), resident()
        made = Tenants(configuration, Media(MediaSettings()), kept)
        done = time.perf_counter()
    print(f"{len(made)} tenants: read in {1000 * (read - begun):.0f} ms, ", end="")
    print(f"made in {1000 * (done - read) / count:.2f} ms each, ", end="")
    print(f"{(resident() - before) / count:.0f} KiB each")


if __name__ == "__main__":
    main()
