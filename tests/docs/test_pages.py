"""What the documentation says of the code is what the code does."""

from pathlib import Path

import pytest

from tests.docs import pages


@pytest.mark.parametrize("path", pages.pages(), ids=lambda path: path.stem)
def test_made_blocks_are_current(path: Path) -> None:
    text = path.read_text()
    assert text == pages.current(text), "run: python -m tests.docs.pages"


def test_every_block_stands_in_a_page() -> None:
    found = {name for path in pages.pages() for _, name, _ in pages.BLOCK.findall(path.read_text())}
    assert found == set(pages.BLOCKS)
