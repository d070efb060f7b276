"""Bytes that others wrote are read, or refused by an error that is declared: nothing else."""

import msgspec
import pytest

from .readers import READERS, Reader
from .run import run

each_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)


@each_reader
def test_some_inputs(reader: Reader) -> None:
    outcome = run(reader, 200, derandomize=True)
    assert outcome.inputs >= 200
    assert outcome.read, "no example survives: nothing behind the first check was tried"
    assert outcome.refused


def test_what_is_not_declared_ends_the_run() -> None:
    careless = msgspec.structs.replace(READERS[0], read=bytes.decode)
    with pytest.raises(UnicodeDecodeError) as escaped:
        run(careless, 2000, derandomize=True)
    assert "was given b" in escaped.value.__notes__[0]


@pytest.mark.slow
@pytest.mark.timeout(600)
@each_reader
def test_a_hundred_thousand_inputs(reader: Reader) -> None:
    assert run(reader, 100_000).inputs >= 100_000
