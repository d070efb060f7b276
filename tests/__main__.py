"""All checks, in the order in which they are cheap: lint, format, types, tests.

Run as `python -m tests`. Stops at the first that fails; on success pytest's closing line is the
last one. What pytest leaves out by default stands in pyproject.toml.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHECKS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "layers and tests": ["pytest"],
}


def main() -> int:
    for name, command in CHECKS.items():
        print(f"== {name}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
        seconds = time.monotonic() - started
        if result.returncode:
            print(f"== {name}: failed after {seconds:.1f} s", file=sys.stderr)
            return 1
        if name != list(CHECKS)[-1]:  # pytest tells its own time, and has the last word
            print(f"== {name}: passed in {seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
