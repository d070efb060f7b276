"""What the documentation says of the code is what the code does."""

from pathlib import Path

import pytest

from tests.docs import api, compatibility, pages


@pytest.mark.parametrize("path", pages.pages(), ids=lambda path: path.stem)
def test_made_blocks_are_current(path: Path) -> None:
    text = path.read_text()
    assert text == pages.current(text), "run: python -m tests.docs.pages"


def test_every_block_stands_in_a_page() -> None:
    found = {name for path in pages.pages() for _, name, _ in pages.BLOCK.findall(path.read_text())}
    assert found == set(pages.BLOCKS)


def test_the_documents_for_clients_are_current() -> None:
    assert api.kept() == api.written(), "run: python -m tests.docs.pages"


@pytest.mark.parametrize("named", {*compatibility.EXERCISED.values(), compatibility.GUARD})
def test_the_tests_that_are_named_exist(named: str) -> None:
    file, _, function = named.partition("::")
    assert f"def {function}(" in (compatibility.TESTS / file).read_text()
