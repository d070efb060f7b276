"""Pages of the documentation whose tables are made from the code: `python -m tests.docs.pages`.

A page holds blocks between `<!-- made: NAME -->` and `<!-- end -->`. What stands in one is written
by the function of that name below, so a table can't say what the code does not do; the rest of the
page is written by hand. `test_pages.py` sees to it that all blocks are current.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs import (
    api,
    commands,
    compatibility,
    configuration,
    dialplan,
    events,
    media,
    operations,
    sip,
    tokens,
)

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

BLOCKS: Mapping[str, Callable[[], str]] = {
    "ari-models": compatibility.absent_models,
    "ari-operations": compatibility.operations,
    "ari-summary": compatibility.summary,
    "applications": dialplan.applications,
    "causes": sip.causes,
    "caveats": tokens.caveats,
    "commands": commands.commands,
    "configuration": configuration.sections,
    "dial-status": dialplan.dial_status,
    "events": events.table,
    "exit-codes": commands.exit_codes,
    "functions": dialplan.functions,
    "hangup-reasons": operations.hangup_reasons,
    "operations": operations.routes,
    "parameters": operations.parameters,
    "playable": media.playable,
    "recordable": media.recordable,
    "sip-methods": sip.methods,
    "statuses": operations.statuses,
    "statuses-of-causes": sip.statuses,
    "tones": media.tones,
}


def pages() -> list[Path]:
    """All pages that hold a block."""
    return [path for path in sorted(DOCS.rglob("*.md")) if BLOCK.search(path.read_text())]


def current(text: str) -> str:
    """A page's text with all its blocks made anew. Raises KeyError for an unknown block."""
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}{found[3]}", text)


def main() -> None:
    for path in pages():
        before = path.read_text()
        after = current(before)
        if after != before:
            path.write_text(after)
            print(f"made {path.relative_to(ROOT)}")
    if api.write():
        print(f"made {api.FOLDER.relative_to(ROOT)}")
    if tokens.write():
        print(f"made {tokens.VECTORS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
