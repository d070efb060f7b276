"""`python -m tests.fuzz --inputs 100000`: every reader, and a row of the table for each."""

import argparse

from .readers import READERS
from .run import run


def main() -> None:
    """Print the table as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    given = parser.parse_args()
    print("| reader | inputs | read | refused, by which error | seconds |")
    print("|---|---|---|---|---|")
    for reader in READERS:
        outcome = run(reader, given.inputs)
        refused = ", ".join(f"{n:,} `{name}`" for name, n in sorted(outcome.refused.items()))
        print(
            f"| {outcome.reader} | {outcome.inputs:,} | {outcome.read:,} | {refused} |"
            f" {outcome.seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
